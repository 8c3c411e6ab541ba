using MediaGraph.Diagnostics;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Streams;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>The sessions of one server or one client, and what they share. Thread-safe.</summary>
internal sealed class RtmpSessions(
    StreamHub hub, RtmpOptions options, ConnectionMetrics metrics, TimeProvider timeProvider, ILogger logger, int messageStreams,
    bool isClient)
{
    private readonly ConnectionSet<RtmpSession> _sessions = new(
        timeProvider, count => Log.WarningsSuppressed(logger, count), count => Log.StopOverran(logger, count),
        (session, e) => Log.ConnectionFaulted(logger, e, session.Id));

    private readonly RtmpImages[] _images =
        [.. Enumerable.Range(1, messageStreams).Select(id => new RtmpImages((uint)id, options.ChunkSize, isClient))];

    public StreamHub Hub => hub;

    public RtmpOptions Options => options;

    public ConnectionMetrics Metrics => metrics;

    public TimeProvider TimeProvider => timeProvider;

    public ILogger Logger => logger;

    public int Count => _sessions.Count;

    public IEnumerable<RtmpSession> All => _sessions.All;

    /// <inheritdoc cref="ConnectionSet{T}.Start"/>
    public T? Start<T>(Func<long, T> create)
        where T : RtmpSession => _sessions.Start(create);

    public void Remove(RtmpSession session) => _sessions.Remove(session);

    /// <inheritdoc cref="ConnectionSet{T}.StopAsync"/>
    public Task StopAsync(Func<ValueTask> stopAccepting, CancellationToken cancellationToken) =>
        _sessions.StopAsync(stopAccepting, cancellationToken);

    /// <summary>How packets are written for a message stream of a peer: those who take the same bytes share them.</summary>
    public RtmpWireFormat FormatFor(uint messageStreamId, RtmpCapabilities peer) => new(
        messageStreamId - 1 < _images.Length ? _images[messageStreamId - 1] : new RtmpImages(messageStreamId, options.ChunkSize, isClient),
        peer);

    /// <inheritdoc cref="ConnectionSet{T}.MayWarn"/>
    public bool MayWarn() => _sessions.MayWarn();
}
