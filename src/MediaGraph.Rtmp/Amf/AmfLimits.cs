namespace MediaGraph.Rtmp.Amf;

/// <summary>What the AMF0 values of one message may be. Beyond it the message is refused.</summary>
internal sealed record AmfLimits
{
    public static AmfLimits Default { get; } = new();

    /// <summary>Containers inside each other, at most <see cref="Amf0Reader.MaxDepth"/>.</summary>
    public int MaxDepth { get; init; } = Amf0Reader.MaxDepth;

    /// <summary>Values per message, those of containers and behind references included.</summary>
    public int MaxValues { get; init; } = Amf0Reader.MaxValues;

    /// <summary>Bytes per string.</summary>
    public int MaxStringLength { get; init; } = Amf0Reader.MaxStringLength;
}
