using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MediaGraph.Rtmp.Amf;

/// <summary>
/// Writes AMF0 values to a buffer, in the order of the calls; allocates nothing itself. Objects and ECMA arrays are a start, then
/// a name and a value for each property, then <see cref="WriteObjectEnd"/>; strict arrays are a start and as many values as it says.
/// </summary>
internal readonly ref struct Amf0Writer(IBufferWriter<byte> output)
{
    public void WriteNumber(double value) => WriteDouble(AmfMarker.Number, value, tail: 0);

    public void WriteBoolean(bool value)
    {
        var span = output.GetSpan(2);
        span[1] = value ? (byte)1 : (byte)0;
        span[0] = (byte)AmfMarker.Boolean;
        output.Advance(2);
    }

    public void WriteNull() => WriteMarker(AmfMarker.Null);

    public void WriteUndefined() => WriteMarker(AmfMarker.Undefined);

    public void WriteUnsupported() => WriteMarker(AmfMarker.Unsupported);

    /// <param name="milliseconds">Since 1970-01-01 UTC.</param>
    public void WriteDate(double milliseconds) => WriteDouble(AmfMarker.Date, milliseconds, tail: 2);

    /// <param name="index">Of a container written before, counted by their starts from 0.</param>
    public void WriteReference(ushort index)
    {
        var span = output.GetSpan(3);
        BinaryPrimitives.WriteUInt16BigEndian(span[1..], index);
        span[0] = (byte)AmfMarker.Reference;
        output.Advance(3);
    }

    /// <summary>Writes a string; above 65,535 bytes in the long form.</summary>
    public void WriteString(string value)
    {
        // Up to here the short form fits whatever the characters are: no counting first.
        if (value.Length > ushort.MaxValue / 3)
        {
            WriteLongText(AmfMarker.String, value);
            return;
        }

        var span = output.GetSpan(3 + (3 * value.Length));
        var length = Encoding.UTF8.GetBytes(value, span[3..]);
        BinaryPrimitives.WriteUInt16BigEndian(span[1..], (ushort)length);
        span[0] = (byte)AmfMarker.String;
        output.Advance(3 + length);
    }

    /// <inheritdoc cref="WriteString(string)"/>
    public void WriteString(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > ushort.MaxValue)
        {
            WriteLong(AmfMarker.LongString, utf8.Length);
            output.Write(utf8);
            return;
        }

        WriteMarker(AmfMarker.String);
        WritePropertyName(utf8);
    }

    public void WriteXmlDocument(string text) => WriteLongText(AmfMarker.XmlDocument, text);

    public void WriteObjectStart() => WriteMarker(AmfMarker.Object);

    public void WriteTypedObjectStart(string className)
    {
        WriteMarker(AmfMarker.TypedObject);
        WritePropertyName(className);
    }

    /// <param name="count">Properties: a hint for readers.</param>
    public void WriteEcmaArrayStart(int count) => WriteLong(AmfMarker.EcmaArray, count);

    /// <summary>Ends an object, a typed object or an ECMA array.</summary>
    public void WriteObjectEnd()
    {
        var span = output.GetSpan(3);
        span[2] = (byte)AmfMarker.ObjectEnd;
        span[1] = 0;
        span[0] = 0;
        output.Advance(3);
    }

    /// <param name="count">Values that follow, exactly.</param>
    public void WriteStrictArrayStart(int count) => WriteLong(AmfMarker.StrictArray, count);

    /// <exception cref="ArgumentException">The name has more than 65,535 bytes.</exception>
    public void WritePropertyName(string name)
    {
        if (name.Length > ushort.MaxValue / 3 && Encoding.UTF8.GetByteCount(name) > ushort.MaxValue)
            throw new ArgumentException("A property name has at most 65,535 bytes.", nameof(name));
        var span = output.GetSpan(2 + Encoding.UTF8.GetMaxByteCount(name.Length));
        var length = Encoding.UTF8.GetBytes(name, span[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)length);
        output.Advance(2 + length);
    }

    /// <inheritdoc cref="WritePropertyName(string)"/>
    public void WritePropertyName(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > ushort.MaxValue)
            throw new ArgumentException("A property name has at most 65,535 bytes.", nameof(utf8));
        var span = output.GetSpan(2 + utf8.Length);
        utf8.CopyTo(span[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)utf8.Length);
        output.Advance(2 + utf8.Length);
    }

    public void WriteProperty(ReadOnlySpan<byte> name, double value)
    {
        WritePropertyName(name);
        WriteNumber(value);
    }

    public void WriteProperty(ReadOnlySpan<byte> name, bool value)
    {
        WritePropertyName(name);
        WriteBoolean(value);
    }

    public void WriteProperty(ReadOnlySpan<byte> name, string value)
    {
        WritePropertyName(name);
        WriteString(value);
    }

    public void WriteProperty(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        WritePropertyName(name);
        WriteString(value);
    }

    /// <summary>Writes a value of any type, without references.</summary>
    /// <exception cref="ArgumentException">It nests deeper than <see cref="Amf0Reader.MaxDepth"/>: no peer would read it.</exception>
    public void WriteValue(AmfValue value) => WriteValue(value, Amf0Reader.MaxDepth);

    private void WriteValue(AmfValue value, int depthLeft)
    {
        switch (value.Type)
        {
            case AmfType.Number:
                WriteNumber(value.AsNumber!.Value);
                break;
            case AmfType.Boolean:
                WriteBoolean(value.AsBoolean!.Value);
                break;
            case AmfType.Date:
                WriteDate(value.AsDate!.Value);
                break;
            case AmfType.String:
                WriteString(value.AsString!);
                break;
            case AmfType.XmlDocument:
                WriteXmlDocument(value.AsXml!);
                break;
            case AmfType.Null:
                WriteNull();
                break;
            case AmfType.Undefined:
                WriteUndefined();
                break;
            case AmfType.Unsupported:
                WriteUnsupported();
                break;
            default:
                WriteContainer(value, depthLeft);
                break;
        }
    }

    private void WriteContainer(AmfValue value, int depthLeft)
    {
        if (depthLeft == 0)
            throw new ArgumentException($"An AMF0 value nests deeper than {Amf0Reader.MaxDepth}.", nameof(value));
        if (value.AsArray is { } elements)
        {
            WriteStrictArrayStart(elements.Count);
            for (var i = 0; i < elements.Count; i++)
                WriteValue(elements[i], depthLeft - 1);
            return;
        }

        var properties = value.AsObject!.Properties;
        switch (value.Type)
        {
            case AmfType.TypedObject:
                WriteTypedObjectStart(value.AsObject.ClassName!);
                break;
            case AmfType.EcmaArray:
                WriteEcmaArrayStart(properties.Count);
                break;
            default:
                WriteObjectStart();
                break;
        }

        for (var i = 0; i < properties.Count; i++)
        {
            WritePropertyName(properties[i].Name);
            WriteValue(properties[i].Value, depthLeft - 1);
        }

        WriteObjectEnd();
    }

    private void WriteMarker(AmfMarker marker)
    {
        output.GetSpan(1)[0] = (byte)marker;
        output.Advance(1);
    }

    private void WriteDouble(AmfMarker marker, double value, int tail)
    {
        var span = output.GetSpan(9 + tail)[..(9 + tail)];
        span[9..].Clear();
        BinaryPrimitives.WriteDoubleBigEndian(span[1..], value);
        span[0] = (byte)marker;
        output.Advance(span.Length);
    }

    private void WriteLong(AmfMarker marker, int value)
    {
        var span = output.GetSpan(5);
        BinaryPrimitives.WriteInt32BigEndian(span[1..], value);
        span[0] = (byte)marker;
        output.Advance(5);
    }

    private void WriteLongText(AmfMarker marker, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        if (marker == AmfMarker.String && length <= ushort.MaxValue)
        {
            WriteMarker(marker);
            WritePropertyName(value);
            return;
        }

        WriteLong(marker == AmfMarker.String ? AmfMarker.LongString : marker, length);
        var span = output.GetSpan(length);
        output.Advance(Encoding.UTF8.GetBytes(value, span));
    }
}
