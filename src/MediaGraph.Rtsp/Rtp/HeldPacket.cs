using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>An RTP packet that waits: for those before it, or for the feed to go live.</summary>
internal readonly struct HeldPacket
{
    /// <summary>Copies a packet's payload.</summary>
    public HeldPacket(ReadOnlySpan<byte> payload, PacketPool pool, long sequence, long timestamp, bool marker, bool isRestart)
    {
        Buffer = pool.Rent(payload.Length);
        payload.CopyTo(Buffer.Span);
        (Length, Sequence, Timestamp, Marker, IsRestart) = (payload.Length, sequence, timestamp, marker, isRestart);
    }

    /// <summary>The payload is at its start. Who holds the packet owns the one reference.</summary>
    public PooledBuffer Buffer { get; }

    public int Length { get; }

    /// <summary>Its sequence number, unwrapped.</summary>
    public long Sequence { get; }

    /// <summary>Its timestamp, unwrapped.</summary>
    public long Timestamp { get; }

    public bool Marker { get; }

    /// <summary>Whether its source starts over with it.</summary>
    public bool IsRestart { get; }
}
