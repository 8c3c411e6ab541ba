namespace MediaGraph.Relays;

/// <summary>What a relay is doing.</summary>
public enum RelayState
{
    /// <summary>Nobody feeds the stream now. A destination that has agreed before is kept, as long as both sides let it.</summary>
    Waiting,

    /// <summary>It connects, and asks the destination to agree.</summary>
    Connecting,

    /// <summary>The destination has agreed, and is sent what the stream has.</summary>
    Live,

    /// <summary>It ends its session.</summary>
    Stopping,

    /// <summary>It failed, and will be tried again.</summary>
    BackingOff,

    /// <summary>A session did not end when it was told to; there is no other before it has.</summary>
    Stuck,

    /// <summary>Over for good.</summary>
    Stopped,
}
