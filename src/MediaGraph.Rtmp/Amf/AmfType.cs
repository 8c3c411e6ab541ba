namespace MediaGraph.Rtmp.Amf;

/// <summary>What an <see cref="AmfValue"/> is. Long strings are strings, and references are what they refer to.</summary>
internal enum AmfType
{
    Undefined,
    Null,
    Boolean,
    Number,
    Date,
    Unsupported,
    String,
    XmlDocument,
    Object,
    TypedObject,
    EcmaArray,
    StrictArray,
}
