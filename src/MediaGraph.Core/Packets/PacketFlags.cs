namespace MediaGraph.Packets;

/// <summary>What a packet's receivers must know of it without parsing its payload.</summary>
[Flags]
public enum PacketFlags
{
    /// <summary>An ordinary packet.</summary>
    None = 0,

    /// <summary>Decoding can start here: an IDR picture, or any packet of audio or data.</summary>
    Keyframe = 1,

    /// <summary>
    /// A replay for late joiners starts here: a keyframe of the video, and for the other tracks of a stream the first packet
    /// after it. Set by the feed.
    /// </summary>
    StartsGroup = 2,

    /// <summary>The packet before this one did not come from the same session, or was lost. Set by the feed.</summary>
    Discontinuity = 4,
}
