using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>Publishes a synthetic stream in its own time, or as fast as the server takes it.</summary>
internal sealed class Publisher : Client
{
    private readonly SyntheticTrack[] _tracks;
    private readonly byte[] _frame;
    private readonly long[] _next;
    private byte[]? _answer; // goes out between two frames
    private Task _running = Task.CompletedTask;

    public Publisher(Target target, SyntheticTrack[] tracks)
        : base(target, bufferLength: 4096)
    {
        _tracks = tracks;
        _frame = new byte[tracks.Max(track => track.LongestFrame)];
        _next = new long[tracks.Length];
        Wire = IWire.Publishing(this, tracks);
    }

    /// <summary>The number of the video's next frame.</summary>
    public long Next => Volatile.Read(ref _next[0]);

    /// <summary>Of frames that were sent.</summary>
    public long Bytes { get; private set; }

    protected override IWire Wire { get; }

    protected override string Purpose => "publish";

    /// <summary>Publishes from now on until <see cref="EndAsync"/>.</summary>
    public void Start(bool isFlood, CancellationToken stop)
    {
        StartReceiving();
        _running = Task.Factory.StartNew(
            () => RunAsync(isFlood, stop), CancellationToken.None, isFlood ? TaskCreationOptions.LongRunning : TaskCreationOptions.None, TaskScheduler.Default)
            .Unwrap();
    }

    /// <summary>Sends nothing from now on but what keeps the connection.</summary>
    public void StartSilent() => StartReceiving();

    /// <summary>Cuts the connection and waits for the task.</summary>
    public async Task EndAsync()
    {
        Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The codecs' parameters and one frame of each.</summary>
    public async Task SendFirstAsync(CancellationToken stop)
    {
        for (var i = 0; i < _tracks.Length; i++)
            await SendAsync(Wire.WriteParameters(i), stop).ConfigureAwait(false);
        for (var i = 0; i < _tracks.Length; i++)
            await SendAsync(WriteFrame(i, TimeSpan.Zero), stop).ConfigureAwait(false);
    }

    // Its own writes are on another thread, and may be in the middle of a frame.
    public override void SendAnswer(ReadOnlySpan<byte> message)
    {
        if (_running.IsCompleted)
            base.SendAnswer(message);
        else
            Volatile.Write(ref _answer, message.ToArray());
    }

    private async Task RunAsync(bool isFlood, CancellationToken stop)
    {
        try
        {
            if (isFlood)
                Flood(stop);
            else
                await PublishAsync(stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            if (!stop.IsCancellationRequested)
                Failure ??= e;
        }
    }

    private async Task PublishAsync(CancellationToken stop)
    {
        var time = TimeProvider.System;
        await SendFirstAsync(stop).ConfigureAwait(false);
        var start = time.GetTimestamp();
        while (true)
        {
            var index = NextTrack();
            var due = _tracks[index].TimeOf(_next[index]);
            var wait = due - time.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            if (Interlocked.Exchange(ref _answer, null) is { } answer)
                await SendAsync(answer, stop).ConfigureAwait(false);
            await SendAsync(WriteFrame(index, due), stop).ConfigureAwait(false);
        }
    }

    // On a thread of its own, which waits in the socket. The timestamps are the clock's, as media does not come faster than that.
    private void Flood(CancellationToken stop)
    {
        var start = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < _tracks.Length; i++)
            Send(Wire.WriteParameters(i).Span);
        while (!stop.IsCancellationRequested)
        {
            if (Interlocked.Exchange(ref _answer, null) is { } answer)
                Send(answer);
            Send(WriteFrame(NextTrack(), TimeProvider.System.GetElapsedTime(start)).Span);
        }
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[Socket.Send(bytes)..];
    }

    private int NextTrack()
    {
        var first = 0;
        for (var i = 1; i < _tracks.Length; i++)
        {
            if (_tracks[i].TimeOf(_next[i]) < _tracks[first].TimeOf(_next[first]))
                first = i;
        }

        return first;
    }

    private ReadOnlyMemory<byte> WriteFrame(int index, TimeSpan time)
    {
        var length = _tracks[index].Write(_next[index]++, TimeProvider.System.GetTimestamp(), _frame);
        Bytes += length;
        return Wire.WriteFrame(index, time, _frame.AsSpan(0, length));
    }
}
