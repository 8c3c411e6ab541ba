namespace MediaGraph.Rtsp.Rtp;

/// <summary>What one track's RTP packets have in common. All viewers are sent the same.</summary>
internal sealed record RtpSenderOptions
{
    /// <summary>The shortest <see cref="MaxPacketLength"/>.</summary>
    public const int MinPacketLength = 64;

    /// <summary>Default 1,400 bytes: with UDP's, IPv6's and a tunnel's headers it fits into Ethernet's 1,500.</summary>
    public const int DefaultMaxPacketLength = 1400;

    /// <summary>Who sends: random.</summary>
    public required uint Ssrc { get; init; }

    /// <summary>As the session description says, 0 to 127.</summary>
    public required byte PayloadType { get; init; }

    /// <summary>Ticks per second of the timestamps.</summary>
    public required int ClockRate { get; init; }

    /// <summary>Random (RFC 3550 §5.1).</summary>
    public ushort FirstSequenceNumber { get; init; }

    /// <summary>The timestamp of time 0: random (RFC 3550 §5.1).</summary>
    public uint FirstTimestamp { get; init; }

    /// <summary>
    /// Bytes of the longest RTP packet, header included, 64 to 65,535. Only what cannot be cut is longer: an Opus packet.
    /// </summary>
    public int MaxPacketLength { get; init; } = DefaultMaxPacketLength;
}
