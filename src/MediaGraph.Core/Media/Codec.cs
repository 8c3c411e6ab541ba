using MediaGraph.Codecs;

namespace MediaGraph.Media;

/// <summary>
/// How a packet's payload is coded: name, clock rate, channels and out-of-band parameters. Immutable; every packet refers to
/// its codec, and a packet that refers to another instance than the one before it announces a change.
/// </summary>
public sealed class Codec
{
    /// <summary>The clock in which all video counts time, in ticks per second (RFC 3551 §5).</summary>
    public const int VideoClockRate = 90_000;

    private readonly byte[] _configuration;

    /// <summary>Creates a codec.</summary>
    /// <param name="kind">Video, audio or data.</param>
    /// <param name="name">A name of <see cref="CodecNames"/>, or any other for a codec that is only passed on.</param>
    /// <param name="clockRate">Ticks per second of the packets' times, 1 to 1,000,000,000.</param>
    /// <param name="channels">Audio channels; 0 where unknown or not audio.</param>
    /// <param name="configuration">Out-of-band parameters as <see cref="Configuration"/> describes them; copied.</param>
    /// <param name="form">See <see cref="Form"/>.</param>
    public Codec(
        MediaKind kind, string name, int clockRate, int channels = 0, ReadOnlySpan<byte> configuration = default,
        PayloadForm form = PayloadForm.Frame)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(clockRate, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clockRate, 1_000_000_000);
        ArgumentOutOfRangeException.ThrowIfNegative(channels);
        Kind = kind;
        Name = name;
        ClockRate = clockRate;
        Channels = channels;
        Form = form;
        _configuration = configuration.ToArray();
        Video = form != PayloadForm.Frame ? null : name switch
        {
            CodecNames.H264 => VideoParameters.FromAvc(_configuration),
            CodecNames.H265 => VideoParameters.FromHevc(_configuration),
            CodecNames.Av1 => VideoParameters.FromAv1(_configuration),
            _ => null,
        };
    }

    /// <summary>Video, audio or data.</summary>
    public MediaKind Kind { get; }

    /// <summary>The codec's name, of <see cref="CodecNames"/> for those that are understood.</summary>
    public string Name { get; }

    /// <summary>Ticks per second in which packets of this codec count time.</summary>
    public int ClockRate { get; }

    /// <summary>Audio channels; 0 where unknown or not audio.</summary>
    public int Channels { get; }

    /// <summary>
    /// Out-of-band parameters; empty for codecs that need none, and for AV1, VP8, VP9 and Opus perhaps.
    /// <list type="bullet">
    /// <item>H264: the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3), H265: the HEVCDecoderConfigurationRecord (§8.3.3),
    /// H266: the VvcDecoderConfigurationRecord (§11.2.4).</item>
    /// <item>AV1: the AV1CodecConfigurationRecord, VP8 and VP9: the VPCodecConfigurationRecord, both as in ISO base media files.</item>
    /// <item>AAC: the AudioSpecificConfig (ISO/IEC 14496-3 §1.6), Opus: the identification header (RFC 7845 §5.1), FLAC: the stream
    /// information of 34 bytes (RFC 9639 §8.2).</item>
    /// <item><see cref="CodecNames.RtmpVideoMetadata"/> and <see cref="CodecNames.RtmpChannels"/>: the four-character code of the
    /// codec that they belong to.</item>
    /// <item>A codec that only RTP carries, such as MP4V-ES or an application's: the text of its <c>a=fmtp</c> in UTF-8 (RFC 8866 §6.15).</item>
    /// </list>
    /// </summary>
    public ReadOnlyMemory<byte> Configuration => _configuration;

    /// <summary>What the packets' payloads are. Default <see cref="PayloadForm.Frame"/>.</summary>
    public PayloadForm Form { get; }

    /// <summary>True for a codec that is only passed on: its packets' payloads are no frames.</summary>
    public bool IsOpaque => Form != PayloadForm.Frame;

    /// <summary>
    /// What H264's, H265's or AV1's <see cref="Configuration"/> says about the pictures; null for other codecs, and where it is
    /// missing or malformed.
    /// </summary>
    public VideoParameters? Video { get; }

    /// <summary>H264 with its parameter sets.</summary>
    /// <param name="sps">A NAL unit of type 7, from its header on (ITU-T H.264 §7.3.2.1).</param>
    /// <param name="pps">A NAL unit of type 8, from its header on (§7.3.2.2).</param>
    /// <exception cref="ArgumentException">They are not what they should be.</exception>
    public static Codec H264(ReadOnlySpan<byte> sps, ReadOnlySpan<byte> pps) =>
        AvcConfiguration.TryBuild(sps, pps, out var record)
            ? new Codec(MediaKind.Video, CodecNames.H264, VideoClockRate, configuration: record)
            : throw new ArgumentException("Not a pair of an H264 SPS and PPS.", nameof(sps));

    /// <summary>H265 with its parameter sets.</summary>
    /// <param name="vps">A NAL unit of type 32, from its header on (ITU-T H.265 §7.3.2.1).</param>
    /// <param name="sps">A NAL unit of type 33, from its header on (§7.3.2.2).</param>
    /// <param name="pps">A NAL unit of type 34, from its header on (§7.3.2.3).</param>
    /// <exception cref="ArgumentException">They are not what they should be.</exception>
    public static Codec H265(ReadOnlySpan<byte> vps, ReadOnlySpan<byte> sps, ReadOnlySpan<byte> pps) =>
        HevcConfiguration.TryBuild([vps.ToArray()], [sps.ToArray()], [pps.ToArray()], out var record)
            ? new Codec(MediaKind.Video, CodecNames.H265, VideoClockRate, configuration: record)
            : throw new ArgumentException("Not a VPS, SPS and PPS of H265.", nameof(vps));

    /// <summary>
    /// H264 of an AVCDecoderConfigurationRecord. The codec's own says 4 bytes of NAL unit length, because that is what packets
    /// have; convert the source's access units with <see cref="NalUnits"/>. Never throws: <see cref="Video"/> is null when the
    /// record is malformed.
    /// </summary>
    public static Codec FromAvcConfiguration(ReadOnlySpan<byte> record) =>
        new(MediaKind.Video, CodecNames.H264, VideoClockRate, configuration: WithLengthSize4(record, position: 4));

    /// <summary>
    /// H265 of an HEVCDecoderConfigurationRecord; see <see cref="FromAvcConfiguration"/>.
    /// </summary>
    public static Codec FromHevcConfiguration(ReadOnlySpan<byte> record) =>
        new(MediaKind.Video, CodecNames.H265, VideoClockRate, configuration: WithLengthSize4(record, position: 21));

    /// <summary>MPEG-4 audio; its clock is the core coder's sample rate.</summary>
    /// <param name="audioSpecificConfig">The AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).</param>
    /// <exception cref="ArgumentException">It is malformed.</exception>
    public static Codec Aac(ReadOnlySpan<byte> audioSpecificConfig) =>
        AudioSpecificConfig.TryParse(audioSpecificConfig, out var config)
            ? new Codec(MediaKind.Audio, CodecNames.Aac, config.SampleRate, config.Channels, audioSpecificConfig)
            : throw new ArgumentException("Not an AudioSpecificConfig.", nameof(audioSpecificConfig));

    /// <summary>
    /// Whether the other codec says the same in all its properties, so that going over to it announces nothing new.
    /// </summary>
    public bool HasSameParameters(Codec other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return ReferenceEquals(this, other) ||
            (Kind == other.Kind && Name == other.Name && ClockRate == other.ClockRate && Channels == other.Channels &&
             Form == other.Form && _configuration.AsSpan().SequenceEqual(other._configuration));
    }

    /// <summary>
    /// Whether decoding can start at a frame of this codec: an IDR picture of H264, a random access point of H265, a temporal unit
    /// of AV1 with its sequence header, a key frame of VP8 or VP9, any frame of audio and data. False for video that is not understood.
    /// </summary>
    /// <param name="frame">A packet's payload; NAL units have 4-byte length prefixes.</param>
    public bool IsKeyframe(ReadOnlySpan<byte> frame) => Kind != MediaKind.Video || (!IsOpaque && Name switch
    {
        CodecNames.H264 => NalUnits.IsH264Keyframe(frame),
        CodecNames.H265 => NalUnits.IsH265Keyframe(frame),
        CodecNames.Av1 => Av1SequenceHeader.IsIn(frame),
        CodecNames.Vp8 => frame is [var first, ..] && (first & 1) == 0, // RFC 6386 §9.1
        CodecNames.Vp9 => IsVp9Keyframe(frame),
        CodecNames.Jpeg => true,
        _ => false,
    });

    /// <inheritdoc/>
    public override string ToString() =>
        Kind == MediaKind.Audio ? $"{Name}/{ClockRate}" + (Channels > 0 ? $"/{Channels}" : "") : Name;

    // uncompressed_header() (VP9 bitstream specification §6.2): frame_marker, profile, show_existing_frame, frame_type.
    private static bool IsVp9Keyframe(ReadOnlySpan<byte> frame)
    {
        var reader = new BitReader(frame);
        var marker = reader.ReadBits(2);
        if (reader.ReadBits(2) == 3)
            reader.Skip(1);
        return marker == 2 && reader.ReadBits(2) == 0 && !reader.Failed;
    }

    private static byte[] WithLengthSize4(ReadOnlySpan<byte> record, int position)
    {
        var copy = record.ToArray();
        if (position < copy.Length && (copy[position] & 3) != 2) // 3 bytes stay what they are: invalid
            copy[position] |= NalUnits.LengthSize - 1;
        return copy;
    }
}
