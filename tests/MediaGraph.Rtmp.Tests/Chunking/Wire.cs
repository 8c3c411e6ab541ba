using System.Buffers;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Chunking;

/// <summary>A message as tests compare it: values, without pooled memory.</summary>
internal sealed record Message(RtmpMessageType Type, uint Timestamp, uint StreamId, int ChunkStreamId, string Payload)
{
    public static Message Of(RtmpMessage message) =>
        new(message.Type, message.Timestamp, message.StreamId, message.ChunkStreamId, Convert.ToHexString(message.Payload));
}

/// <summary>A chunk reader with a pool of its own, which must be empty at the end.</summary>
internal sealed class Wire : IDisposable
{
    private byte[] _rest = [];

    public Wire(ChunkLimits? limits = null) => Reader = new ChunkReader(Pool, limits);

    public PacketPool Pool { get; } = new();

    public ChunkReader Reader { get; }

    /// <summary>Reads the messages of a connection that brings these bytes.</summary>
    public static List<Message> Read(string hex)
    {
        using var wire = new Wire();
        return wire.Feed(hex);
    }

    public List<Message> Feed(string hex) => Feed(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    public List<Message> Feed(byte[] bytes) => Feed(new ReadOnlySequence<byte>(bytes));

    /// <summary>Reads all messages that the bytes complete; what the reader leaves is before the next bytes.</summary>
    public List<Message> Feed(ReadOnlySequence<byte> bytes)
    {
        var input = _rest.Length == 0 ? bytes : new ReadOnlySequence<byte>([.. _rest, .. bytes.ToArray()]);
        var messages = new List<Message>();
        while (Reader.TryRead(ref input, out var message))
        {
            messages.Add(Message.Of(message));
            message.Buffer.Release();
        }

        _rest = input.ToArray();
        Assert.That(_rest, Has.Length.LessThanOrEqualTo(17), "the reader leaves part of a header at most");
        return messages;
    }

    /// <summary>Two memory segments, so that the reader meets a boundary at each place.</summary>
    public static ReadOnlySequence<byte> Split(byte[] bytes, params int[] boundaries)
    {
        var first = new Segment(bytes.AsMemory(0, boundaries.Length > 0 ? boundaries[0] : bytes.Length), null);
        var last = first;
        for (var i = 0; i < boundaries.Length; i++)
            last = new Segment(bytes.AsMemory(boundaries[i]..(i + 1 < boundaries.Length ? boundaries[i + 1] : bytes.Length)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    public void Dispose()
    {
        Reader.Dispose();
        Assert.That(Pool.GetStatistics().OutstandingBuffers, Is.Zero, Pool.DescribeOutstanding());
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
