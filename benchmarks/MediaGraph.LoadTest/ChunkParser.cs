using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>
/// The least that takes a server's chunks apart: payload is handed on in pieces as it comes and never copied. It is not the
/// library's reader, so that the tool depends on nothing that it measures.
/// </summary>
internal abstract class ChunkParser
{
    private readonly Message?[] _messages = new Message?[64];
    private readonly byte[] _header = new byte[18];
    private Message? _current;
    private int _headerLength;
    private int _chunkLeft;
    private int _chunkSize = 128;

    /// <summary>Bytes taken so far.</summary>
    public long BytesParsed { get; private set; }

    public void Parse(ReadOnlySpan<byte> bytes)
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
                _chunkSize = message.ChunkSize & 0x7FFFFFFF;
            return;
        }

        OnPayload(message, offset, bytes);
    }

    private int NeededHeader()
    {
        var id = _header[0] & 0x3F;
        if (id < 2)
            throw new InvalidDataException("A chunk stream id above 63: no server is known that uses one.");
        var format = _header[0] >> 6;
        var length = 1 + (format switch { 0 => 11, 1 => 7, 2 => 3, _ => 0 });
        if (_headerLength < length)
            return length;
        var isExtended = format < 3 ? _header is [_, 0xFF, 0xFF, 0xFF, ..] : _messages[id]?.IsExtended ?? false;
        return isExtended ? length + 4 : length;
    }

    private void StartChunk()
    {
        var format = _header[0] >> 6;
        var id = _header[0] & 0x3F;
        var message = _messages[id] ??= new Message();
        if (format < 3)
            message.IsExtended = _header is [_, 0xFF, 0xFF, 0xFF, ..];
        if (format < 2)
        {
            message.Length = (_header[4] << 16) | (_header[5] << 8) | _header[6];
            message.Type = _header[7];
        }

        if (format == 0)
            message.StreamId = BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(8));
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
