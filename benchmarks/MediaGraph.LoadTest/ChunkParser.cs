using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>
/// The least that takes a server's chunks apart: payload is handed on in pieces as it comes and never copied. It is not the
/// library's reader, so that the tool depends on nothing that it measures.
/// </summary>
internal abstract class ChunkParser
{
    private readonly Message?[] _messages = new Message?[64];
    private readonly Dictionary<int, Message> _others = []; // of chunk streams above 63
    private readonly byte[] _header = new byte[3 + 11 + 4];
    private Message? _current;
    private int _headerLength;
    private int _chunkLeft;
    private int _chunkSize = 128;

    /// <summary>Bytes taken so far.</summary>
    public long BytesParsed { get; private set; }

    public virtual void Parse(ReadOnlySpan<byte> bytes)
    {
        BytesParsed += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_current is null)
            {
                _header[_headerLength++] = bytes[0];
                bytes = bytes[1..];
                if (_headerLength == NeededHeader())
                    StartChunk();
                continue;
            }

            var count = Math.Min(_chunkLeft, bytes.Length);
            var offset = _current.Received;
            _current.Received += count;
            _chunkLeft -= count;
            Take(_current, offset, bytes[..count]);
            bytes = bytes[count..];
            if (_chunkLeft == 0)
                EndChunk();
        }
    }

    /// <summary>A piece of a message; the last one makes it complete.</summary>
    protected abstract void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes);

    private void Take(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type == 1)
        {
            foreach (var value in bytes)
                message.ChunkSize = (message.ChunkSize << 8) | value;
            if (message.IsComplete)
                _chunkSize = message.ChunkSize > 0 ? message.ChunkSize : throw new InvalidDataException("Chunks of no length.");
            return;
        }

        OnPayload(message, offset, bytes);
    }

    private int NeededHeader()
    {
        var format = _header[0] >> 6;
        var length = BasicLength + (format switch { 0 => 11, 1 => 7, 2 => 3, _ => 0 });
        if (_headerLength < length)
            return length;
        var isExtended = format < 3 ? HasLongTimestamp : Find()?.IsExtended ?? false;
        return isExtended ? length + 4 : length;
    }

    // The header of the chunk that starts, RTMP specification 1.0, 5.3.1: one to three bytes, then the message's.
    private int BasicLength => (_header[0] & 0x3F) switch { 0 => 2, 1 => 3, _ => 1 };

    private Span<byte> MessageHeader => _header.AsSpan(BasicLength);

    private bool HasLongTimestamp => MessageHeader is [0xFF, 0xFF, 0xFF, ..];

    private int ChunkStream => (_header[0] & 0x3F) switch
    {
        0 => _header[1] + 64,
        1 => _header[1] + (_header[2] << 8) + 64,
        var id => id,
    };

    private Message? Find() => ChunkStream < _messages.Length ? _messages[ChunkStream] : _others.GetValueOrDefault(ChunkStream);

    private Message Add() => ChunkStream < _messages.Length ? _messages[ChunkStream] = new Message() : _others[ChunkStream] = new Message();

    private void StartChunk()
    {
        var format = _header[0] >> 6;
        var message = Find() ?? (format == 0 ? Add() : throw new InvalidDataException($"Chunk stream {ChunkStream} has no first header."));
        if (format < 3)
            message.IsExtended = HasLongTimestamp;
        var header = MessageHeader;
        if (format < 2)
        {
            if (message.Received > 0)
                throw new InvalidDataException($"Chunk stream {ChunkStream}: a message starts in the middle of another.");
            message.Length = (header[3] << 16) | (header[4] << 8) | header[5];
            message.Type = header[6];
        }

        if (format == 0)
            message.StreamId = BinaryPrimitives.ReadUInt32LittleEndian(header[7..]);
        _headerLength = 0;
        _chunkLeft = Math.Min(_chunkSize, message.Length - message.Received);
        _current = message;
        if (_chunkLeft == 0)
            EndChunk();
    }

    private void EndChunk()
    {
        if (_current!.IsComplete)
        {
            _current.Received = 0;
            _current.ChunkSize = 0;
        }

        _current = null;
    }

    internal sealed class Message
    {
        public byte Type { get; set; }

        public uint StreamId { get; set; }

        public int Length { get; set; }

        public int Received { get; set; }

        public bool IsExtended { get; set; }

        public int ChunkSize { get; set; }

        public bool IsComplete => Received == Length;
    }
}
