namespace MediaGraph.Packets;

/// <summary>
/// A wire form that is the same for all viewers who take it. A packet makes its image in a format once, on first demand, and
/// keeps it until the packet is released; formats are compared by reference, so share one instance among all viewers.
/// </summary>
public abstract class ImageFormat
{
    /// <summary>
    /// Whether the packet keeps the image for all viewers. False for a form that few take: each of them gets bytes of its own, so
    /// that many forms of one packet cannot pile up. Default true.
    /// </summary>
    public virtual bool IsShared => true;

    /// <summary>Whether the packet's payload is the image as it stands, which is then never made. Default false.</summary>
    public virtual bool IsPayload => false;

    /// <summary>An upper bound of the bytes that <see cref="Write"/> will write for the packet.</summary>
    public abstract int Measure(MediaPacket packet);

    /// <summary>Writes the packet's image and returns its length in bytes; 0 means that this format leaves the packet out.</summary>
    public abstract int Write(MediaPacket packet, Span<byte> destination);
}
