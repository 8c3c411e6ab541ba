using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// The body of FLV tags and RTMP media messages (FLV 10.1 §E.4.2 and §E.4.3; Enhanced RTMP v2, Enhanced Audio and Enhanced Video): how
/// packets of each codec are written in one.
/// </summary>
public static class FlvTagBody
{
    /// <summary>The most bytes that <see cref="WriteHead"/> writes.</summary>
    public const int MaxHeadLength = 15;

    /// <summary>The most bytes of a payload: a body's length has 24 bits.</summary>
    public const int MaxPayloadLength = 0xFFFFFF - MaxHeadLength;

    internal const string MetadataSuffix = "-metadata";
    internal const string ChannelsSuffix = "-channels";

    private const int Mp3At8KilohertzFormat = 14;
    private const int NanosecondsPerMillisecond = 1_000_000;
    private const byte AacHead = 0xAF; // AAC; the rate, size and channel bits are fixed and mean nothing (§E.4.2.1)
    private const byte KeyframeHead = 0x10;
    private const byte InterFrameHead = 0x20;

    // What precedes the STREAMINFO block in a FLAC file: its marker, and that the block is the last one, of 34 bytes (RFC 9639 §8).
    private static ReadOnlySpan<byte> FlacStart => [(byte)'f', (byte)'L', (byte)'a', (byte)'C', 0x80, 0, 0, 34];

    /// <summary>
    /// The codecs that can be read and written, beside opaque ones that came from FLV: one of each name, without parameters, those that
    /// few readers lack first.
    /// </summary>
    public static ImmutableArray<Codec> Codecs { get; } = [.. FlvCodec.Understood.Select(c => new Codec(c.Kind, c.Name, Codec.VideoClockRate))];

    /// <summary>The four-character codes of the video codecs that can be read and written.</summary>
    public static ImmutableArray<string> VideoFourCcs { get; } = FourCcsOf(MediaKind.Video);

    /// <summary>The four-character codes of the audio codecs that can be read and written.</summary>
    public static ImmutableArray<string> AudioFourCcs { get; } = FourCcsOf(MediaKind.Audio);

    /// <summary>Whether packets of a codec can be written in a form.</summary>
    public static bool CanCarry(Codec codec, FlvForm form = default)
    {
        ArgumentNullException.ThrowIfNull(codec);
        if (codec.IsOpaque)
            return codec.Form == PayloadForm.FlvTag && form.TrackId == 0;
        if (codec.Kind == MediaKind.Data)
            return codec.Name == CodecNames.RtmpData || IsSideData(codec);
        return FlvCodec.Find(codec) is { } known && (form.TrackId == 0 || known.FourCc != 0);
    }

    /// <summary>
    /// The four-character code by which a codec is called, of what a codec of <see cref="MediaKind.Data"/> belongs to for such a
    /// one; null where there is none.
    /// </summary>
    public static string? FourCcOf(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        if (codec.Kind == MediaKind.Data)
            return IsSideData(codec) ? Encoding.ASCII.GetString(codec.Configuration.Span) : null;
        if (codec.IsOpaque)
            return FlvCodec.LegacyIdOf(codec) is null && codec.Name.Length == 4 ? codec.Name : null;
        return FlvCodec.Find(codec) is { FourCc: not 0 } known ? FlvCodec.OpaqueName(known.FourCc) : null;
    }

    /// <summary>
    /// The CodecID or SoundFormat by which FLV 10.1 calls a codec (§E.4.2.1, §E.4.3.1), and 12 for H265; null where there is none.
    /// </summary>
    public static int? LegacyIdOf(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        return FlvCodec.LegacyIdOf(codec);
    }

    /// <summary>
    /// A track's number in a multitrack body. Tracks that came from FLV say it in their identity: <c>video2</c> is 2, <c>video</c>
    /// is 0, the default track, as is any track with another kind of name.
    /// </summary>
    public static byte TrackIdOf(Track track)
    {
        ArgumentNullException.ThrowIfNull(track);
        var id = track.Id.AsSpan();
        if (id.IndexOf('-') is >= 0 and var end)
            id = id[..end];
        if (!id.StartsWith("video", StringComparison.Ordinal) && !id.StartsWith("audio", StringComparison.Ordinal))
            return 0;
        return byte.TryParse(id["video".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : (byte)0;
    }

    /// <summary>In which type of tag a codec travels.</summary>
    public static FlvTagType TypeOf(Codec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        return codec.Kind switch
        {
            MediaKind.Audio => FlvTagType.Audio,
            MediaKind.Video => FlvTagType.Video,
            _ when codec.Name == CodecNames.RtmpVideoMetadata => FlvTagType.Video,
            _ when codec.Name == CodecNames.RtmpChannels => FlvTagType.Audio,
            _ => FlvTagType.Script,
        };
    }

    /// <summary>
    /// A packet's decode time in milliseconds, as tags count it: the nearest, or the one before where nanoseconds follow.
    /// </summary>
    public static long Milliseconds(MediaPacket packet, FlvForm form = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var rate = packet.Codec.ClockRate;
        return HasNanoseconds(packet.Codec, form)
            ? DivideDown(MediaTime.Rescale(packet.DecodeTime, rate, 1000 * NanosecondsPerMillisecond))
            : MediaTime.Rescale(packet.DecodeTime, rate, 1000);
    }

    /// <summary>Writes what precedes the payload in the body, and returns its length: at most <see cref="MaxHeadLength"/>.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="destination">At least <see cref="MaxHeadLength"/> bytes.</param>
    /// <param name="form">Which of the codec's forms it is.</param>
    /// <exception cref="NotSupportedException">The codec does not travel in FLV, or not in this form.</exception>
    public static int WriteHead(MediaPacket packet, Span<byte> destination, FlvForm form = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var codec = packet.Codec;
        if (!CanCarry(codec, form))
            throw NotSupported(codec);
        if (codec.IsOpaque || codec.Name == CodecNames.RtmpData)
            return 0;
        var isVideo = TypeOf(codec) == FlvTagType.Video;
        if (FlvCodec.Find(codec) is not { } known)
        {
            var fourCc = BinaryPrimitives.ReadUInt32BigEndian(codec.Configuration.Span);
            var type = isVideo ? FlvPacketType.Metadata : FlvPacketType.MultichannelConfig;
            return WriteEnhancedHead(destination, isVideo, KeyframeHead, type, fourCc, form.TrackId, nanoseconds: 0);
        }

        var (compositionTime, nanoseconds) = OffsetsOf(packet, known, form);
        var head = packet.IsKeyframe ? KeyframeHead : InterFrameHead;
        if (IsLegacy(known, form))
            return WriteLegacyHead(destination, known, codec, head, packetType: 1, compositionTime);
        var packetType = known.HasCompositionTime && compositionTime == 0 ? FlvPacketType.CodedFramesX : FlvPacketType.CodedFrames;
        var length = WriteEnhancedHead(destination, isVideo, head, packetType, known.FourCc, form.TrackId, nanoseconds);
        if (compositionTime != 0)
            length += WriteInt24(destination[length..], compositionTime);
        return length;
    }

    /// <summary>Bytes of the body that carries the codec's parameters; 0 when it has none.</summary>
    /// <exception cref="NotSupportedException">The codec does not travel in FLV, or not in this form.</exception>
    public static int MeasureParameters(Codec codec, FlvForm form = default)
    {
        if (!CanCarry(codec, form))
            throw NotSupported(codec);
        var length = codec.Configuration.Length;
        if (codec.IsOpaque || length == 0)
            return length;
        if (FlvCodec.Find(codec) is not { HasParameters: true } known)
            return 0;
        if (known.Name == CodecNames.Flac)
            length += FlacStart.Length;
        if (!IsLegacy(known, form))
            return length + (form.TrackId == 0 ? 5 : 7);
        return length + (known.Kind == MediaKind.Video ? 5 : 2);
    }

    /// <summary>Writes the body that carries the codec's parameters and returns its length.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="destination">At least as long as <see cref="MeasureParameters"/> says.</param>
    /// <param name="form">Which of the codec's forms it is.</param>
    /// <inheritdoc cref="MeasureParameters"/>
    public static int WriteParameters(Codec codec, Span<byte> destination, FlvForm form = default)
    {
        var length = MeasureParameters(codec, form);
        if (length == 0)
            return 0;
        if (!codec.IsOpaque)
        {
            var known = FlvCodec.Find(codec)!;
            Span<byte> head = stackalloc byte[MaxHeadLength];
            var headLength = IsLegacy(known, form)
                ? WriteLegacyHead(head, known, codec, KeyframeHead, packetType: 0, compositionTime: 0)
                : WriteEnhancedHead(
                    head, known.Kind == MediaKind.Video, KeyframeHead, FlvPacketType.SequenceStart, known.FourCc, form.TrackId,
                    nanoseconds: 0);
            head[..headLength].CopyTo(destination);
            destination = destination[headLength..];
            if (known.Name == CodecNames.Flac)
            {
                FlacStart.CopyTo(destination);
                destination = destination[FlacStart.Length..];
            }
        }

        codec.Configuration.Span.CopyTo(destination);
        return length;
    }

    // What is kept of a track beside its frames, and belongs to the codec of the four characters.
    private static bool IsSideData(Codec codec) =>
        codec.Name is CodecNames.RtmpVideoMetadata or CodecNames.RtmpChannels && codec.Configuration.Length == 4;

    private static bool IsLegacy(FlvCodec known, FlvForm form) =>
        form.TrackId == 0 && known.LegacyId is not null && (known.Name != CodecNames.H265 || form.HasLegacyH265);

    private static bool HasNanoseconds(Codec codec, FlvForm form) =>
        form.HasNanosecondOffsets && FlvCodec.Find(codec) is { } known && !IsLegacy(known, form);

    // Codecs without a composition time are presented when they are decoded.
    private static (int CompositionTime, int Nanoseconds) OffsetsOf(MediaPacket packet, FlvCodec known, FlvForm form)
    {
        var hasNanoseconds = HasNanoseconds(packet.Codec, form);
        if (!known.HasCompositionTime && !hasNanoseconds)
            return (0, 0);
        var rate = packet.Codec.ClockRate;
        var presentation = known.HasCompositionTime ? packet.PresentationTime : packet.DecodeTime;
        var decodeMilliseconds = Milliseconds(packet, form);
        long milliseconds;
        var nanoseconds = 0;
        if (hasNanoseconds)
        {
            var exact = MediaTime.Rescale(presentation, rate, 1000 * NanosecondsPerMillisecond);
            milliseconds = DivideDown(exact);
            nanoseconds = (int)(exact - (milliseconds * NanosecondsPerMillisecond));
        }
        else
        {
            milliseconds = MediaTime.Rescale(presentation, rate, 1000);
        }

        return ((int)Math.Clamp(milliseconds - decodeMilliseconds, -0x800000, 0x7FFFFF), nanoseconds);
    }

    private static long DivideDown(long nanoseconds) =>
        (nanoseconds - (nanoseconds < 0 ? NanosecondsPerMillisecond - 1 : 0)) / NanosecondsPerMillisecond;

    private static int WriteLegacyHead(
        Span<byte> destination, FlvCodec known, Codec codec, byte head, byte packetType, int compositionTime)
    {
        if (known.Kind == MediaKind.Video)
        {
            destination[0] = (byte)(head | known.LegacyId!.Value);
            destination[1] = packetType;
            return 2 + WriteInt24(destination[2..], compositionTime);
        }

        if (known.Name == CodecNames.Aac)
        {
            (destination[0], destination[1]) = (AacHead, packetType);
            return 2;
        }

        destination[0] = SoundHead(known, codec);
        return 1;
    }

    // SoundFormat, SoundRate, SoundSize (16 bits, as of all compressed sound), SoundType. Of the rates that it cannot say, the nearest:
    // readers go by the frames' own headers.
    private static byte SoundHead(FlvCodec known, Codec codec)
    {
        var format = known.LegacyId!.Value;
        var rate = 0; // G.711 is 8 kHz by definition
        if (known.Name == CodecNames.Mp3)
        {
            if (codec.ClockRate == 8000)
                format = Mp3At8KilohertzFormat;
            else
                rate = codec.ClockRate switch { > 33_000 => 3, > 16_500 => 2, > 8000 => 1, _ => 0 };
        }

        return (byte)((format << 4) | (rate << 2) | 2 | (codec.Channels > 1 ? 1 : 0));
    }

    // ExVideoTagHeader or ExAudioTagHeader, and in a multitrack body what precedes the track's data.
    private static int WriteEnhancedHead(
        Span<byte> destination, bool isVideo, byte head, int packetType, uint fourCc, byte trackId, int nanoseconds)
    {
        destination[0] = isVideo ? (byte)(0x80 | head) : (byte)0x90;
        var position = 0; // of the byte whose low bits take the next packet type
        if (nanoseconds != 0)
        {
            destination[0] |= (byte)FlvPacketType.ModEx;
            destination[1] = 2; // three bytes
            WriteInt24(destination[2..], nanoseconds);
            destination[5] = 0; // TimestampOffsetNano
            position = 5;
        }

        if (trackId != 0)
        {
            destination[position] |= (byte)(isVideo ? FlvPacketType.VideoMultitrack : FlvPacketType.AudioMultitrack);
            destination[++position] = 0; // OneTrack
        }

        destination[position] |= (byte)packetType;
        BinaryPrimitives.WriteUInt32BigEndian(destination[++position..], fourCc);
        position += 4;
        if (trackId != 0)
            destination[position++] = trackId;
        return position;
    }

    private static int WriteInt24(Span<byte> destination, int value)
    {
        destination[0] = (byte)(value >> 16);
        destination[1] = (byte)(value >> 8);
        destination[2] = (byte)value;
        return 3;
    }

    private static ImmutableArray<string> FourCcsOf(MediaKind kind) =>
        [.. FlvCodec.Understood.Where(c => c.Kind == kind && c.FourCc != 0).Select(c => FlvCodec.OpaqueName(c.FourCc))];

    private static NotSupportedException NotSupported(Codec codec) => new($"{codec.Name} does not travel in FLV.");
}
