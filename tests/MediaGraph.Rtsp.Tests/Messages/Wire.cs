using System.Buffers;
using System.Text;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Tests.Messages;

/// <summary>Feeds a reader as a pipe does: what was not read comes again, with more, in segments of any size.</summary>
internal sealed class Wire(RtspReader reader)
{
    private readonly List<byte> _rest = [];

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>All that whole text gives, each item as a text.</summary>
    public static List<string> Read(string text, RtspLimits? limits = null, Action<RtspReader>? configure = null)
    {
        var reader = new RtspReader(limits ?? new RtspLimits());
        configure?.Invoke(reader);
        return new Wire(reader).Feed(Bytes(text));
    }

    /// <summary>The only message of a text.</summary>
    public static T One<T>(string text) where T : RtspMessage
    {
        var buffer = new ReadOnlySequence<byte>(Bytes(text));
        return new RtspReader(new RtspLimits()).TryRead(ref buffer, out var item) && item.Message is T message && buffer.IsEmpty
            ? message
            : throw new InvalidOperationException($"Not one message: {item.Error}");
    }

    /// <summary>What more bytes give, until the end of the connection.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="cuts">Where a segment ends.</param>
    public List<string> Feed(ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> cuts)
    {
        _rest.AddRange(bytes);
        var items = new List<string>();
        var buffer = Sequence([.. _rest], cuts);
        while (reader.TryRead(ref buffer, out var item))
        {
            items.Add(Describe(item));
            if (item.Error is { CanContinue: false })
                break;
        }

        var left = buffer.ToArray();
        _rest.Clear();
        _rest.AddRange(left);
        return items;
    }

    /// <summary>The same, however the bytes are split into reads and segments.</summary>
    public List<string> FeedInPieces(byte[] bytes, Random random)
    {
        var items = new List<string>();
        var largest = random.Next(3) switch { 0 => 3, 1 => 60, _ => bytes.Length + 1 };
        for (var position = 0; position < bytes.Length && !items.Exists(item => item.StartsWith("end", StringComparison.Ordinal));)
        {
            var count = Math.Min(bytes.Length - position, random.Next(1, largest + 1));
            var total = _rest.Count + count;
            var cuts = Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(total + 1)).Order().ToArray();
            items.AddRange(Feed(bytes.AsSpan(position, count), cuts));
            position += count;
        }

        return items;
    }

    private static string Describe(RtspItem item)
    {
        if (item.IsInterleaved)
            return $"${item.Channel} {Convert.ToHexString(item.Payload.ToArray())}";
        if (item.Error is { } error)
            return $"{(error.CanContinue ? "error" : "end")} {error.Status} {error.Message}, CSeq {error.CSeq}";
        return Encoding.Latin1.GetString(item.Message!.ToArray());
    }

    private static ReadOnlySequence<byte> Sequence(byte[] bytes, ReadOnlySpan<int> cuts)
    {
        var first = new Segment(bytes.AsMemory(0, cuts.IsEmpty ? bytes.Length : cuts[0]), null);
        var last = first;
        for (var i = 0; i < cuts.Length; i++)
            last = new Segment(bytes.AsMemory(cuts[i]..(i + 1 < cuts.Length ? cuts[i + 1] : bytes.Length)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null)
                return;
            before.Next = this;
            RunningIndex = before.RunningIndex + before.Memory.Length;
        }
    }
}
