using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Makes of each frame of a track one run of RTP packets, which all RTSP viewers of the track are sent: one source, continuous sequence
/// numbers, and the stream's own time as timestamps, whatever becomes of what feeds the stream. Packets that came by RTP are passed on as
/// they came, with new headers, if they fit on the viewers' path; otherwise the frame is cut anew. A run is interleaved, for channel 0.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The run holds no memory between two frames.")]
internal sealed class RtpConverter(PacketPool pool, int payloadType) : Converter
{
    // An Ethernet's 1,500 bytes without the headers of IPv4 and UDP: what cameras send goes through wherever it came through.
    private const int MaxPassedLength = 1472;
    private const int FramingLength = 4;

    private readonly RtpRun _run = new(pool, isInterleaved: true);
    private readonly uint _ssrc = Random32();
    private readonly uint _firstTimestamp = Random32();
    private ushort _next = (ushort)Random32();
    private Packetizer? _packetizer;
    private Codec? _codec; // whose packetizer it is
    private volatile int _clockRate;
    private long _latest = long.MinValue; // presentation time
    private long _packets;
    private long _bytes;

    /// <summary>The RTP payload type of the packets.</summary>
    public int PayloadType => payloadType;

    /// <summary>What a viewer's packets go through, for <see cref="Delivery.WireFormat.Conversion"/>.</summary>
    public static (object Format, Func<Converter> Create) For(PacketPool pool, int payloadType) =>
        (new Key(payloadType), () => new RtpConverter(pool, payloadType));

    /// <summary>
    /// The sender report of a moment, or of the latest frame's where that is ahead: GStreamer takes no report that is older than what it has.
    /// Null before the first packet. Callable from anywhere.
    /// </summary>
    /// <param name="now">The wall clock.</param>
    /// <param name="origin">The wall clock at the stream's time 0, the same for all of its tracks.</param>
    public SenderReport? CreateReport(DateTimeOffset now, DateTimeOffset origin)
    {
        var (packets, bytes) = (Interlocked.Read(ref _packets), Interlocked.Read(ref _bytes));
        if (packets == 0)
            return null;
        var time = Math.Max(MediaTime.FromTimeSpan(now - origin, _clockRate), Interlocked.Read(ref _latest));
        return new SenderReport(
            _ssrc, NtpTime.Of(origin + MediaTime.ToTimeSpan(time, _clockRate)), TimestampOf(time), unchecked((uint)packets),
            unchecked((uint)bytes));
    }

    /// <summary>A moment of the stream's time in the packets' timestamps. Callable from anywhere.</summary>
    public uint TimestampAt(TimeSpan time, int clockRate) => TimestampOf(MediaTime.FromTimeSpan(time, clockRate));

    protected override void Convert(MediaPacket packet)
    {
        var codec = packet.Codec;
        _clockRate = codec.ClockRate;
        Interlocked.Exchange(ref _latest, Math.Max(_latest, packet.PresentationTime));
        var isStored = codec.Form == PayloadForm.Rtp || packet.Frame is NalFrameFormat;
        var original = isStored ? packet.Stored : packet.TryGetImage(RtpOriginal.Format, out var image) ? image : default;
        try
        {
            if (original.IsEmpty || (codec.Form != PayloadForm.Rtp && !IsPassable(original.Span)))
                Cut(packet);
            else
                Pass(packet, original.Span, isStored);
        }
        finally
        {
            _run.Dispose();
        }
    }

    private static uint Random32() => BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4));

    private static bool IsPassable(ReadOnlySpan<byte> run)
    {
        while (RtpRun.TryReadInterleaved(ref run, out var packet))
        {
            if (packet.Length > MaxPassedLength)
                return false;
        }

        return true;
    }

    private uint TimestampOf(long ticks) => unchecked(_firstTimestamp + (uint)ticks);

    private void Cut(MediaPacket frame)
    {
        if (PacketizerOf(frame.Codec) is not { } packetizer)
            return;
        packetizer.Packetize(frame, _run);
        if (_run.Count == 0)
            return;
        var length = _run.Length;
        var buffer = _run.Detach();
        for (var position = 0; position < length; position += Number(buffer.Span[position..]))
        {
        }

        Emit(buffer, 0, length, frame);
    }

    // A keyframe without parameter sets is given the codec's, so that whoever joins there, or sees them change, has them.
    private void Pass(MediaPacket frame, ReadOnlySpan<byte> original, bool isStored)
    {
        var sets = 0;
        if (frame.IsKeyframe && PacketizerOf(frame.Codec) is NalPacketizer packetizer && !packetizer.HasSets(original))
        {
            packetizer.PacketizeSets(frame, _run);
            sets = _run.Length;
        }

        // What is stored as it came is passed on in its own memory: the first that claims it may fill in the headers. Others copy.
        var length = sets + original.Length;
        PooledBuffer? buffer = null;
        var offset = 0;
        if (sets > 0 || !isStored || !frame.TryClaim(out buffer, out offset))
        {
            offset = 0;
            buffer = pool.Rent(length);
            _run.Span[..sets].CopyTo(buffer.Span);
            original.CopyTo(buffer.Span[sets..]);
        }

        var timestamp = TimestampOf(frame.PresentationTime);
        for (var position = 0; position < length;)
        {
            var packet = buffer.Span.Slice(offset + position, length - position);
            var marker = frame.Codec.Kind == MediaKind.Audio && (packet[FramingLength + 1] & 0x80) != 0; // what it means, its format says
            var header = new RtpHeader((byte)payloadType, marker, 0, timestamp, _ssrc);
            header.Write(packet[FramingLength..]);
            var packetLength = Number(packet);
            position += packetLength;
            if (position == length && frame.Codec.Kind != MediaKind.Audio)
                packet[FramingLength + 1] |= 0x80; // the last of the frame
        }

        Emit(buffer, offset, length, frame);
    }

    // Gives the packet its sequence number, counts it, and returns its length with its framing.
    private int Number(Span<byte> framed)
    {
        BinaryPrimitives.WriteUInt16BigEndian(framed[(FramingLength + 2)..], _next++);
        var length = BinaryPrimitives.ReadUInt16BigEndian(framed[2..]);
        Interlocked.Increment(ref _packets);
        Interlocked.Add(ref _bytes, length - RtpHeader.Length);
        return FramingLength + length;
    }

    private void Emit(PooledBuffer buffer, int offset, int length, MediaPacket frame)
    {
        var output = pool.CreatePacket(
            buffer, offset, length, frame.Codec, frame.DecodeTime, frame.PresentationTime, frame.Flags);
        try
        {
            Emit(output);
        }
        finally
        {
            output.Release();
        }
    }

    private Packetizer? PacketizerOf(Codec codec)
    {
        if (_codec is not null && _codec.Name == codec.Name && _codec.ClockRate == codec.ClockRate)
            return _packetizer;
        _codec = codec;
        return _packetizer = codec.Form != PayloadForm.Frame
            ? null
            : Packetizer.Create(codec, new RtpSenderOptions
            {
                Ssrc = _ssrc,
                PayloadType = (byte)payloadType,
                ClockRate = codec.ClockRate,
                FirstTimestamp = _firstTimestamp,
            });
    }

    private sealed record Key(int PayloadType);
}
