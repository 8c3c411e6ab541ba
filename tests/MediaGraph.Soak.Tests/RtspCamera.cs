using System.Collections.Concurrent;
using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;

namespace MediaGraph.Soak.Tests;

/// <summary>A camera with a loudspeaker that speaks RTSP: our own server, in a hub of its own, which plays a clip as <c>cam</c>.</summary>
internal sealed class RtspCamera : ISpeaker, IAsyncDisposable
{
    public const string Stream = "cam";

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _playing;
    private int _talks;

    private RtspCamera(LiveHub live)
    {
        Live = live;
        _playing = PlayAsync();
    }

    public LiveHub Live { get; }

    public string Url => Live.RtspUrl(Stream);

    /// <summary>Talks now.</summary>
    public int Talks => Volatile.Read(ref _talks);

    /// <summary>Lengths of what was said to it.</summary>
    public ConcurrentQueue<int> Heard { get; } = new();

    /// <summary>Those who watch it.</summary>
    public int Viewers => Live.Hub.Find(Stream)?.GetSnapshot().Consumers.Length ?? 0;

    public Track Track { get; } = new(MediaKind.Audio, TrackDirection.ReceiveOnly, [new(MediaKind.Audio, CodecNames.Pcma, 8000, 1)]);

    public static async Task<RtspCamera> StartAsync(TestLog log) => new(await LiveHub.StartAsync(log));

    public ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _talks);
        return ValueTask.FromResult<ITalkLine>(new Line(this));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _playing;
        await Live.DisposeAsync();
        _stop.Dispose();
    }

    private async Task PlayAsync()
    {
        var playback = new FlvPlayback(() => File.OpenRead(RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv")));
        await using var feed = Live.Hub.Publish(new PublishRequest(Stream) { Speaker = this });
        await ((Task)playback.PlayAsync(feed, loop: true, _stop.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private sealed class Line(RtspCamera camera) : ITalkLine
    {
        public ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
        {
            camera.Heard.Enqueue(packet.Length);
            return default;
        }

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref camera._talks);
            return default;
        }
    }
}
