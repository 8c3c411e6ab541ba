namespace MediaGraph.Graph;

/// <summary>Why something ended; the closed set from which metrics take the tag <c>code</c>, as <c>connection_lost</c>.</summary>
public enum CloseCode
{
    /// <summary>Its owner ended it.</summary>
    Requested,

    /// <summary>The peer said goodbye or closed its side.</summary>
    PeerClosed,

    /// <summary>The connection broke.</summary>
    ConnectionLost,

    /// <summary>The peer took longer than a deadline allows.</summary>
    Deadline,

    /// <summary>The peer sent what its protocol forbids.</summary>
    ProtocolError,

    /// <summary>The peer asked for more than a limit allows.</summary>
    LimitExceeded,

    /// <summary>The authorizer, or a rule, said no.</summary>
    Refused,

    /// <summary>The publisher left and none came back in time.</summary>
    PublisherLeft,

    /// <summary>Another publisher took the stream over.</summary>
    Replaced,

    /// <summary>The consumer took too little, and its policy is to be disconnected.</summary>
    TooSlow,

    /// <summary>No codec that the consumer can take.</summary>
    CodecMismatch,

    /// <summary>The stream's sources do not deliver, or it was disabled or removed.</summary>
    Unavailable,

    /// <summary>The server, or the hub, stops.</summary>
    Stopping,

    /// <summary>A fault of this software.</summary>
    Fault,
}
