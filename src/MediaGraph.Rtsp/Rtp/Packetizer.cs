using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Makes RTP packets of the frames of one track: one source, continuous sequence numbers, and the frame's presentation time as
/// timestamp. Not thread-safe.
/// </summary>
internal abstract class Packetizer
{
    private readonly RtpSenderOptions _options;
    private RtpRun _run = null!; // while a frame is cut
    private long _frameTicks; // the frame's time
    private uint _timestamp;

    /// <summary>Creates a packetizer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The longest packet is out of its range.</exception>
    protected Packetizer(RtpSenderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxPacketLength, RtpSenderOptions.MinPacketLength, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxPacketLength, ushort.MaxValue, nameof(options));
        _options = options;
        NextSequenceNumber = options.FirstSequenceNumber;
    }

    /// <summary>Makes the one for a codec; null where there is no payload format for its frames.</summary>
    public static Packetizer? Create(Codec codec, RtpSenderOptions options) => codec.Name switch
    {
        CodecNames.H264 => new H264Packetizer(options),
        CodecNames.H265 => new H265Packetizer(options),
        CodecNames.Av1 => new Av1Packetizer(options),
        CodecNames.Vp8 => new Vp8Packetizer(options),
        CodecNames.Vp9 => new Vp9Packetizer(options),
        CodecNames.Aac => new AacPacketizer(options),
        CodecNames.Opus or CodecNames.Pcma or CodecNames.Pcmu or CodecNames.L16 or CodecNames.G722 => new PlainPacketizer(options),
        _ => null,
    };

    /// <summary>The sequence number of the next packet.</summary>
    public ushort NextSequenceNumber { get; private set; }

    /// <summary>Packets made so far, as sender reports count them.</summary>
    public uint Packets { get; private set; }

    /// <summary>Bytes of payload made so far, as sender reports count them.</summary>
    public uint Bytes { get; private set; }

    /// <summary>Frames of which nothing could be made, because they were malformed.</summary>
    public long DroppedFrames { get; private set; }

    /// <summary>Bytes that a payload may have.</summary>
    protected int Room => _options.MaxPacketLength - RtpHeader.Length;

    protected int ClockRate => _options.ClockRate;

    /// <summary>The RTP timestamp of a time.</summary>
    /// <param name="time">In ticks of a clock.</param>
    /// <param name="clockRate">That clock's ticks per second.</param>
    public uint TimestampOf(long time, int clockRate) =>
        unchecked(_options.FirstTimestamp + (uint)MediaTime.Rescale(time, clockRate, _options.ClockRate));

    /// <summary>The sender report of a moment.</summary>
    /// <param name="now">The wall clock.</param>
    /// <param name="start">The wall clock at the stream's time 0, the same for all of its tracks.</param>
    public SenderReport CreateReport(DateTimeOffset now, DateTimeOffset start) =>
        new(_options.Ssrc, NtpTime.Of(now), TimestampOf((now - start).Ticks, (int)TimeSpan.TicksPerSecond), Packets, Bytes);

    /// <summary>Cuts a frame into packets.</summary>
    /// <param name="frame">Borrowed.</param>
    /// <param name="run">Takes the packets, in place of those it had; none when nothing can be made of the frame.</param>
    public void Packetize(MediaPacket frame, RtpRun run)
    {
        var estimate = frame.Length + (((frame.Length / Room) + 8) * 32);
        run.Start(estimate);
        StartFrame(frame, run);
        Cut(frame.Payload.Span, frame.Codec, frame.IsKeyframe);
        if (run.Count == 0)
            DroppedFrames++;
        else if (MarksLast)
            run.Mark();
    }

    /// <summary>Makes packets of a codec's parameters alone, with a frame's time, to go before the frame.</summary>
    /// <param name="frame">Borrowed.</param>
    /// <param name="run">Takes the packets, in place of those it had; none where the codec's parameters do not go with the media.</param>
    public void PacketizeSets(MediaPacket frame, RtpRun run)
    {
        run.Start(frame.Codec.Configuration.Length + 64);
        StartFrame(frame, run);
        CutSets(frame.Codec);
    }

    /// <summary>Makes packets of a codec's parameters with <see cref="Append(int)"/>.</summary>
    protected virtual void CutSets(Codec codec)
    {
    }

    /// <summary>Whether a frame's last packet has the marker: so in video and RFC 3640, not in what flows on (RFC 3551 §4.1).</summary>
    protected virtual bool MarksLast => true;

    /// <summary>Makes a frame's packets with <see cref="Append(int)"/>.</summary>
    protected abstract void Cut(ReadOnlySpan<byte> frame, Codec codec, bool isKeyframe);

    private void StartFrame(MediaPacket frame, RtpRun run)
    {
        _run = run;
        _frameTicks = MediaTime.Rescale(frame.PresentationTime, frame.Codec.ClockRate, _options.ClockRate);
        _timestamp = unchecked(_options.FirstTimestamp + (uint)_frameTicks);
    }

    /// <summary>Appends a packet and returns where its payload belongs.</summary>
    protected Span<byte> Append(int payloadLength)
    {
        Packets++;
        Bytes = unchecked(Bytes + (uint)payloadLength);
        return _run.Append(
            new RtpHeader(_options.PayloadType, Marker: false, NextSequenceNumber++, _timestamp, _options.Ssrc), payloadLength);
    }

    /// <summary>Appends a packet of a part of the frame that is presented later.</summary>
    protected Span<byte> Append(int payloadLength, long ticksAfterFrame)
    {
        _timestamp = unchecked(_options.FirstTimestamp + (uint)(_frameTicks + ticksAfterFrame));
        return Append(payloadLength);
    }
}
