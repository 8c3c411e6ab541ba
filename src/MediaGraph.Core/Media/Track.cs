using System.Collections.Immutable;

namespace MediaGraph.Media;

/// <summary>What a peer offers to send, or asks to receive: one kind of media in one direction. Immutable.</summary>
public sealed class Track
{
    /// <summary>Creates a track.</summary>
    /// <param name="kind">Video, audio or data.</param>
    /// <param name="direction">See <see cref="TrackDirection"/>.</param>
    /// <param name="codecs">See <see cref="Codecs"/>.</param>
    /// <param name="id">See <see cref="Id"/>; null for the kind's name.</param>
    /// <exception cref="ArgumentException">A codec is of another kind, or a track to be sent has none.</exception>
    public Track(MediaKind kind, TrackDirection direction, ImmutableArray<Codec> codecs, string? id = null)
    {
        if (codecs.IsDefault || (codecs.IsEmpty && direction == TrackDirection.SendOnly))
            throw new ArgumentException("A track to be sent needs a codec.", nameof(codecs));
        foreach (var codec in codecs)
        {
            if (codec.Kind != kind)
                throw new ArgumentException($"{codec} is not {Name(kind)}.", nameof(codecs));
        }

        Kind = kind;
        Direction = direction;
        Codecs = codecs;
        Id = id ?? Name(kind);
    }

    /// <summary>Video, audio or data.</summary>
    public MediaKind Kind { get; }

    /// <summary>Whether the peer sends or receives it.</summary>
    public TrackDirection Direction { get; }

    /// <summary>
    /// The codecs in order of the peer's preference. Empty, for a track to be received: any. In a track to be received, a codec
    /// without <see cref="Codec.Channels"/> stands for its name alone, at any clock rate.
    /// </summary>
    public ImmutableArray<Codec> Codecs { get; }

    /// <summary>
    /// What makes it the same track after a reconnect: <c>video</c>, <c>audio</c> or <c>data</c>, unless a peer has several of a kind.
    /// </summary>
    public string Id { get; }

    /// <summary>A track that is sent in one codec.</summary>
    public static Track Of(Codec codec, string? id = null)
    {
        ArgumentNullException.ThrowIfNull(codec);
        return new Track(codec.Kind, TrackDirection.SendOnly, [codec], id);
    }

    /// <summary>An H264 track that is sent.</summary>
    /// <inheritdoc cref="Codec.H264"/>
    public static Track H264(ReadOnlySpan<byte> sps, ReadOnlySpan<byte> pps) => Of(Codec.H264(sps, pps));

    /// <summary>An H265 track that is sent.</summary>
    /// <inheritdoc cref="Codec.H265"/>
    public static Track H265(ReadOnlySpan<byte> vps, ReadOnlySpan<byte> sps, ReadOnlySpan<byte> pps) => Of(Codec.H265(vps, sps, pps));

    /// <summary>An AAC track that is sent.</summary>
    /// <inheritdoc cref="Codec.Aac"/>
    public static Track Aac(ReadOnlySpan<byte> audioSpecificConfig) => Of(Codec.Aac(audioSpecificConfig));

    /// <summary>A video track to be received in one of the codecs, the best first.</summary>
    /// <param name="names">Names of <see cref="CodecNames"/>; none for any.</param>
    public static Track Video(params ReadOnlySpan<string> names) => Wanted(MediaKind.Video, names);

    /// <summary>An audio track to be received in one of the codecs, the best first, at any clock rate.</summary>
    /// <param name="names">Names of <see cref="CodecNames"/>; none for any.</param>
    public static Track Audio(params ReadOnlySpan<string> names) => Wanted(MediaKind.Audio, names);

    /// <summary>A track to be received in any codec, opaque ones included.</summary>
    public static Track Any(MediaKind kind) => Wanted(kind, []);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Id} {(Direction == TrackDirection.SendOnly ? "sendonly" : "recvonly")} {string.Join(", ", Codecs)}".TrimEnd();

    internal static string Name(MediaKind kind) => kind switch
    {
        MediaKind.Video => "video",
        MediaKind.Audio => "audio",
        _ => "data",
    };

    private static Track Wanted(MediaKind kind, ReadOnlySpan<string> names)
    {
        var codecs = ImmutableArray.CreateBuilder<Codec>(names.Length);
        foreach (var name in names)
            codecs.Add(new Codec(kind, name, Codec.VideoClockRate)); // without channels: the clock rate says nothing
        return new Track(kind, TrackDirection.ReceiveOnly, codecs.MoveToImmutable());
    }
}
