using System.Buffers;
using BenchmarkDotNet.Attributes;
using MediaGraph.Rtmp.Amf;

namespace MediaGraph.Benchmarks;

/// <summary>
/// AMF0. Each pair is once with a new buffer, and where values are read with all of them made, as the Go figures were measured,
/// and once as the server works: into a buffer that is used again, and without making what it does not look at.
/// </summary>
[MemoryDiagnoser]
public class AmfBenchmarks
{
    private readonly ArrayBufferWriter<byte> _reused = new(4096);
    private readonly AmfValue _object = new AmfObject(
        new AmfProperty("app", "live"),
        new AmfProperty("type", "nonprivate"),
        new AmfProperty("flashVer", "FMLE/3.0"),
        new AmfProperty("tcUrl", "rtmp://localhost/live"));

    private readonly AmfValue _array = AmfValue.StrictArray(1.0, "test", true, AmfValue.Null, 42.0);
    private byte[] _objectBytes = [];
    private byte[] _arrayBytes = [];
    private byte[] _commandBytes = [];

    [GlobalSetup]
    public void SetUp()
    {
        _objectBytes = WriteValue(new ArrayBufferWriter<byte>(), _object).WrittenSpan.ToArray();
        _arrayBytes = WriteValue(new ArrayBufferWriter<byte>(), _array).WrittenSpan.ToArray();
        _commandBytes = WriteCommand(new ArrayBufferWriter<byte>()).WrittenSpan.ToArray();
    }

    [Benchmark]
    public int EncodeCommandNew() => WriteCommand(new ArrayBufferWriter<byte>(128)).WrittenCount;

    [Benchmark]
    public int EncodeCommandReused() => WriteCommand(Reused()).WrittenCount;

    [Benchmark]
    public int EncodeObjectNew() => WriteValue(new ArrayBufferWriter<byte>(128), _object).WrittenCount;

    [Benchmark]
    public int EncodeObjectReused() => WriteValue(Reused(), _object).WrittenCount;

    [Benchmark]
    public int EncodeArrayNew() => WriteValue(new ArrayBufferWriter<byte>(64), _array).WrittenCount;

    [Benchmark]
    public int EncodeArrayReused() => WriteValue(Reused(), _array).WrittenCount;

    [Benchmark]
    public int DecodeCommandNew()
    {
        var reader = new Amf0Reader(_commandBytes);
        return reader.ReadString().Length + (int)reader.ReadNumber() + (int)reader.ReadValue().Type;
    }

    [Benchmark]
    public int DecodeCommandSkipped()
    {
        var reader = new Amf0Reader(_commandBytes);
        reader.ReadUtf8String();
        reader.ReadNumber();
        reader.SkipValue();
        return reader.Position;
    }

    [Benchmark]
    public int DecodeObjectNew() => (int)new Amf0Reader(_objectBytes).ReadValue().Type;

    [Benchmark]
    public int DecodeObjectSkipped() => Skip(_objectBytes);

    [Benchmark]
    public int DecodeArrayNew() => (int)new Amf0Reader(_arrayBytes).ReadValue().Type;

    [Benchmark]
    public int DecodeArraySkipped() => Skip(_arrayBytes);

    private static int Skip(byte[] bytes)
    {
        var reader = new Amf0Reader(bytes);
        reader.SkipValue();
        return reader.Position;
    }

    private static ArrayBufferWriter<byte> WriteValue(ArrayBufferWriter<byte> output, in AmfValue value)
    {
        new Amf0Writer(output).WriteValue(value);
        return output;
    }

    private ArrayBufferWriter<byte> WriteCommand(ArrayBufferWriter<byte> output)
    {
        var writer = new Amf0Writer(output);
        writer.WriteString("connect"u8);
        writer.WriteNumber(1.0);
        writer.WriteValue(_object);
        return output;
    }

    private ArrayBufferWriter<byte> Reused()
    {
        _reused.ResetWrittenCount();
        return _reused;
    }
}
