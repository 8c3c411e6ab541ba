using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Rtmp.Amf;

/// <summary>One immutable AMF0 value. The default value is undefined.</summary>
internal readonly struct AmfValue : IEquatable<AmfValue>
{
    private static readonly object NullTag = AmfType.Null;
    private static readonly object BooleanTag = AmfType.Boolean;
    private static readonly object NumberTag = AmfType.Number;
    private static readonly object DateTag = AmfType.Date;
    private static readonly object UnsupportedTag = AmfType.Unsupported;

    // A string, an AmfObject, an AmfValue[], an Xml, or one of the tags: two words per value keep a hostile message's tree small.
    private readonly object? _reference;
    private readonly double _number;

    private AmfValue(object reference, double number = 0)
    {
        _reference = reference;
        _number = number;
    }

    public static AmfValue Undefined => default;

    public static AmfValue Null => new(NullTag);

    public static AmfValue Unsupported => new(UnsupportedTag);

    public AmfType Type => _reference switch
    {
        null => AmfType.Undefined,
        string => AmfType.String,
        AmfObject value => value.Type,
        AmfValue[] => AmfType.StrictArray,
        Xml => AmfType.XmlDocument,
        var tag => (AmfType)tag,
    };

    /// <summary>The number, or null for any other type.</summary>
    public double? AsNumber => ReferenceEquals(_reference, NumberTag) ? _number : null;

    /// <summary>The boolean, or null for any other type.</summary>
    public bool? AsBoolean => ReferenceEquals(_reference, BooleanTag) ? _number != 0 : null;

    /// <summary>The date as milliseconds since 1970-01-01 UTC, or null for any other type.</summary>
    public double? AsDate => ReferenceEquals(_reference, DateTag) ? _number : null;

    /// <summary>The string, or null for any other type.</summary>
    public string? AsString => _reference as string;

    /// <summary>The XML document's text, or null for any other type.</summary>
    public string? AsXml => (_reference as Xml)?.Text;

    /// <summary>The object, typed object or ECMA array, or null for any other type.</summary>
    public AmfObject? AsObject => _reference as AmfObject;

    /// <summary>The strict array's elements, or null for any other type.</summary>
    public IReadOnlyList<AmfValue>? AsArray => _reference as AmfValue[];

    public static implicit operator AmfValue(double value) => new(NumberTag, value);

    public static implicit operator AmfValue(bool value) => new(BooleanTag, value ? 1 : 0);

    public static implicit operator AmfValue(string? value) => value is null ? Null : new AmfValue(value);

    public static implicit operator AmfValue(AmfObject value) => new(value);

    public static bool operator ==(AmfValue left, AmfValue right) => left.Equals(right);

    public static bool operator !=(AmfValue left, AmfValue right) => !left.Equals(right);

    public static AmfValue Date(double milliseconds) => new(DateTag, milliseconds);

    public static AmfValue XmlDocument(string text) => new(new Xml(text));

    /// <summary>A strict array. The elements are not copied: the caller no longer writes them.</summary>
    public static AmfValue StrictArray(params AmfValue[] elements) => new(elements);

    /// <summary>Equal type and content, property for property in order.</summary>
    public bool Equals(AmfValue other)
    {
        if (Type != other.Type || !_number.Equals(other._number))
            return false;
        return _reference switch
        {
            string text => text == other.AsString,
            AmfObject value => value.Equals(other.AsObject),
            AmfValue[] elements => elements.AsSpan().SequenceEqual((AmfValue[])other._reference!),
            Xml xml => xml.Text == other.AsXml,
            _ => true,
        };
    }

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is AmfValue other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Type, _number, AsString);

    public override string ToString() => Type switch
    {
        AmfType.Number => AsNumber!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AmfType.Boolean => AsBoolean!.Value ? "true" : "false",
        AmfType.String => AsString!,
        var type => type.ToString(),
    };

    private sealed record Xml(string Text);
}
