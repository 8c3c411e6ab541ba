namespace MediaGraph.Talk;

/// <summary>What became of a packet of a talker.</summary>
public enum TalkResult
{
    /// <summary>It is on its way to the device.</summary>
    Taken,

    /// <summary>Another talker has the place; the packet is lost.</summary>
    Busy,

    /// <summary>The device failed a moment ago and is left alone for a while; the packet is lost.</summary>
    Unavailable,

    /// <summary>The session is over; the packet is lost.</summary>
    Ended,
}
