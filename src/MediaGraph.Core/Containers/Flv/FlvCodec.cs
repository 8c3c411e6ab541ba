using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MediaGraph.Media;

namespace MediaGraph.Containers.Flv;

/// <summary>What a codec is called in FLV: by a number (FLV 10.1), by four characters (Enhanced RTMP v2), or by both.</summary>
/// <param name="Kind">Video or audio.</param>
/// <param name="Name">The codec's name.</param>
/// <param name="LegacyId">CodecID or SoundFormat; null where there is none.</param>
/// <param name="FourCc">The four-character code, big-endian; 0 where there is none.</param>
internal sealed record FlvCodec(MediaKind Kind, string Name, int? LegacyId, uint FourCc)
{
    /// <summary>The codecs whose frames are understood, those that few readers lack first.</summary>
    public static FlvCodec[] Understood { get; } =
    [
        new(MediaKind.Video, CodecNames.H264, 7, Code("avc1"u8)),
        new(MediaKind.Video, CodecNames.H265, 12, Code("hvc1"u8)),
        new(MediaKind.Video, CodecNames.Av1, null, Code("av01"u8)),
        new(MediaKind.Video, CodecNames.Vp9, null, Code("vp09"u8)),
        new(MediaKind.Video, CodecNames.Vp8, null, Code("vp08"u8)),
        new(MediaKind.Video, CodecNames.H266, null, Code("vvc1"u8)),
        new(MediaKind.Audio, CodecNames.Aac, 10, Code("mp4a"u8)),
        new(MediaKind.Audio, CodecNames.Mp3, 2, Code(".mp3"u8)),
        new(MediaKind.Audio, CodecNames.Opus, null, Code("Opus"u8)),
        new(MediaKind.Audio, CodecNames.Flac, null, Code("fLaC"u8)),
        new(MediaKind.Audio, CodecNames.Ac3, null, Code("ac-3"u8)),
        new(MediaKind.Audio, CodecNames.EAc3, null, Code("ec-3"u8)),
        new(MediaKind.Audio, CodecNames.Pcma, 7, 0),
        new(MediaKind.Audio, CodecNames.Pcmu, 8, 0),
    ];

    // Passed on as they are; none of the names has four characters, as codes have.
    private static readonly FlvCodec[] OpaqueOnes =
    [
        new(MediaKind.Video, "Sorenson", 2, 0),
        new(MediaKind.Video, "ScreenVideo", 3, 0),
        new(MediaKind.Video, "VP6", 4, 0),
        new(MediaKind.Video, "VP6-alpha", 5, 0),
        new(MediaKind.Video, "ScreenVideo2", 6, 0),
        new(MediaKind.Audio, "ADPCM", 1, 0),
        new(MediaKind.Audio, "PCM", 3, 0),
        new(MediaKind.Audio, "Nellymoser-16k", 4, 0),
        new(MediaKind.Audio, "Nellymoser-8k", 5, 0),
        new(MediaKind.Audio, "Nellymoser", 6, 0),
        new(MediaKind.Audio, "Speex", 11, 0),
    ];

    /// <summary>Whether coded frames of the codec may have a composition time.</summary>
    public bool HasCompositionTime => Name is CodecNames.H264 or CodecNames.H265 or CodecNames.H266;

    /// <summary>Whether the codec's parameters travel in a body of their own.</summary>
    public bool HasParameters => Kind == MediaKind.Video || Name is CodecNames.Aac or CodecNames.Opus or CodecNames.Flac;

    /// <summary>A codec whose frames are understood; null for others.</summary>
    public static FlvCodec? Find(Codec codec) => codec.IsOpaque ? null : Find(codec.Kind, codec.Name);

    /// <inheritdoc cref="Find(Codec)"/>
    public static FlvCodec? Find(MediaKind kind, uint fourCc)
    {
        foreach (var codec in Understood)
        {
            if (codec.Kind == kind && codec.FourCc == fourCc && fourCc != 0)
                return codec;
        }

        return null;
    }

    /// <summary>A codec whose frames are understood, by its number; null for others.</summary>
    public static FlvCodec? FindLegacy(MediaKind kind, int legacyId)
    {
        foreach (var codec in Understood)
        {
            if (codec.Kind == kind && codec.LegacyId == legacyId)
                return codec;
        }

        return null;
    }

    /// <summary>The name for a codec that only FLV 10.1 knows.</summary>
    public static string OpaqueName(MediaKind kind, int legacyId) =>
        Array.Find(OpaqueOnes, c => c.Kind == kind && c.LegacyId == legacyId)?.Name ?? $"{OpaquePrefix(kind)}{legacyId}";

    /// <summary>The name for a codec of a four-character code that is not known: the code, or nothing that could be taken for one.</summary>
    public static string OpaqueName(uint fourCc)
    {
        Span<byte> code = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(code, fourCc);
        return code.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? "unknown" : Encoding.ASCII.GetString(code);
    }

    /// <summary>The number by which FLV 10.1 calls a codec; null for those that it does not know.</summary>
    public static int? LegacyIdOf(Codec codec)
    {
        if (!codec.IsOpaque)
            return Find(codec)?.LegacyId;
        var prefix = OpaquePrefix(codec.Kind);
        return Array.Find(OpaqueOnes, c => c.Kind == codec.Kind && c.Name == codec.Name)?.LegacyId
            ?? (codec.Name.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(
                codec.Name.AsSpan(prefix.Length), CultureInfo.InvariantCulture, out var id) ? id : null);
    }

    private static string OpaquePrefix(MediaKind kind) => kind == MediaKind.Video ? "FLV-VIDEO-" : "FLV-AUDIO-";

    private static FlvCodec? Find(MediaKind kind, string name)
    {
        foreach (var codec in Understood)
        {
            if (codec.Kind == kind && codec.Name == name)
                return codec;
        }

        return null;
    }

    private static uint Code(ReadOnlySpan<byte> code) => BinaryPrimitives.ReadUInt32BigEndian(code);
}
