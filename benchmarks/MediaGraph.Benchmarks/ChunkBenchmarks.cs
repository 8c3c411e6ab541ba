using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Benchmarks;

/// <summary>
/// Chunks of 128 bytes. A header by itself is its bytes taken apart, without what a connection remembers. "New" makes a reader or a
/// buffer for each operation, as the Go figures were measured; "Reused" is a connection that goes on, where a header comes with a whole
/// message of no payload. Format 3 cannot come first, so there is no new reader for it.
/// </summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "The framework's clean-up disposes of the reader.")]
public class ChunkBenchmarks
{
    private const int ChunkSize = 128;

    private readonly PacketPool _pool = new(new PacketPoolOptions { Diagnostics = false });
    private readonly ArrayBufferWriter<byte> _reused = new(16 << 10);
    private readonly byte[] _short = new byte[100];
    private readonly byte[] _long = new byte[4096];
    private readonly byte[] _header = new byte[18];
    private readonly byte[] _emptyMessage = Message([]);
    private readonly byte[] _headerFormat0 = Message(new byte[100])[..12];
    private readonly byte[] _headerFormat1 = [0x46, 0, 0, 33, 0, 0, 100, 9];
    private readonly byte[] _emptyFormat1 = [0x46, 0, 0, 33, 0, 0, 0, 9];
    private readonly byte[] _emptyFormat3 = [0xC6];
    private byte[] _shortMessage = [];
    private byte[] _longMessage = [];
    private ChunkReader _reader = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _shortMessage = Message(_short);
        _longMessage = Message(_long);
        _reader = new ChunkReader(_pool);
        Read(_reader, _emptyMessage);
    }

    [GlobalCleanup]
    public void CleanUp() => _reader.Dispose();

    [Benchmark]
    public int ParseHeaderFormat0() => Parse(_headerFormat0);

    [Benchmark]
    public int ParseHeaderFormat1() => Parse(_headerFormat1);

    [Benchmark]
    public int ParseHeaderFormat3() => Parse(_emptyFormat3);

    [Benchmark]
    public int ParseHeaderFormat0New() => ReadHeader(_headerFormat0);

    [Benchmark]
    public int ParseHeaderFormat1New() => ReadHeader(_headerFormat1);

    [Benchmark]
    public int ParseHeaderFormat0Reused() => Read(_reader, _emptyMessage);

    [Benchmark]
    public int ParseHeaderFormat1Reused() => Read(_reader, _emptyFormat1);

    [Benchmark]
    public int ParseHeaderFormat3Reused() => Read(_reader, _emptyFormat3);

    [Benchmark]
    public int ReadOneChunkNew()
    {
        using var reader = new ChunkReader(_pool);
        return Read(reader, _shortMessage);
    }

    [Benchmark]
    public int ReadOneChunkReused() => Read(_reader, _shortMessage);

    [Benchmark]
    public int ReadManyChunksNew()
    {
        using var reader = new ChunkReader(_pool);
        return Read(reader, _longMessage);
    }

    [Benchmark]
    public int ReadManyChunksReused() => Read(_reader, _longMessage);

    [Benchmark]
    public int EncodeHeader() => ChunkWriter.WriteHeader(_header, 6, 1000, RtmpMessageType.Video, 1, 100);

    [Benchmark]
    public int WriteOneChunkNew() => WriteNew(_short);

    [Benchmark]
    public int WriteOneChunkReused() => WriteReused(_short);

    [Benchmark]
    public int WriteManyChunksNew() => WriteNew(_long);

    [Benchmark]
    public int WriteManyChunksReused() => WriteReused(_long);

    [Benchmark]
    public int RoundTripNew()
    {
        var output = new ArrayBufferWriter<byte>(ChunkWriter.Measure(_long.Length, 1000, ChunkSize));
        Write(output, _long);
        using var reader = new ChunkReader(_pool);
        return Read(reader, output.WrittenMemory);
    }

    [Benchmark]
    public int RoundTripReused()
    {
        WriteReused(_long);
        return Read(_reader, _reused.WrittenMemory);
    }

    private static int Parse(byte[] bytes)
    {
        if (!ChunkHeader.TryParse(bytes, out var header))
            throw new InvalidOperationException("The header is not complete.");
        var sum = header.Id + header.Length + (int)header.TimestampField;
        if (header.Format < 2)
            sum += header.MessageLength + (int)header.Type;
        return header.Format == 0 ? sum + (int)header.StreamId : sum;
    }

    private int ReadHeader(byte[] bytes)
    {
        using var reader = new ChunkReader(_pool);
        var input = new ReadOnlySequence<byte>(bytes);
        if (reader.TryRead(ref input, out _))
            throw new InvalidOperationException("The message is complete.");
        return (int)reader.BytesRead;
    }

    private static int Read(ChunkReader reader, ReadOnlyMemory<byte> bytes)
    {
        var input = new ReadOnlySequence<byte>(bytes);
        if (!reader.TryRead(ref input, out var message))
            throw new InvalidOperationException("The message is not complete.");
        message.Buffer.Release();
        return message.Length;
    }

    private static void Write(ArrayBufferWriter<byte> output, byte[] payload) =>
        ChunkWriter.Write(output, 6, 1000, RtmpMessageType.Video, 1, payload, ChunkSize);

    private static int WriteNew(byte[] payload)
    {
        var output = new ArrayBufferWriter<byte>(ChunkWriter.Measure(payload.Length, 1000, ChunkSize));
        Write(output, payload);
        return output.WrittenCount;
    }

    private static byte[] Message(byte[] payload)
    {
        var output = new ArrayBufferWriter<byte>();
        Write(output, payload);
        return output.WrittenSpan.ToArray();
    }

    private int WriteReused(byte[] payload)
    {
        _reused.ResetWrittenCount();
        Write(_reused, payload);
        return _reused.WrittenCount;
    }
}
