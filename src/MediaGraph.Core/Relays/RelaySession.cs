using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Streams;

namespace MediaGraph.Relays;

/// <summary>One run of a relay's target: its way to the stream. Thread-safe.</summary>
public sealed class RelaySession
{
    private readonly Relay _relay;

    internal RelaySession(Relay relay) => _relay = relay;

    /// <summary>The stream that is pushed.</summary>
    public string StreamName => _relay.StreamName;

    /// <summary>The hub.</summary>
    public StreamHub Hub => _relay.Hub;

    /// <summary>
    /// Subscribes the session's queue as soon as the destination has agreed: sooner, packets would pile up for nobody. Again when the
    /// destination has moved, and the subscription before is over. The session ends it at the latest when it ends itself. Does not ask
    /// the authorizer.
    /// </summary>
    /// <param name="request">Its stream is the session's.</param>
    /// <param name="queue">Where the packets go; the caller owns it.</param>
    /// <param name="format">How packets become bytes.</param>
    /// <returns>Held until it is started.</returns>
    /// <exception cref="StreamException">The stream has gone, or has nothing that the format can carry, or the session is over.</exception>
    public Subscription Subscribe(SubscribeRequest request, PacketQueue queue, WireFormat format)
    {
        ThrowUnlessOwn(request);
        return _relay.Subscribe(this, request, queue, format);
    }

    /// <summary>
    /// Subscribes when the enumeration begins, as <see cref="Subscribe(SubscribeRequest, PacketQueue, WireFormat)"/> does, for a target
    /// that takes packets rather than bytes. The enumeration ends when the stream does; leaving it unsubscribes. A target that is too slow
    /// loses media as <see cref="StreamHubOptions.Queue"/> says.
    /// </summary>
    /// <param name="request">Its stream is the session's.</param>
    /// <param name="cancellationToken">The one that the target was given: a relay that is stopped waits for the enumeration's end.</param>
    /// <returns>Batches of packets; dispose each.</returns>
    /// <exception cref="StreamException">The stream has gone, or ended for a reason to know of, or the session is over.</exception>
    public IAsyncEnumerable<PacketBatch> Subscribe(SubscribeRequest request, CancellationToken cancellationToken)
    {
        ThrowUnlessOwn(request);
        return Hub.Pull(request, (own, queue) => _relay.Subscribe(this, own, queue, format: null), cancellationToken);
    }

    private void ThrowUnlessOwn(SubscribeRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Stream != StreamName)
            throw new ArgumentException("A relay pushes its own stream.", nameof(request));
    }

    // ---- Guarded by the relay's lock ------------------------------------------------------------------------------------------

    /// <summary>What it sends, or sent last.</summary>
    internal Subscription? Subscription { get; set; }

    /// <summary>Why the stream ended it; null when it did not.</summary>
    internal CloseReason? StreamEnd { get; set; }

    /// <summary>Whether it may subscribe no more.</summary>
    internal bool IsOver { get; set; }
}
