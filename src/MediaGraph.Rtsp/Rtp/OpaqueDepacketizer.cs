using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Packets that nobody looks into, passed on from RTSP to RTSP: those of one timestamp up to a marker together. A unit with a hole is
/// dropped and counted. Packets of sound go one by one, since a marker ends a unit in one format, begins a talkspurt in another, and never
/// comes in a third; they keep their markers, and their timestamps, which may be equal.
/// </summary>
internal sealed class OpaqueDepacketizer(Codec codec, DepacketizerOptions options) : Depacketizer(codec, options)
{
    private readonly RtpRun _packets = new(options.Pool, isInterleaved: true);
    private long _timestamp;
    private bool _isOpen;
    private bool _isDamaged;

    public override void Dispose()
    {
        base.Dispose();
        _packets.Dispose();
    }

    protected override void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        if (_isOpen && timestamp != _timestamp)
            End();
        (_isOpen, _timestamp) = (true, timestamp);
        _isDamaged |= _packets.Length + payload.Length > FrameBuffer.MaxLength;
        if (!_isDamaged)
            payload.CopyTo(_packets.Append(new RtpHeader(0, marker, 0, 0, 0), payload.Length));
        if (marker || Codec!.Kind == MediaKind.Audio)
            End();
    }

    // What follows may belong to the unit whose beginning is missing.
    protected override void OnInterrupted() => _isDamaged = Codec!.Kind != MediaKind.Audio;

    private void End()
    {
        _isOpen = false;
        var length = _packets.Length;
        if (_isDamaged || length == 0)
            DroppedFrames++;
        else
            Deliver(_packets.Detach(), length, _timestamp, _timestamp, isKeyframe: true);
        _packets.Start(0);
        _isDamaged = false;
    }
}
