using System.Globalization;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>How RFC 3640 lays out the headers of access units in a packet (§3.2.1, §4.1); lengths in bits.</summary>
internal sealed record AacPayloadFormat
{
    private const int MaxBits = 32;
    private const int MaxConstantSize = 65_535;

    /// <summary>AAC-hbr (§3.3.6): sizes up to 8,191 bytes.</summary>
    public static AacPayloadFormat HighBitRate { get; } = new() { SizeLength = 13, IndexLength = 3, IndexDeltaLength = 3 };

    /// <summary>AAC-lbr (§3.3.5): sizes up to 63 bytes.</summary>
    public static AacPayloadFormat LowBitRate { get; } = new() { SizeLength = 6, IndexLength = 2, IndexDeltaLength = 2 };

    /// <summary>Of AU-size; 0 where all units have <see cref="ConstantSize"/>, or a packet has one unit.</summary>
    public int SizeLength { get; init; }

    /// <summary>Of AU-Index in a packet's first header.</summary>
    public int IndexLength { get; init; }

    /// <summary>Of AU-Index-delta in the others.</summary>
    public int IndexDeltaLength { get; init; }

    /// <summary>Of CTS-delta, behind a flag; 0 where there is none.</summary>
    public int CtsDeltaLength { get; init; }

    /// <summary>Of DTS-delta, behind a flag; 0 where there is none.</summary>
    public int DtsDeltaLength { get; init; }

    /// <summary>Whether there is a RAP-flag.</summary>
    public bool HasRandomAccessIndication { get; init; }

    /// <summary>Of Stream-state; 0 where there is none.</summary>
    public int StreamStateLength { get; init; }

    /// <summary>Of auxiliary-data-size, whose section stands between headers and data; 0 where there is none.</summary>
    public int AuxiliaryDataSizeLength { get; init; }

    /// <summary>Bytes of every access unit; 0 where they differ.</summary>
    public int ConstantSize { get; init; }

    /// <summary>Whether headers have nothing but sizes and indexes, of 16 bits at most: all that is sent in practice.</summary>
    public bool IsSupported =>
        SizeLength <= 16 && IndexLength <= 16 && IndexDeltaLength <= 16 && CtsDeltaLength == 0 && DtsDeltaLength == 0 &&
        !HasRandomAccessIndication && StreamStateLength == 0 && AuxiliaryDataSizeLength == 0;

    /// <summary>Reads the parameters of a format; what they leave out is as its mode has it, and AAC-hbr where there is no mode.</summary>
    /// <param name="parameters">See <see cref="SdpFormat.Parameters"/>.</param>
    /// <param name="error">Why it cannot be understood.</param>
    public static AacPayloadFormat? Read(IReadOnlyDictionary<string, string> parameters, out string error)
    {
        error = "";
        var mode = parameters.GetValueOrDefault("mode") ?? "AAC-hbr";
        var basis = mode.ToUpperInvariant() switch
        {
            "AAC-HBR" => HighBitRate,
            "AAC-LBR" => LowBitRate,
            "GENERIC" => new AacPayloadFormat(),
            _ => null,
        };
        if (basis is null)
        {
            error = "MPEG4-GENERIC in another mode than AAC-hbr, AAC-lbr and generic";
            return null;
        }

        var isBad = false;
        int Number(string name, int most, int otherwise)
        {
            if (!parameters.TryGetValue(name, out var text) || text.Length == 0)
                return otherwise;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most)
                return number;
            isBad = true;
            return 0;
        }

        var format = new AacPayloadFormat
        {
            SizeLength = Number("sizelength", MaxBits, basis.SizeLength),
            IndexLength = Number("indexlength", MaxBits, basis.IndexLength),
            IndexDeltaLength = Number("indexdeltalength", MaxBits, basis.IndexDeltaLength),
            CtsDeltaLength = Number("ctsdeltalength", MaxBits, 0),
            DtsDeltaLength = Number("dtsdeltalength", MaxBits, 0),
            HasRandomAccessIndication = Number("randomaccessindication", 1, 0) != 0,
            StreamStateLength = Number("streamstateindication", MaxBits, 0),
            AuxiliaryDataSizeLength = Number("auxiliarydatasizelength", MaxBits, 0),
            ConstantSize = Number("constantsize", MaxConstantSize, 0),
        };
        if (isBad)
            error = "MPEG4-GENERIC with a length out of range";
        return isBad ? null : format;
    }
}
