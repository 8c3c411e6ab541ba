namespace MediaGraph.LoadTest;

/// <summary>Connections that come and go: players and publishers in turn, which leave by FIN, by RST and half-closed in turn.</summary>
internal sealed class Churn(Target target, Target publishing, string name, SyntheticTrack[] tracks, SyntheticTrack[] published)
{
    private const int AtOnce = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private int _done;
    private int _failed;
    private int _leftOpen;

    public int Done => Volatile.Read(ref _done);

    /// <summary>The server did not agree.</summary>
    public int Failed => Volatile.Read(ref _failed);

    /// <summary>Half-closed ones that the server had not closed after 5 s.</summary>
    public int LeftOpen => Volatile.Read(ref _leftOpen);

    /// <summary>Why the first one failed.</summary>
    public Exception? Failure { get; private set; }

    public Task RunAsync(int count, CancellationToken stop) => Parallel.ForEachAsync(
        Enumerable.Range(Done, count),
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop },
        async (i, cancellation) =>
        {
            try
            {
                await ComeAndGoAsync(i, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                Failure ??= e;
                Interlocked.Increment(ref _failed);
            }

            Interlocked.Increment(ref _done);
        });

    private async Task ComeAndGoAsync(int i, CancellationToken stop)
    {
        using var client = await OpenAsync(i, stop).ConfigureAwait(false);
        switch (i / 2 % 3)
        {
            case 0:
                client.Finish();
                break;
            case 1:
                client.Reset();
                break;
            default:
                if (!await client.HalfCloseAsync(Patience, stop).ConfigureAwait(false))
                    Interlocked.Increment(ref _leftOpen);
                break;
        }
    }

    private async Task<Client> OpenAsync(int i, CancellationToken stop)
    {
        Client? opening = null;
        try
        {
            if (i % 2 == 0)
            {
                var viewer = new Viewer(target, 0, tracks, ViewerKind.Steady, verifiesContent: false, latencies: null);
                opening = viewer;
                await viewer.OpenAsync(name, stop).ConfigureAwait(false);
            }
            else
            {
                var publisher = new Publisher(publishing, published);
                opening = publisher;
                await publisher.OpenAsync($"{name}-churn-{i}", stop).ConfigureAwait(false);
                await publisher.SendFirstAsync(stop).ConfigureAwait(false);
            }

            (var open, opening) = (opening, null);
            return open;
        }
        finally
        {
            opening?.Dispose();
        }
    }
}
