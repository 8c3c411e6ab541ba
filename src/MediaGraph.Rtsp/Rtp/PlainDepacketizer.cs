using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// A packet is a frame: Opus (RFC 7587 §4.2), G.711, L16 and G.722 (RFC 3551 §4.5).
/// </summary>
internal sealed class PlainDepacketizer(Codec codec, DepacketizerOptions options) : Depacketizer(codec, options)
{
    protected override void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload) => Deliver(payload, timestamp);

    protected override void OnInterrupted()
    {
        // Each packet stands by itself.
    }
}
