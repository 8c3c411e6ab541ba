using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Sdp;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Makes frames of the RTP packets of one track. A frame with a hole is dropped and counted, and of video nothing is delivered until
/// the next keyframe. Accepts any payload; what it holds is at most one frame of <see cref="FrameBuffer.MaxLength"/>.
/// Not thread-safe.
/// </summary>
internal abstract class Depacketizer : IDisposable
{
    private readonly RtpFrameHandler _deliver;
    private long? _next; // the sequence number that continues what came
    private long? _lastDecodeTime;
    private int _lastClockRate; // of the codec that it was in
    private bool _followsLoss;

    /// <summary>Creates a depacketizer.</summary>
    /// <param name="codec">What the session description says; null where the stream itself must say it.</param>
    /// <param name="options">What all have in common.</param>
    protected Depacketizer(Codec? codec, DepacketizerOptions options)
    {
        Codec = codec;
        Options = options;
        Frame = new FrameBuffer(options.Pool);
        _deliver = options.Deliver;
    }

    /// <summary>Makes the one for a format that has a codec; what nobody understands is passed on as it is.</summary>
    public static Depacketizer Create(SdpFormat format, DepacketizerOptions options)
    {
        var codec = format.Codec ?? throw new ArgumentException("A format without a codec.", nameof(format));
        return codec.Name switch
        {
            _ when codec.Form == PayloadForm.Rtp => new OpaqueDepacketizer(codec, options),
            CodecNames.H264 => new H264Depacketizer(codec, options),
            CodecNames.H265 => new H265Depacketizer(codec, options, format.GetNumber("sprop-max-don-diff", 0) > 0),
            CodecNames.Av1 => new Av1Depacketizer(codec, options),
            CodecNames.Vp8 => new Vp8Depacketizer(codec, options),
            CodecNames.Vp9 => new Vp9Depacketizer(codec, options),
            CodecNames.Aac when format.Latm is { } latm => new LatmDepacketizer(format.LacksParameters ? null : codec, options, latm),
            CodecNames.Aac => new AacDepacketizer(
                format.LacksParameters ? null : codec, options,
                format.Aac is { } layout
                    ? new AacFormat(layout.SizeLength, layout.IndexLength, layout.IndexDeltaLength)
                    : AacFormat.HighBitRate),
            _ => new PlainDepacketizer(codec, options),
        };
    }

    /// <summary>The codec of the next frame; null until the stream has said it.</summary>
    public Codec? Codec { get; protected set; }

    /// <summary>Frames that were dropped: with a hole, malformed, or without a keyframe or parameters before them.</summary>
    public long DroppedFrames { get; protected set; }

    /// <summary>Packets that came after a later one, or twice. None behind a <see cref="ReorderWindow{T}"/>.</summary>
    public long LatePackets { get; private set; }

    protected DepacketizerOptions Options { get; }

    protected FrameBuffer Frame { get; }

    /// <summary>Takes a packet.</summary>
    /// <param name="sequence">Its sequence number, unwrapped.</param>
    /// <param name="timestamp">Its timestamp, unwrapped.</param>
    /// <param name="marker">Its marker bit.</param>
    /// <param name="payload">Its payload; an empty one is nothing but its sequence number.</param>
    public void Push(long sequence, long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        if (_next is { } next && sequence != next)
        {
            if (sequence < next)
            {
                LatePackets++;
                return;
            }

            Interrupt();
        }

        _next = sequence + 1;
        if (!payload.IsEmpty)
            Take(timestamp, marker, payload);
    }

    /// <summary>Something is missing here, or the source starts over.</summary>
    public void Interrupt()
    {
        _followsLoss = true;
        OnInterrupted();
    }

    /// <summary>Gives back what is in assembly.</summary>
    public virtual void Dispose() => Frame.Clear();

    protected abstract void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload);

    protected abstract void OnInterrupted();

    /// <summary>Delivers a copy of a frame that is decoded when it is presented.</summary>
    protected void Deliver(ReadOnlySpan<byte> frame, long timestamp)
    {
        var buffer = Options.Pool.Rent(frame.Length);
        frame.CopyTo(buffer.Span);
        Deliver(buffer, frame.Length, timestamp, timestamp, isKeyframe: true);
    }

    /// <summary>Delivers a frame, whose buffer passes on, and so do its packets. See <see cref="RtpFrame"/>.</summary>
    protected void Deliver(
        PooledBuffer buffer, int length, long decodeTimestamp, long timestamp, bool isKeyframe, PooledBuffer? packets = null,
        int packetsLength = 0, ImageFormat? format = null)
    {
        var offset = Options.Clock?.OffsetOf(timestamp) ?? 0;
        var codec = Codec!;
        var presentationTime = MediaTime.Rescale(timestamp + offset, Options.ClockRate, codec.ClockRate);
        var decodeTime = MediaTime.Rescale(decodeTimestamp + offset, Options.ClockRate, codec.ClockRate);
        if (_lastDecodeTime is { } last && _lastClockRate != codec.ClockRate)
            _lastDecodeTime = MediaTime.Rescale(last, _lastClockRate, codec.ClockRate);
        _lastClockRate = codec.ClockRate;
        if (_lastDecodeTime >= decodeTime)
            decodeTime = _lastDecodeTime.Value + 1; // two frames in one tick, or the clock was moved back
        if (codec is { Kind: MediaKind.Audio, Form: PayloadForm.Frame })
            presentationTime = decodeTime; // what is no frame may share its time with the one before
        _lastDecodeTime = decodeTime;
        var followsLoss = _followsLoss;
        _followsLoss = false;
        _deliver(new RtpFrame(buffer, length, codec, decodeTime, presentationTime, isKeyframe, followsLoss, packets, packetsLength, format));
    }
}
