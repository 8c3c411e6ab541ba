namespace MediaGraph.Containers.MpegTs;

/// <summary>The contents of one PES packet: an access unit of video, some samples of sound. Its bytes are valid during the call.</summary>
public readonly ref struct MpegTsUnit
{
    /// <summary>The stream that it belongs to.</summary>
    public required MpegTsStream Stream { get; init; }

    /// <summary>What the packet carries.</summary>
    public required ReadOnlySpan<byte> Data { get; init; }

    /// <summary>In ticks of 90 kHz, without wraps; null where the packet says none.</summary>
    public long? PresentationTime { get; init; }

    /// <summary>In ticks of 90 kHz, without wraps; the presentation time where the packet says none.</summary>
    public long? DecodeTime { get; init; }

    /// <summary>Whether something of the stream was lost since the unit before.</summary>
    public bool FollowsLoss { get; init; }
}
