namespace MediaGraph.Media;

/// <summary>
/// How a packet's payload is coded: name, clock rate, channels and out-of-band parameters. Immutable; every packet refers to
/// its codec, and a packet that refers to another instance than the one before it announces a change.
/// </summary>
public sealed class Codec
{
    private readonly byte[] _configuration;

    /// <summary>Creates a codec.</summary>
    /// <param name="kind">Video, audio or data.</param>
    /// <param name="name">A name of <see cref="CodecNames"/>, or any other for a codec that is only passed on.</param>
    /// <param name="clockRate">Ticks per second of the packets' times, 1 to 1,000,000,000.</param>
    /// <param name="channels">Audio channels; 0 where unknown or not audio.</param>
    /// <param name="configuration">Out-of-band parameters as <see cref="Configuration"/> describes them; copied.</param>
    /// <param name="isOpaque">See <see cref="IsOpaque"/>.</param>
    public Codec(
        MediaKind kind, string name, int clockRate, int channels = 0, ReadOnlySpan<byte> configuration = default, bool isOpaque = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(clockRate, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clockRate, 1_000_000_000);
        ArgumentOutOfRangeException.ThrowIfNegative(channels);
        Kind = kind;
        Name = name;
        ClockRate = clockRate;
        Channels = channels;
        IsOpaque = isOpaque;
        _configuration = configuration.ToArray();
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
    /// Out-of-band parameters: the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3) for H264, the
    /// HEVCDecoderConfigurationRecord (§8.3.3) for H265, the AudioSpecificConfig (ISO/IEC 14496-3 §1.6) for AAC; empty for codecs
    /// that need none.
    /// </summary>
    public ReadOnlyMemory<byte> Configuration => _configuration;

    /// <summary>
    /// True for a codec that is only passed on: its packets' payload is a whole FLV tag body, configuration packets included.
    /// </summary>
    public bool IsOpaque { get; }

    /// <inheritdoc/>
    public override string ToString() =>
        Kind == MediaKind.Audio ? $"{Name}/{ClockRate}" + (Channels > 0 ? $"/{Channels}" : "") : Name;
}
