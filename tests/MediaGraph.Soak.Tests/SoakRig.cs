using System.Collections.Immutable;
using System.Net.Sockets;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtsp.Client;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;

namespace MediaGraph.Soak.Tests;

/// <summary>The server that is tried, two cameras that it takes streams from, a hub that plays them, and what happens to all of them.</summary>
internal sealed class SoakRig : IAsyncDisposable
{
    private static readonly string[] Taken = ["live/a", "live/b", "live/c"]; // streams with sources
    private static readonly string[] Published = ["live/p", "live/q"];

    private readonly TapoEmulator _camera = TapoEmulator.Start();
    private readonly RtspCamera _other;
    private readonly LiveHub _players;
    private readonly LiveHub _live;
    private int _names;

    private SoakRig(RtspCamera other, LiveHub players, LiveHub live)
    {
        (_other, _players, _live) = (other, players, live);
        Scenarios =
        [
            ("watch by RTMP", WatchRtmpAsync),
            ("watch by RTSP", WatchRtspAsync),
            ("watch by code", WatchAsync),
            ("talk", TalkAsync),
            ("talk by RTSP", TalkRtspAsync),
            ("publish by RTMP", PublishRtmpAsync),
            ("publish by RTSP", PublishRtspAsync),
            ("set a stream", SetAsync),
            ("set a stream again", SetAsync),
            ("remove a stream", RemoveAsync),
            ("push", PushAsync),
            ("a camera's fault", FaultAsync),
            ("a stranger", StrangerAsync),
        ];
    }

    public ImmutableArray<(string Name, Func<Random, CancellationToken, Task> RunAsync)> Scenarios { get; }

    public static async Task<SoakRig> StartAsync(TestLog log)
    {
        var other = await RtspCamera.StartAsync(log);
        return new SoakRig(other, await LiveHub.StartAsync(log), await LiveHub.StartAsync(log));
    }

    /// <summary>What those who come at a bad time are told.</summary>
    public static bool IsExpected(Exception exception) => exception
        is StreamException or RtmpClientException or RtspClientException or OperationCanceledException or IOException or SocketException;

    public async Task AssertBaselineAsync()
    {
        _camera.Behaviour = TapoBehaviour.Normal;
        var receivers = Taken.SelectMany(stream => _live.Hub.Find(stream)?.Receivers ?? []).ToList();
        foreach (var stream in Taken)
            await _live.Hub.RemoveStreamAsync(stream);
        await Eventually.EqualAsync(
            () => (_camera.Previews, _camera.Talks), (0, 0), "with its streams the camera's sessions have ended");
        await Eventually.EqualAsync(
            () => string.Join(", ", _live.Hub.GetSnapshot().Streams.Select(stream => $"{stream.Name} {stream.Consumers.Length}")), "", "streams");
        await Eventually.Async(() => receivers.All(receiver => receiver.Children.IsEmpty), "senders of the server");
        await Eventually.EqualAsync(() => _live.Connections, 0, "connections of the server");
        await Eventually.EqualAsync(() => _players.Connections, 0, "connections of the players");
        await Eventually.EqualAsync(() => _camera.Connections, 0, "connections to the camera");
        await Eventually.EqualAsync(() => (_other.Viewers, _other.Talks, _other.Live.Rtsp.Connections), (0, 0, 0), "the other camera");
        await Eventually.EqualAsync(() => _live.Hub.Pool.GetStatistics().OutstandingBytes, 0L, "packet memory of the server");
        await Eventually.EqualAsync(() => _players.Hub.Pool.GetStatistics().OutstandingBytes, 0L, "packet memory of the players");
    }

    public async Task AssertWorksAsync()
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        await _live.Hub.SetStreamAsync(new StreamDefinition("live/a") { Sources = [_camera.Url] });
        await using var relay = await _players.RtspClient.PullAsync(Rtsp.RtspUrl.Parse(_live.RtspUrl("live/a")), "works", limit.Token);
        var frames = 0;
        await foreach (var batch in _players.Hub.Subscribe("works", limit.Token))
        {
            frames += batch.Count;
            batch.Dispose();
            if (frames > 50)
                break;
        }

        var heard = _camera.TalkAudio.Length;
        await using var session = await _live.Hub.TalkAsync(new TalkRequest("live/a"), limit.Token);
        for (var time = TimeSpan.Zero; _camera.TalkAudio.Length == heard; time += TimeSpan.FromMilliseconds(20))
        {
            session.Write(new byte[160], time);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _players.DisposeAsync();
        await _live.DisposeAsync();
        await _other.DisposeAsync();
        await _camera.DisposeAsync();
    }

    // ---- What happens ---------------------------------------------------------------------------------------------------------------

    private async Task WatchRtmpAsync(Random random, CancellationToken stop)
    {
        await using var relay = await _players.RtmpClient.PullAsync(Rtmp.RtmpUrl.Parse(_live.RtmpUrl(Any(random))), NewName(), stop);
        await StayAsync(random, stop);
    }

    private async Task WatchRtspAsync(Random random, CancellationToken stop)
    {
        var transport = Of(random, "", "#transport=udp", "#transport=http");
        await using var relay = await _players.RtspClient.PullAsync(
            Rtsp.RtspUrl.Parse(_live.RtspUrl(Any(random)) + transport), NewName(), stop);
        await StayAsync(random, stop);
    }

    private async Task WatchAsync(Random random, CancellationToken stop)
    {
        var batches = random.Next(20);
        await foreach (var batch in _live.Hub.Subscribe(Any(random), stop))
        {
            batch.Dispose();
            if (batches-- == 0)
                break;
        }
    }

    private async Task TalkAsync(Random random, CancellationToken stop)
    {
        await using var session = await _live.Hub.TalkAsync(new TalkRequest(Of(random, Taken)), stop);
        await SayAsync(session, random, stop);
    }

    private async Task TalkRtspAsync(Random random, CancellationToken stop)
    {
        var name = NewName();
        await using var relay = await _players.RtspClient.PullAsync(
            Rtsp.RtspUrl.Parse(_live.RtspUrl(Of(random, Taken))), name, stop);
        await using var session = await _players.Hub.TalkAsync(new TalkRequest(name), stop);
        await SayAsync(session, random, stop);
    }

    private async Task PublishRtmpAsync(Random random, CancellationToken stop)
    {
        await using var relay = await _other.Live.RtmpClient.PushAsync(
            RtspCamera.Stream, Rtmp.RtmpUrl.Parse(_live.RtmpUrl(Of(random, Published))), stop);
        await StayAsync(random, stop);
    }

    private async Task PublishRtspAsync(Random random, CancellationToken stop)
    {
        var transport = Of(random, "", "#transport=udp");
        await using var relay = await _other.Live.RtspClient.PushAsync(
            RtspCamera.Stream, Rtsp.RtspUrl.Parse(_live.RtspUrl(Of(random, Published)) + transport), stop);
        await StayAsync(random, stop);
    }

    private async Task SetAsync(Random random, CancellationToken stop)
    {
        string[] addresses =
        [
            _camera.Url, _camera.Url + "#media=talk", _other.Url, _other.Url + "#transport=udp", _other.Url + "#media=audio",
            _other.Live.RtmpUrl(RtspCamera.Stream), "stream:live/p", "file:/nothing/there.flv",
        ];
        await _live.Hub.SetStreamAsync(
            new StreamDefinition(Of(random, Taken))
            {
                Sources = [.. addresses.OrderBy(_ => random.Next()).DistinctBy(a => a.Split("#media")[0]).Take(random.Next(1, 4))],
                Mode = Of(random, SourceMode.Complementary, SourceMode.Fallback),
                Preload = random.Next(4) == 0,
                IsEnabled = random.Next(10) != 0,
                PushTo = random.Next(4) == 0 ? [_players.RtmpUrl(NewName())] : [],
            },
            stop);
        await StayAsync(random, stop);
    }

    private async Task RemoveAsync(Random random, CancellationToken stop)
    {
        await StayAsync(random, stop);
        await _live.Hub.RemoveStreamAsync(Of(random, Taken), stop);
    }

    private async Task PushAsync(Random random, CancellationToken stop)
    {
        var name = NewName();
        await using var relay = _live.Hub.AddRelay(Any(random), Of(random, _players.RtmpUrl(name), _players.RtspUrl(name)));
        await StayAsync(random, stop);
    }

    private async Task FaultAsync(Random random, CancellationToken stop)
    {
        _camera.Behaviour = Of(random, Enum.GetValues<TapoBehaviour>());
        if (random.Next(2) == 0)
            _camera.DropConnections();
        await StayAsync(random, stop);
        _camera.Behaviour = TapoBehaviour.Normal;
    }

    private async Task StrangerAsync(Random random, CancellationToken stop)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Of(random, _live.Rtmp.LocalEndPoint!, _live.Rtsp.LocalEndPoint!), stop);
        var bytes = new byte[random.Next(1, 5000)];
        random.NextBytes(bytes);
        bytes[0] = Of(random, (byte)3, (byte)'$', (byte)'D', bytes[0]);
        await client.GetStream().WriteAsync(bytes, stop);
        await StayAsync(random, stop);
        client.LingerState = new LingerOption(random.Next(2) == 0, 0);
    }

    private static async Task SayAsync(TalkSession session, Random random, CancellationToken stop)
    {
        var sound = new byte[160];
        for (var i = random.Next(10); i >= 0; i--)
        {
            session.Write(sound, TimeSpan.FromMilliseconds(20 * i));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, stop);
        }
    }

    // As long as people stay, and things take: from none to half a second.
    private static Task StayAsync(Random random, CancellationToken stop) =>
        Task.Delay(TimeSpan.FromMilliseconds(random.Next(500)), TimeProvider.System, stop);

    private static T Of<T>(Random random, params IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    private static string Any(Random random) => Of(random, [.. Taken, .. Published]);

    private string NewName() => $"n{Interlocked.Increment(ref _names)}";
}
