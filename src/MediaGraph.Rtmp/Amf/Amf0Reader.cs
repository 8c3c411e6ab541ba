using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace MediaGraph.Rtmp.Amf;

/// <summary>
/// Reads the AMF0 values of one message, in order. Total: any bytes give values or an <see cref="RtmpProtocolException"/>, in
/// time linear in their number, without recursion, and with at most four times their number plus 64 KiB of memory.
/// </summary>
internal ref struct Amf0Reader
{
    /// <summary>Containers inside each other: real metadata has two, and what walks a value later may recurse.</summary>
    public const int MaxDepth = 16;

    /// <summary>Values per message, those of containers and behind references included: real metadata has some 40.</summary>
    public const int MaxValues = 4096;

    /// <summary>Bytes per string.</summary>
    public const int MaxStringLength = 64 * 1024;

    // Somebody who writes a value again writes what references share once per reference.
    private const int MaxReferencedBytes = 256 * 1024;

    private readonly ReadOnlySpan<byte> _data;
    private readonly AmfLimits _limits;
    private bool? _mayHaveReferences; // null before the first container
    private List<Complex>? _complexValues; // what references count: containers in the order of their first bytes
    private long _memory; // bytes that values may still take
    private int _position;
    private int _values;
    private int _referencedBytes;

    public Amf0Reader(ReadOnlySpan<byte> data, AmfLimits? limits = null)
    {
        _data = data;
        _limits = limits ?? AmfLimits.Default;
        _memory = (4L * data.Length) + (64 * 1024);
    }

    /// <summary>Whether every value was read.</summary>
    public readonly bool IsAtEnd => _position == _data.Length;

    /// <summary>Bytes read.</summary>
    public readonly int Position => _position;

    /// <summary>The next value's marker, or null at the end.</summary>
    public readonly AmfMarker? PeekMarker() => IsAtEnd ? null : (AmfMarker)_data[_position];

    /// <summary>Reads a string's bytes, without copying them; short or long form.</summary>
    public ReadOnlySpan<byte> ReadUtf8String()
    {
        var marker = ReadMarker();
        return marker switch
        {
            AmfMarker.String => TakeString(ReadUInt16()),
            AmfMarker.LongString => TakeLongString(),
            _ => throw Unexpected(marker, "a string"),
        };
    }

    public string ReadString() => MakeString(ReadUtf8String());

    public double ReadNumber()
    {
        var marker = ReadMarker();
        return marker == AmfMarker.Number ? ReadDouble() : throw Unexpected(marker, "a number");
    }

    public bool ReadBoolean()
    {
        var marker = ReadMarker();
        return marker == AmfMarker.Boolean ? Take(1)[0] != 0 : throw Unexpected(marker, "a boolean");
    }

    /// <summary>Reads a string if one is next; otherwise reads nothing.</summary>
    public bool TryReadString(out string value)
    {
        if (PeekMarker() is not (AmfMarker.String or AmfMarker.LongString))
        {
            value = "";
            return false;
        }

        value = ReadString();
        return true;
    }

    /// <summary>Reads a number if one is next; otherwise reads nothing.</summary>
    public bool TryReadNumber(out double value)
    {
        value = 0;
        if (PeekMarker() != AmfMarker.Number)
            return false;
        value = ReadNumber();
        return true;
    }

    /// <summary>Reads a boolean if one is next; otherwise reads nothing.</summary>
    public bool TryReadBoolean(out bool value)
    {
        value = false;
        if (PeekMarker() != AmfMarker.Boolean)
            return false;
        value = ReadBoolean();
        return true;
    }

    /// <summary>Reads one value of any type.</summary>
    public AmfValue ReadValue() => Parse(build: true);

    /// <summary>Reads one value of any type and forgets it. A later reference to it is an error.</summary>
    public void SkipValue() => Parse(build: false);

    private AmfValue Parse(bool build)
    {
        var marker = ReadMarker();
        return TryParseScalar(marker, build, depth: 0, out var value, out _) ? value : ParseContainer(marker, build);
    }

    private AmfValue ParseContainer(AmfMarker marker, bool build)
    {
        Frames frames = default;
        var depth = 0;
        var scratch = build ? ArrayPool<AmfProperty>.Shared.Rent(64) : [];
        var used = 0;
        try
        {
            Open(ref frames[depth++], marker, name: "", build, used);
            while (true)
            {
                ref var frame = ref frames[depth - 1];
                var name = "";
                AmfValue value;
                int height;
                if (frame.IsStrictArray ? frame.Remaining-- == 0 : !TryReadName(build, out name))
                {
                    value = Close(in frame, build, scratch.AsSpan(0, used));
                    if (--depth == 0)
                        return value;
                    if (build)
                        Array.Clear(scratch, frame.FirstEntry, used - frame.FirstEntry);
                    used = frame.FirstEntry;
                    name = frame.Name;
                    height = frame.Height;
                    frame = ref frames[depth - 1];
                }
                else if (!TryParseScalar(marker = ReadMarker(), build, depth, out value, out height))
                {
                    if (depth == _limits.MaxDepth)
                        throw new RtmpProtocolException($"AMF0 values nest deeper than {_limits.MaxDepth}.");
                    Open(ref frames[depth++], marker, name, build, used);
                    continue;
                }

                frame.Height = Math.Max(frame.Height, height + 1);
                if (!build)
                    continue;
                Charge(frame.IsStrictArray ? 16 : 24);
                if (used == scratch.Length)
                    Grow(ref scratch);
                scratch[used++] = new AmfProperty(name, value);
            }
        }
        finally
        {
            if (build)
            {
                Array.Clear(scratch, 0, used);
                ArrayPool<AmfProperty>.Shared.Return(scratch);
            }
        }
    }

    private void Open(ref Frame frame, AmfMarker marker, string name, bool build, int firstEntry)
    {
        frame = new Frame
        {
            Marker = marker,
            Name = name,
            FirstEntry = firstEntry,
            Height = 1,
            StartPosition = _position - 1,
            StartValues = _values - 1,
            StartReferencedBytes = _referencedBytes,
        };
        switch (marker)
        {
            case AmfMarker.StrictArray:
                frame.Remaining = ReadUInt32();
                if (frame.Remaining > _limits.MaxValues - _values)
                    throw TooManyValues();
                if (frame.Remaining > _data.Length - _position)
                    throw Truncated();
                break;
            case AmfMarker.EcmaArray:
                ReadUInt32(); // an approximation by definition: the end marker counts
                break;
            case AmfMarker.TypedObject:
                var className = TakeString(ReadUInt16());
                frame.ClassName = build ? MakeString(className) : "";
                break;
        }

        _mayHaveReferences ??= _data[_position..].Contains((byte)AmfMarker.Reference);
        if (_mayHaveReferences.Value)
        {
            Charge(128);
            _complexValues ??= [];
            frame.TableIndex = _complexValues.Count;
            _complexValues.Add(default);
        }
    }

    private AmfValue Close(in Frame frame, bool build, ReadOnlySpan<AmfProperty> entries)
    {
        if (!build)
            return default;
        entries = entries[frame.FirstEntry..];
        Charge(64);
        AmfValue value;
        if (frame.IsStrictArray)
        {
            var elements = entries.IsEmpty ? [] : new AmfValue[entries.Length];
            for (var i = 0; i < elements.Length; i++)
                elements[i] = entries[i].Value;
            value = AmfValue.StrictArray(elements);
        }
        else
        {
            AmfProperty[] properties = entries.IsEmpty ? [] : entries.ToArray();
            value = frame.Marker switch
            {
                AmfMarker.EcmaArray => AmfObject.EcmaArray(properties),
                AmfMarker.TypedObject => AmfObject.Typed(frame.ClassName, properties),
                _ => new AmfObject(properties),
            };
        }

        if (_complexValues is not null)
        {
            _complexValues[frame.TableIndex] = new Complex(
                value,
                frame.Height,
                _values - frame.StartValues,
                _position - frame.StartPosition + _referencedBytes - frame.StartReferencedBytes);
        }

        return value;
    }

    /// <summary>Reads the value behind a marker, unless it is a container.</summary>
    private bool TryParseScalar(AmfMarker marker, bool build, int depth, out AmfValue value, out int height)
    {
        value = default;
        height = 0;
        switch (marker)
        {
            case AmfMarker.Number:
                value = ReadDouble();
                return true;
            case AmfMarker.Boolean:
                value = Take(1)[0] != 0;
                return true;
            case AmfMarker.String:
                var text = TakeString(ReadUInt16());
                if (build)
                    value = MakeString(text);
                return true;
            case AmfMarker.LongString:
                text = TakeLongString();
                if (build)
                    value = MakeString(text);
                return true;
            case AmfMarker.XmlDocument:
                text = TakeLongString();
                if (build)
                    value = AmfValue.XmlDocument(MakeString(text));
                return true;
            case AmfMarker.Date:
                value = AmfValue.Date(ReadDouble());
                Take(2); // the time zone: reserved, zero
                return true;
            case AmfMarker.Null:
                value = AmfValue.Null;
                return true;
            case AmfMarker.Undefined:
                return true;
            case AmfMarker.Unsupported:
                value = AmfValue.Unsupported;
                return true;
            case AmfMarker.Reference:
                var index = ReadUInt16();
                if (build)
                    value = Resolve(index, depth, out height);
                return true;
            case AmfMarker.AvmPlus:
                value = ReadAmf3Scalar(build);
                return true;
            case AmfMarker.Object or AmfMarker.TypedObject or AmfMarker.EcmaArray or AmfMarker.StrictArray:
                return false;
            default:
                throw new RtmpProtocolException($"No AMF0 value starts with {(byte)marker:X2}.");
        }
    }

    private AmfValue Resolve(int index, int depth, out int height)
    {
        // An enclosing container is still open, so that no value can contain itself.
        if (_complexValues is null || index >= _complexValues.Count || _complexValues[index] is not { Height: > 0 } complex)
            throw new RtmpProtocolException($"AMF0 reference {index} refers to no value that was read.");
        height = complex.Height;
        if (depth + height > _limits.MaxDepth)
            throw new RtmpProtocolException($"AMF0 values nest deeper than {_limits.MaxDepth}.");
        _values += complex.Values - 1;
        if (_values > _limits.MaxValues)
            throw TooManyValues();
        _referencedBytes += complex.Bytes;
        if (_referencedBytes > MaxReferencedBytes)
            throw new RtmpProtocolException("AMF0 references repeat too many bytes.");
        return complex.Value;
    }

    /// <summary>The types without a table of AMF3 (AMF3 specification, section 3): what players put behind the AVM+ marker.</summary>
    private AmfValue ReadAmf3Scalar(bool build)
    {
        var marker = Take(1)[0];
        switch (marker)
        {
            case 0x00:
                return AmfValue.Undefined;
            case 0x01:
                return AmfValue.Null;
            case 0x02:
                return false;
            case 0x03:
                return true;
            case 0x04:
                return (int)(ReadUInt29() << 3) >> 3;
            case 0x05:
                return ReadDouble();
            case 0x06:
                var header = ReadUInt29();
                if ((header & 1) == 0)
                    throw new RtmpProtocolException("AMF3 string references are not supported.");
                var text = TakeString(header >> 1);
                return build ? MakeString(text) : default(AmfValue);
            default:
                throw new RtmpProtocolException($"AMF3 values of type {marker:X2} are not supported.");
        }
    }

    private uint ReadUInt29()
    {
        var value = 0u;
        for (var i = 0; i < 3; i++)
        {
            var next = Take(1)[0];
            value = (value << 7) | (next & 0x7Fu);
            if (next < 0x80)
                return value;
        }

        return (value << 8) | Take(1)[0];
    }

    private bool TryReadName(bool build, out string name)
    {
        var bytes = TakeString(ReadUInt16());
        if (bytes.IsEmpty && PeekMarker() == AmfMarker.ObjectEnd)
        {
            _position++;
            name = "";
            return false;
        }

        name = build ? MakeString(bytes) : "";
        return true;
    }

    private AmfMarker ReadMarker()
    {
        if (++_values > _limits.MaxValues)
            throw TooManyValues();
        return (AmfMarker)Take(1)[0];
    }

    private double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    private ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    private ReadOnlySpan<byte> TakeLongString() => TakeString(ReadUInt32());

    private ReadOnlySpan<byte> TakeString(uint length) =>
        length <= _limits.MaxStringLength
            ? Take((int)length)
            : throw new RtmpProtocolException($"An AMF string of {length} bytes is longer than {_limits.MaxStringLength}.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _data.Length - _position)
            throw Truncated();
        var bytes = _data.Slice(_position, count);
        _position += count;
        return bytes;
    }

    private string MakeString(ReadOnlySpan<byte> utf8)
    {
        Charge(32 + (2 * utf8.Length));
        return Encoding.UTF8.GetString(utf8);
    }

    private void Charge(int bytes)
    {
        _memory -= bytes;
        if (_memory < 0)
            throw new RtmpProtocolException("AMF0 values take too much memory for their length.");
    }

    private static void Grow(ref AmfProperty[] scratch)
    {
        var larger = ArrayPool<AmfProperty>.Shared.Rent(scratch.Length * 2);
        scratch.CopyTo(larger, 0);
        ArrayPool<AmfProperty>.Shared.Return(scratch, clearArray: true);
        scratch = larger;
    }

    private static RtmpProtocolException Unexpected(AmfMarker marker, string expected) =>
        new($"AMF0 has a value of type {(byte)marker:X2} where {expected} belongs.");

    private static RtmpProtocolException Truncated() => new("An AMF0 value is longer than its message.");

    private readonly RtmpProtocolException TooManyValues() => new($"A message has more than {_limits.MaxValues} AMF0 values.");

    [InlineArray(MaxDepth)]
    private struct Frames
    {
        private Frame _first;
    }

    /// <summary>A container whose end was not read yet.</summary>
    private struct Frame
    {
        public string Name; // its own name in its parent
        public string ClassName;
        public uint Remaining; // elements of a strict array
        public int FirstEntry; // in the scratch array
        public int Height; // containers inside each other, from this one down
        public int TableIndex;
        public int StartPosition;
        public int StartValues;
        public int StartReferencedBytes;
        public AmfMarker Marker;

        public readonly bool IsStrictArray => Marker == AmfMarker.StrictArray;
    }

    /// <param name="Height">0 while the value is open, or when it was skipped.</param>
    /// <param name="Values">Values in it, itself included.</param>
    /// <param name="Bytes">Its length when it is written without references.</param>
    private readonly record struct Complex(AmfValue Value, int Height, int Values, int Bytes);
}
