using System.Buffers;
using System.Buffers.Binary;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Chunking;

/// <summary>
/// Takes a connection's bytes after the handshake apart into messages (RTMP 1.0, section 5.3). Set Chunk Size and Abort are
/// obeyed here and not returned. Total: any bytes give messages or an <see cref="RtmpProtocolException"/>, after which the reader
/// can only be disposed of. Not thread-safe.
/// </summary>
internal sealed class ChunkReader(PacketPool pool, ChunkLimits? limits = null) : IDisposable
{
    public const int DefaultChunkSize = 128;

    private const int MaxChunkSize = 0xFFFFFF; // no message is longer

    private readonly ChunkLimits _limits = limits ?? ChunkLimits.Default;
    private readonly ChunkStream?[] _streams = new ChunkStream?[16]; // the ids that clients use; the others are in the dictionary
    private Dictionary<int, ChunkStream>? _moreStreams;
    private ChunkStream? _current; // whose chunk has started and is not complete
    private int _streamCount;
    private int _chunkBytesLeft;
    private int _assemblyBytes;

    /// <summary>Whether media messages may be longer than others: not before somebody publishes. Default true.</summary>
    public bool AcceptsLargeMessages { get; set; } = true;

    /// <summary>Bytes taken from the input so far: what acknowledgements count, without the handshake.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Payload bytes per chunk that the peer sends, as it said last.</summary>
    public int ChunkSize { get; private set; } = DefaultChunkSize;

    /// <summary>
    /// Reads up to the next whole message, which the caller then owns. False: all is read but at most 17 bytes of a header, and more
    /// input is needed.
    /// </summary>
    /// <param name="input">Is cut to what was not read: payload is taken as it comes, whatever the size of the chunk.</param>
    public bool TryRead(ref ReadOnlySequence<byte> input, out RtmpMessage message)
    {
        var reader = new SequenceReader<byte>(input);
        try
        {
            while (_current is not null || TryReadHeader(ref reader))
            {
                if (!TryReadPayload(ref reader, _current!))
                    break;
                var stream = _current!;
                _current = null;
                if (stream.Received == stream.Length && TryComplete(stream, out message))
                    return true;
            }

            message = default;
            return false;
        }
        finally
        {
            BytesRead += reader.Consumed;
            input = reader.UnreadSequence;
        }
    }

    /// <summary>Gives back the memory of all messages under assembly.</summary>
    public void Dispose()
    {
        foreach (var stream in _streams)
            stream?.Discard();
        foreach (var stream in _moreStreams?.Values ?? Enumerable.Empty<ChunkStream>())
            stream.Discard();
        _assemblyBytes = 0;
    }

    private bool TryReadHeader(ref SequenceReader<byte> reader)
    {
        var bytes = reader.UnreadSpan;
        if (bytes.Length >= ChunkHeader.MaxLength || reader.Remaining == bytes.Length)
            return TryReadHeader(ref reader, bytes);

        Span<byte> copy = stackalloc byte[ChunkHeader.MaxLength];
        copy = copy[..(int)Math.Min(ChunkHeader.MaxLength, reader.Remaining)];
        reader.TryCopyTo(copy);
        return TryReadHeader(ref reader, copy);
    }

    private bool TryReadHeader(ref SequenceReader<byte> reader, scoped ReadOnlySpan<byte> bytes)
    {
        if (!ChunkHeader.TryParse(bytes, out var header))
            return false;
        var length = header.Length;
        var stream = FindStream(header.Id);
        if (header.Format < 3)
        {
            stream = Apply(stream, header);
        }
        else
        {
            if (stream is null)
                throw new RtmpProtocolException($"Chunk stream {header.Id} starts with a type-3 chunk.");
            if (stream.IsExtended)
            {
                if (IsFieldRepeated(bytes[length..], stream.TimestampField) is not { } isRepeated)
                    return false;
                if (isRepeated)
                    length += 4;
            }
        }

        reader.Advance(length);
        if (!stream.IsAssembling)
            StartMessage(stream, isAbsolute: header.Format == 0);
        _current = stream;
        _chunkBytesLeft = Math.Min(ChunkSize, stream.Length - stream.Received);
        return true;
    }

    /// <summary>
    /// Some clients leave the extended timestamp out of type-3 chunks. The four bytes tell: those of the payload hardly ever equal the
    /// expected field. Null: the input ends before it is decided.
    /// </summary>
    private static bool? IsFieldRepeated(ReadOnlySpan<byte> bytes, uint field)
    {
        Span<byte> expected = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(expected, field);
        var count = Math.Min(4, bytes.Length);
        if (!bytes[..count].SequenceEqual(expected[..count]))
            return false;
        return count == 4 ? true : null;
    }

    private ChunkStream Apply(ChunkStream? stream, in ChunkHeader header)
    {
        // librtmp starts chunk streams with type 1: its time counts from zero, on message stream 0. Type 2 says no length.
        if (header.Format == 2 && stream is null)
            throw new RtmpProtocolException($"Chunk stream {header.Id} starts with a type-2 chunk.");
        var type = header.Format < 2 ? header.Type : stream!.Type;
        var length = header.Format < 2 ? header.MessageLength : stream!.Length;
        var streamId = header.Format == 0 ? header.StreamId : stream?.StreamId ?? 0;

        // A message that changes while it arrives overran buffers elsewhere (CVE-2016-10191). A header that repeats what was
        // said just continues the message.
        if (stream is { IsAssembling: true } && (stream.Type != type || stream.Length != length || stream.StreamId != streamId))
            throw new RtmpProtocolException($"A header changes the message under assembly on chunk stream {header.Id}.");

        stream ??= AddStream(header.Id);
        stream.Type = type;
        stream.Length = length;
        stream.StreamId = streamId;
        stream.TimestampField = header.TimestampField;
        stream.IsExtended = header.IsExtended;
        return stream;
    }

    /// <summary>
    /// The delta of a type-3 chunk that starts a message is the last timestamp field: the last delta, or after a type-0 chunk its
    /// timestamp (section 5.3.1.2.4). FFmpeg, librtmp, GStreamer and SRS read and write it like that; nginx-rtmp alone takes 0.
    /// </summary>
    private void StartMessage(ChunkStream stream, bool isAbsolute)
    {
        var isMedia = stream.Type is RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.Aggregate;
        var limit = isMedia && AcceptsLargeMessages ? _limits.MaxMediaMessageLength : _limits.MaxMessageLength;
        if (stream.Length > limit)
            throw new RtmpProtocolException($"A message of type {(int)stream.Type} with {stream.Length} bytes is longer than {limit}.");
        stream.Timestamp = isAbsolute ? stream.TimestampField : unchecked(stream.Timestamp + stream.TimestampField);
        stream.Start();
    }

    private bool TryReadPayload(ref SequenceReader<byte> reader, ChunkStream stream)
    {
        while (_chunkBytesLeft > 0)
        {
            var bytes = reader.UnreadSpan;
            if (bytes.IsEmpty)
                return false;
            var count = Math.Min(bytes.Length, _chunkBytesLeft);
            _assemblyBytes += count;
            if (_assemblyBytes > _limits.MaxAssemblyBytes)
                throw new RtmpProtocolException($"More than {_limits.MaxAssemblyBytes} bytes of incomplete messages.");
            stream.Append(bytes[..count], pool);
            _chunkBytesLeft -= count;
            reader.Advance(count);
        }

        return true;
    }

    private bool TryComplete(ChunkStream stream, out RtmpMessage message)
    {
        _assemblyBytes -= stream.Length;
        var buffer = stream.Complete(pool);
        message = new RtmpMessage(stream.Type, stream.Timestamp, stream.StreamId, stream.Id, buffer, stream.Length);
        if (stream.Type is not (RtmpMessageType.SetChunkSize or RtmpMessageType.Abort))
            return true;
        try
        {
            var value = ControlMessage.ReadUInt32(message.Payload);
            if (stream.Type == RtmpMessageType.Abort)
                Abort(value);
            else if (value is 0 or > int.MaxValue)
                throw new RtmpProtocolException($"A chunk size of {value} bytes is not allowed.");
            else
                ChunkSize = (int)Math.Min(value, MaxChunkSize);
        }
        finally
        {
            buffer.Release();
        }

        message = default;
        return false;
    }

    private void Abort(uint id)
    {
        if (id <= int.MaxValue && FindStream((int)id) is { } stream)
        {
            _assemblyBytes -= stream.Received;
            stream.Discard();
        }
    }

    private ChunkStream? FindStream(int id) =>
        id < _streams.Length ? _streams[id] : _moreStreams?.GetValueOrDefault(id);

    private ChunkStream AddStream(int id)
    {
        if (_streamCount == _limits.MaxChunkStreams)
            throw new RtmpProtocolException($"More than {_limits.MaxChunkStreams} chunk streams.");
        _streamCount++;
        var stream = new ChunkStream(id);
        if (id < _streams.Length)
            _streams[id] = stream;
        else
            (_moreStreams ??= [])[id] = stream;
        return stream;
    }
}
