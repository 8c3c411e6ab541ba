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
    /// Subscribes the session's queue, past the authorizer, as soon as the destination has agreed: sooner, packets would pile up for nobody.
    /// Again when the destination has moved, and the subscription before is over. The session ends it at the latest when it ends itself.
    /// </summary>
    /// <param name="request">Its stream is the session's.</param>
    /// <param name="queue">Where the packets go; the caller owns it.</param>
    /// <param name="format">How packets become bytes.</param>
    /// <returns>Held until it is started.</returns>
    /// <exception cref="StreamException">The stream has gone, or has nothing that the format can carry, or the session is over.</exception>
    public Subscription Subscribe(SubscribeRequest request, PacketQueue queue, WireFormat format)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Stream != StreamName)
            throw new ArgumentException("A relay pushes its own stream.", nameof(request));
        return _relay.Subscribe(this, request, queue, format);
    }

    // ---- Guarded by the relay's lock ------------------------------------------------------------------------------------------

    /// <summary>What it sends, or sent last.</summary>
    internal Subscription? Subscription { get; set; }

    /// <summary>Why the stream ended it; null when it did not.</summary>
    internal CloseReason? StreamEnd { get; set; }

    /// <summary>Whether it may subscribe no more.</summary>
    internal bool IsOver { get; set; }
}
