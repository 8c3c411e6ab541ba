namespace MediaGraph.Rtmp.Amf;

/// <summary>An immutable object, typed object or ECMA array: named values in the order of the wire.</summary>
internal sealed class AmfObject : IEquatable<AmfObject>
{
    private readonly AmfProperty[] _properties;

    /// <summary>Creates an anonymous object. The properties are not copied: the caller no longer writes them.</summary>
    public AmfObject(params AmfProperty[] properties)
        : this(AmfType.Object, null, properties)
    {
    }

    private AmfObject(AmfType type, string? className, AmfProperty[] properties)
    {
        Type = type;
        ClassName = className;
        _properties = properties;
    }

    /// <summary><see cref="AmfType.Object"/>, <see cref="AmfType.TypedObject"/> or <see cref="AmfType.EcmaArray"/>.</summary>
    public AmfType Type { get; }

    /// <summary>The class of a typed object; null for the others.</summary>
    public string? ClassName { get; }

    public IReadOnlyList<AmfProperty> Properties => _properties;

    /// <summary>The value of the last property of that name; undefined when there is none.</summary>
    public AmfValue this[string name]
    {
        get
        {
            for (var i = _properties.Length - 1; i >= 0; i--)
            {
                if (_properties[i].Name == name)
                    return _properties[i].Value;
            }

            return default;
        }
    }

    public static AmfObject EcmaArray(params AmfProperty[] properties) => new(AmfType.EcmaArray, null, properties);

    public static AmfObject Typed(string className, params AmfProperty[] properties) =>
        new(AmfType.TypedObject, className, properties);

    public bool Equals(AmfObject? other) =>
        other is not null && Type == other.Type && ClassName == other.ClassName
        && _properties.AsSpan().SequenceEqual(other._properties);

    public override bool Equals(object? obj) => Equals(obj as AmfObject);

    public override int GetHashCode() => HashCode.Combine(Type, ClassName, _properties.Length);
}
