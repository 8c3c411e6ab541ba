using System.Buffers.Binary;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Tests.Chunking;

/// <summary>
/// A sender that writes each message with the shortest header that RTMP 1.0 allows, in chunks that it interleaves as a random
/// number says: what real clients do, and more.
/// </summary>
/// <param name="repeatsExtended">Whether type-3 chunks repeat the extended timestamp, as the specification says.</param>
internal sealed class CompressingEncoder(Random random, bool repeatsExtended = true)
{
    private const uint Extended = 0xFFFFFF;

    private readonly Dictionary<int, Last> _last = [];
    private readonly List<byte> _output = [];

    public int ChunkSize { get; set; } = 128;

    /// <summary>Writes messages, of which those of one chunk stream stay in order.</summary>
    /// <returns>The messages in the order in which they are complete.</returns>
    public List<Message> Write(IEnumerable<Message> messages, bool interleaves)
    {
        var queues = messages.GroupBy(m => m.ChunkStreamId).Select(g => new Queue<Message>(g)).ToList();
        var open = new Dictionary<int, (Message Message, byte[] Payload, int Sent)>();
        var complete = new List<Message>();
        while (queues.Count > 0)
        {
            var queue = interleaves || open.Count == 0
                ? queues[random.Next(queues.Count)]
                : queues.Single(q => q.Peek().ChunkStreamId == open.Keys.Single());
            var message = queue.Peek();
            var id = message.ChunkStreamId;
            if (!open.TryGetValue(id, out var state))
            {
                state = (message, Convert.FromHexString(message.Payload), 0);
                WriteFirstHeader(message, state.Payload.Length);
            }
            else
            {
                WriteType3(id);
            }

            var count = Math.Min(ChunkSize, state.Payload.Length - state.Sent);
            _output.AddRange(state.Payload.AsSpan(state.Sent, count));
            state.Sent += count;
            open[id] = state;
            if (state.Sent < state.Payload.Length)
                continue;
            open.Remove(id);
            complete.Add(message);
            queue.Dequeue();
            if (queue.Count == 0)
                queues.Remove(queue);
        }

        return complete;
    }

    public void SetChunkSize(int size)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, size);
        Write([new Message(RtmpMessageType.SetChunkSize, 0, 0, 2, Convert.ToHexString(payload))], interleaves: false);
        ChunkSize = size;
    }

    public byte[] TakeOutput()
    {
        var bytes = _output.ToArray();
        _output.Clear();
        return bytes;
    }

    private void WriteFirstHeader(Message message, int length)
    {
        // Deltas are what a receiver adds modulo 2^32: a time that goes back is a large one.
        var last = _last.GetValueOrDefault(message.ChunkStreamId);
        var delta = unchecked(message.Timestamp - (last?.Timestamp ?? 0));
        var least = last is null || last.StreamId != message.StreamId ? (last is null && message.StreamId == 0 ? 1 : 0)
            : last.Length != length || last.Type != message.Type ? 1
            : last.Field != delta ? 2
            : 3;
        var format = random.Next(4) == 0 ? random.Next(least + 1) : least;
        var field = format == 0 ? message.Timestamp : delta;
        _last[message.ChunkStreamId] = new Last(message.Timestamp, field, length, message.Type, message.StreamId);
        if (format == 3)
        {
            WriteType3(message.ChunkStreamId);
            return;
        }

        WriteBasicHeader(format, message.ChunkStreamId);
        WriteUInt24(Math.Min(field, Extended));
        if (format < 2)
        {
            WriteUInt24((uint)length);
            _output.Add((byte)message.Type);
        }

        if (format == 0)
        {
            Span<byte> id = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(id, message.StreamId);
            _output.AddRange(id);
        }

        if (field >= Extended)
            WriteUInt32(field);
    }

    private void WriteType3(int id)
    {
        WriteBasicHeader(3, id);
        if (_last[id].Field >= Extended && repeatsExtended)
            WriteUInt32(_last[id].Field);
    }

    private void WriteBasicHeader(int format, int id)
    {
        // Ids that fit into two bytes may come in three.
        if (id < 64)
        {
            _output.Add((byte)((format << 6) | id));
        }
        else if (id < 320 && random.Next(4) > 0)
        {
            _output.AddRange([(byte)(format << 6), (byte)(id - 64)]);
        }
        else
        {
            _output.AddRange([(byte)((format << 6) | 1), (byte)(id - 64), (byte)((id - 64) >> 8)]);
        }
    }

    private void WriteUInt24(uint value) => _output.AddRange([(byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private void WriteUInt32(uint value)
    {
        _output.Add((byte)(value >> 24));
        WriteUInt24(value);
    }

    private sealed record Last(uint Timestamp, uint Field, int Length, RtmpMessageType Type, uint StreamId);
}
