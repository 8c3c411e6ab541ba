namespace MediaGraph.Delivery;

/// <summary>A format whose images go out as datagrams, to one place.</summary>
public abstract class DatagramFormat : WireFormat
{
    /// <summary>
    /// Sends the datagrams of an image, and never waits. False when the system took not all of them; what is lost on the way nobody
    /// knows.
    /// </summary>
    public abstract bool TrySend(ReadOnlySpan<byte> image);
}
