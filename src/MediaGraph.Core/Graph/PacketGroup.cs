using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>
/// The packets of one group, in order. Only its node appends, under the node's lock; readers hold a reference on the group and
/// see the part that existed when they joined. Reference-counted: the last to leave releases the packets.
/// </summary>
internal sealed class PacketGroup
{
    public const int ChunkSize = 64;

    private readonly Chunk _first = new();
    private readonly GroupCache _cache;
    private Chunk _last;
    private int _references;

    public PacketGroup(GroupCache cache)
    {
        _cache = cache;
        _last = _first;
    }

    public Chunk First => _first;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public TimeSpan Start { get; private set; }

    public void Restart(TimeSpan start)
    {
        Start = start;
        Volatile.Write(ref _references, 1);
    }

    public void Append(MediaPacket packet)
    {
        packet.Retain();
        var slot = Count % ChunkSize;
        if (slot == 0 && Count > 0)
            _last = _last.Next ??= new Chunk();
        _last.Packets[slot] = packet;
        Count++;
        Bytes += packet.Length;
    }

    /// <summary>A reader of what is in the group now. Called under the node's lock.</summary>
    public GroupCursor OpenCursor()
    {
        Interlocked.Increment(ref _references);
        return new GroupCursor(this, Count);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        var left = Count;
        for (var chunk = _first; left > 0; chunk = chunk.Next!)
        {
            for (var i = 0; i < ChunkSize && left > 0; i++, left--)
            {
                chunk.Packets[i].Release();
                chunk.Packets[i] = null!;
            }
        }

        Count = 0;
        Bytes = 0;
        _last = _first;
        _cache.Recycle(this);
    }

    /// <summary>Fixed-size piece, so that appending under the node's lock never copies what is there.</summary>
    internal sealed class Chunk
    {
        public readonly MediaPacket[] Packets = new MediaPacket[ChunkSize];

        public Chunk? Next { get; set; }
    }
}
