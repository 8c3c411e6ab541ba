using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>
/// Codecs as session descriptions say them: H.264 (RFC 6184 §8), H.265 (RFC 7798 §7), AAC (RFC 3640 §4, RFC 6416 §7.3), Opus (RFC 7587 §7),
/// VP8 (RFC 7741 §6), VP9 (RFC 9628 §6), AV1 (its RTP payload specification §7), and the static ones of RFC 3551 §6.
/// </summary>
/// <remarks>
/// A codec that is none of these is passed on by its name: its <see cref="Codec.Configuration"/> is the text of its <c>a=fmtp</c>, and
/// its frames are as RTP has them.
/// </remarks>
internal static class SdpCodecs
{
    private const int MaxNameLength = 32;
    private const int MaxClockRate = 1_000_000_000;
    private const int MaxChannels = 255;
    private const int MaxSets = 31 + 255; // more do not fit into a configuration record

    private static readonly (int Type, string Name, int ClockRate, int Channels)[] StaticTypes =
    [
        (0, "PCMU", 8000, 1), (3, "GSM", 8000, 1), (4, "G723", 8000, 1), (5, "DVI4", 8000, 1), (6, "DVI4", 16_000, 1), (7, "LPC", 8000, 1),
        (8, "PCMA", 8000, 1), (9, "G722", 8000, 1), (10, "L16", 44_100, 2), (11, "L16", 44_100, 1), (12, "QCELP", 8000, 1),
        (13, "CN", 8000, 1), (14, "MPA", 90_000, 1), (15, "G728", 8000, 1), (16, "DVI4", 11_025, 1), (17, "DVI4", 22_050, 1),
        (18, "G729", 8000, 1), (25, "CelB", 90_000, 0), (26, "JPEG", 90_000, 0), (28, "nv", 90_000, 0), (31, "H261", 90_000, 0),
        (32, "MPV", 90_000, 0), (33, "MP2T", 90_000, 0), (34, "H263", 90_000, 0),
    ];

    /// <summary>The payload type that RFC 3551 fixes for a codec; null where there is none.</summary>
    public static int? StaticTypeOf(Codec codec)
    {
        foreach (var (type, name, clockRate, channels) in StaticTypes)
        {
            if (name.Equals(EncodingOf(codec), StringComparison.OrdinalIgnoreCase) && clockRate == codec.ClockRate &&
                (codec.Kind != MediaKind.Audio || channels == Math.Max(1, codec.Channels)))
                return type;
        }

        return null;
    }

    /// <summary>Reads one payload type of a media.</summary>
    /// <param name="kind">The media's kind.</param>
    /// <param name="type">The payload type.</param>
    /// <param name="map">What <c>a=rtpmap</c> says behind the type; null where there is none.</param>
    /// <param name="formatParameters">What <c>a=fmtp</c> says behind the type; may be empty.</param>
    public static SdpFormat Read(MediaKind kind, int type, string? map, string formatParameters)
    {
        var parameters = SdpReader.ReadParameters(formatParameters);
        var known = Array.Find(StaticTypes, candidate => candidate.Type == type);
        var parts = (map ?? "").Split('/', StringSplitOptions.TrimEntries);
        var encoding = parts[0].Length > 0 ? parts[0] : known.Name ?? GuessEncoding(parameters);
        var clockRate = ReadNumber(parts, 1, MaxClockRate);
        if (clockRate == 0)
            clockRate = known.Name is not null && known.Name.Equals(encoding, StringComparison.OrdinalIgnoreCase)
                ? known.ClockRate
                : UsualClockRate(kind, encoding);
        var channels = kind == MediaKind.Audio ? Math.Max(1, ReadNumber(parts, 2, MaxChannels)) : 0;
        if (kind == MediaKind.Audio && parts.Length < 3 && known.Name is not null && clockRate == known.ClockRate && map is null)
            channels = known.Channels;

        var format = new SdpFormat
        {
            PayloadType = type,
            Encoding = encoding,
            ClockRate = clockRate,
            Channels = channels,
            Parameters = parameters,
        };
        if (encoding.Length == 0)
            return format with { Problem = $"payload type {type} has no a=rtpmap" };
        if (encoding.Length > MaxNameLength || !RtspText.IsToken(encoding))
            return format with { Problem = $"payload type {type} has no valid name" };
        return clockRate == 0
            ? format with { Problem = $"{encoding} has no clock rate" }
            : WithCodec(format, kind, formatParameters);
    }

    /// <summary>Why a codec cannot be sent over RTP; null where it can.</summary>
    public static string? WhyNot(Codec codec) => codec.Name switch
    {
        _ when codec.Form == PayloadForm.FlvTag => $"{codec.Name} is only passed on from RTMP to RTMP",
        CodecNames.RtmpData or CodecNames.RtmpVideoMetadata or CodecNames.RtmpChannels => $"{codec.Name} has no meaning outside RTMP",
        _ when codec.Form == PayloadForm.Rtp => RtspText.IsToken(codec.Name) ? null : "the codec's name is no encoding name",
        CodecNames.Opus when codec.Channels > 2 => "Opus with more than two channels has no payload format (RFC 7587)",
        CodecNames.Aac when codec.Configuration.IsEmpty => "AAC without its AudioSpecificConfig cannot be described (RFC 3640)",
        CodecNames.H264 or CodecNames.H265 or CodecNames.Av1 or CodecNames.Vp8 or CodecNames.Vp9 or CodecNames.Aac or CodecNames.Opus or
            CodecNames.Pcma or CodecNames.Pcmu or CodecNames.L16 or CodecNames.G722 => null,
        _ => $"{codec.Name} frames have no payload format here",
    };

    /// <summary>What <c>a=rtpmap</c> says behind the payload type.</summary>
    public static string MapOf(Codec codec)
    {
        var channels = codec.Name == CodecNames.Opus ? 2 : codec.Kind == MediaKind.Audio ? codec.Channels : 0;
        var isSaid = channels > 1 || (codec.Name == CodecNames.Aac && channels == 1);
        return string.Create(CultureInfo.InvariantCulture, $"{EncodingOf(codec)}/{codec.ClockRate}") +
            (isSaid ? string.Create(CultureInfo.InvariantCulture, $"/{channels}") : "");
    }

    /// <summary>What <c>a=fmtp</c> says behind the payload type; empty where there is nothing to say.</summary>
    public static string ParametersOf(Codec codec)
    {
        var record = codec.Configuration.Span;
        switch (codec.Name)
        {
            case CodecNames.H264:
                return Avc(record);
            case CodecNames.H265:
                return Hevc(record);
            case CodecNames.Aac:
                return "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config="
                    + Convert.ToHexString(record);
            case CodecNames.Opus:
                return codec.Channels == 1 ? "" : "sprop-stereo=1";
            case CodecNames.Av1 when record is [0x81, var profileAndLevel, var tierAndMore, ..]:
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"profile={profileAndLevel >> 5};level-idx={profileAndLevel & 31};tier={tierAndMore >> 7}");
            case CodecNames.Vp9 when record is [<= 3 and var profile, _, ..]:
                return string.Create(CultureInfo.InvariantCulture, $"profile-id={profile}");
            case CodecNames.Av1 or CodecNames.Vp8 or CodecNames.Vp9 or CodecNames.H266:
                return "";
            default:
                var text = Encoding.UTF8.GetString(record);
                return RtspText.HasControls(text) ? "" : text;
        }
    }

    private static string EncodingOf(Codec codec) => codec.Name switch
    {
        CodecNames.Aac => "mpeg4-generic",
        CodecNames.Opus => "opus",
        CodecNames.Ac3 => "ac3",
        CodecNames.EAc3 => "eac3",
        var name => name,
    };

    private static SdpFormat WithCodec(SdpFormat format, MediaKind kind, string formatParameters)
    {
        Codec Plain(string name, int channels = 0, PayloadForm form = PayloadForm.Frame) =>
            new(kind, name, format.ClockRate, channels, Encoding.UTF8.GetBytes(form == PayloadForm.Rtp ? formatParameters : ""), form);
        switch (format.Encoding.ToUpperInvariant())
        {
            case "H264" when kind == MediaKind.Video:
                return WithRecord(format, CodecNames.H264, TryReadAvc(format.Parameters, out var avcC) ? avcC : null);
            case "H265" or "HEVC" when kind == MediaKind.Video:
                return WithRecord(format, CodecNames.H265, TryReadHevc(format.Parameters, out var hvcC) ? hvcC : null);
            case "AV1" when kind == MediaKind.Video:
                return format with { Codec = Plain(CodecNames.Av1) };
            case "VP8" when kind == MediaKind.Video:
                return format with { Codec = Plain(CodecNames.Vp8) };
            case "VP9" when kind == MediaKind.Video:
                return format with { Codec = Plain(CodecNames.Vp9) };
            case "JPEG" when kind == MediaKind.Video:
                return format with { Codec = Plain(CodecNames.Jpeg, form: PayloadForm.Rtp) };
            case "MPEG4-GENERIC" when kind == MediaKind.Audio:
                return WithAac(format);
            case "MP4A-LATM" when kind == MediaKind.Audio:
                return WithLatm(format);
            case "OPUS" when kind == MediaKind.Audio:
                // RFC 7587 §7: always 48000 and 2; what is in it may be one channel, and says so itself.
                return format with { ClockRate = 48_000, Channels = 2, Codec = new Codec(kind, CodecNames.Opus, 48_000, 2) };
            case "PCMA" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.Pcma, format.Channels) };
            case "PCMU" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.Pcmu, format.Channels) };
            case "L16" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.L16, format.Channels) };
            case "G722" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.G722, format.Channels) };
            case "AC3" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.Ac3, format.Channels, PayloadForm.Rtp) };
            case "EAC3" when kind == MediaKind.Audio:
                return format with { Codec = Plain(CodecNames.EAc3, format.Channels, PayloadForm.Rtp) };
            // What means something else inside must not come in under its name.
            case "AAC" or "MP3" or "FLAC" or "H264" or "H265" or "AV1" or "VP8" or "VP9":
            case var name when name.StartsWith("RTMP-", StringComparison.Ordinal):
                return format with { Problem = $"{format.Encoding} is no encoding for this media" };
            default:
                return format with { Codec = Plain(format.Encoding, format.Channels, PayloadForm.Rtp) };
        }
    }

    private static SdpFormat WithRecord(SdpFormat format, string name, byte[]? record) => format with
    {
        Codec = new Codec(MediaKind.Video, name, format.ClockRate, configuration: record),
        LacksParameters = record is null,
    };

    private static SdpFormat WithAac(SdpFormat format)
    {
        if (AacPayloadFormat.Read(format.Parameters, out var error) is not { } layout)
            return format with { Problem = error };
        if (!layout.IsSupported)
            return format with { Aac = layout, Problem = "MPEG4-GENERIC with headers that are not understood" };
        var config = ReadHex(format.Parameters.GetValueOrDefault("config"));
        var isComplete = AudioSpecificConfig.TryParse(config, out _);
        return format with
        {
            Aac = layout,
            Codec = isComplete ? Codec.Aac(config) : new Codec(MediaKind.Audio, CodecNames.Aac, format.ClockRate, format.Channels),
            LacksParameters = !isComplete,
        };
    }

    // Senders leave cpresent out, for which RFC 6416 has 1, where their config= shows that they mean 0.
    private static SdpFormat WithLatm(SdpFormat format)
    {
        var bytes = ReadHex(format.Parameters.GetValueOrDefault("config"));
        var isInBand = format.GetNumber("cpresent", bytes.Length == 0 ? 1 : 0) != 0;
        if (bytes.Length == 0)
        {
            return isInBand
                ? format with
                {
                    Latm = new LatmPayloadFormat(isInBand, default),
                    Codec = new Codec(MediaKind.Audio, CodecNames.Aac, format.ClockRate, format.Channels),
                    LacksParameters = true,
                }
                : format with { Problem = "MP4A-LATM without its configuration" };
        }

        var position = 0;
        if (LatmConfig.Read(bytes, ref position, mayBeCut: true, out var config) is { } problem)
            return format with { Problem = problem };
        var audio = config.CopyAudioConfig(bytes, new byte[LatmConfig.MaxAudioLength]);
        return AudioSpecificConfig.TryParse(audio, out _)
            ? format with { Latm = new LatmPayloadFormat(isInBand, config), Codec = Codec.Aac(audio) }
            : format with { Problem = "MP4A-LATM with a malformed configuration" };
    }

    private static bool TryReadAvc(IReadOnlyDictionary<string, string> parameters, [NotNullWhen(true)] out byte[]? record)
    {
        List<ReadOnlyMemory<byte>> sequence = [], picture = [];
        foreach (var set in ReadSets(parameters.GetValueOrDefault("sprop-parameter-sets")))
        {
            var type = set[0] & 0x1F;
            if (type is 7 or 8)
                (type == 7 ? sequence : picture).Add(set);
        }

        return AvcConfiguration.TryBuild([.. sequence], [.. picture], out record);
    }

    private static bool TryReadHevc(IReadOnlyDictionary<string, string> parameters, [NotNullWhen(true)] out byte[]? record)
    {
        List<ReadOnlyMemory<byte>> video = [], sequence = [], picture = [];
        foreach (var name in new[] { "sprop-vps", "sprop-sps", "sprop-pps" })
        {
            foreach (var set in ReadSets(parameters.GetValueOrDefault(name)))
            {
                var type = (set[0] >> 1) & 0x3F;
                if (type is 32 or 33 or 34)
                    (type == 32 ? video : type == 33 ? sequence : picture).Add(set);
            }
        }

        record = null;
        return video.Count > 0 && picture.Count > 0 && HevcConfiguration.TryBuild([.. video], [.. sequence], [.. picture], out record);
    }

    // NAL units in Base64, between commas; padding may be missing, and a start code may stand in front.
    private static IEnumerable<byte[]> ReadSets(string? text)
    {
        const StringSplitOptions options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        foreach (var part in (text ?? "").Split(',', MaxSets + 1, options).Take(MaxSets))
        {
            var digits = part.TrimEnd('=');
            digits = digits.PadRight((digits.Length + 3) / 4 * 4, '=');
            var bytes = new byte[digits.Length / 4 * 3];
            if (!Convert.TryFromBase64String(digits, bytes, out var count))
                continue;
            var start = bytes.AsSpan(0, count).StartsWith("\0\0\0\u0001"u8) ? 4 : bytes.AsSpan(0, count).StartsWith("\0\0\u0001"u8) ? 3 : 0;
            if (count > start)
                yield return bytes[start..count];
        }
    }

    private static byte[] ReadHex(string? text)
    {
        var digits = text ?? "";
        return digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit) ? Convert.FromHexString(digits) : [];
    }

    private static string Avc(ReadOnlySpan<byte> record)
    {
        const string mode = "packetization-mode=1";
        if (!AvcConfiguration.TryParse(record, out var configuration))
            return mode;
        var sets = configuration.SequenceParameterSets.Concat(configuration.PictureParameterSets);
        return $"{mode};profile-level-id={configuration.ProfileIdc:X2}{configuration.ConstraintFlags:X2}{configuration.LevelIdc:X2};"
            + $"sprop-parameter-sets={Base64(sets)}";
    }

    private static string Hevc(ReadOnlySpan<byte> record)
    {
        if (!HevcConfiguration.TryParse(record, out var configuration))
            return "";
        var parts = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"profile-id={record[1] & 31};tier-flag={(record[1] >> 5) & 1};level-id={record[12]}"),
        };
        (string Name, IEnumerable<ReadOnlyMemory<byte>> Sets)[] all =
        [
            ("sprop-vps", configuration.VideoParameterSets), ("sprop-sps", configuration.SequenceParameterSets),
            ("sprop-pps", configuration.PictureParameterSets),
        ];
        parts.AddRange(all.Where(sets => sets.Sets.Any()).Select(sets => $"{sets.Name}={Base64(sets.Sets)}"));
        return string.Join(';', parts);
    }

    private static string Base64(IEnumerable<ReadOnlyMemory<byte>> sets) =>
        string.Join(',', sets.Select(set => Convert.ToBase64String(set.Span)));

    private static string GuessEncoding(Dictionary<string, string> parameters) =>
        parameters.ContainsKey("sprop-parameter-sets") ? "H264" : parameters.ContainsKey("sprop-sps") ? "H265" : "";

    private static int UsualClockRate(MediaKind kind, string encoding) => encoding.ToUpperInvariant() switch
    {
        _ when kind == MediaKind.Video => Codec.VideoClockRate,
        "PCMA" or "PCMU" or "G722" => 8000,
        "OPUS" => 48_000,
        "MP4A-LATM" => 90_000,
        _ => 0,
    };

    private static int ReadNumber(string[] parts, int index, int most) =>
        parts.Length > index && int.TryParse(parts[index], NumberStyles.None, CultureInfo.InvariantCulture, out var number) &&
        number <= most
            ? number
            : 0;
}
