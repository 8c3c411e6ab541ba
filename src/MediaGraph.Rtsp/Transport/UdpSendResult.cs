namespace MediaGraph.Rtsp.Transport;

/// <summary>What became of a send.</summary>
internal enum UdpSendResult
{
    /// <summary>The system took it, or it is lost on the way as a datagram may be.</summary>
    Done,

    /// <summary>The socket's buffer is full.</summary>
    Full,

    /// <summary>Segments of this size do not go to this peer; smaller ones may.</summary>
    SegmentTooLarge,

    /// <summary>The system cannot segment.</summary>
    CannotSegment,
}
