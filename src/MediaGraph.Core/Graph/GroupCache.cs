using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>
/// A node's output since the last packet that starts a group, bounded in bytes and in time. All members except
/// <see cref="Recycle"/> are called under the node's lock.
/// </summary>
internal sealed class GroupCache(GroupCacheOptions options)
{
    private PacketGroup? _group;
    private PacketGroup? _spare; // the last group that everyone had left: steady state allocates nothing

    public GroupCacheOptions Options => options;

    /// <summary>Counts the groups, so that a reader can tell that another one began.</summary>
    public long Generation { get; private set; }

    public int Count => _group?.Count ?? 0;

    /// <summary>Appends and returns a group that the caller releases after it left the lock.</summary>
    public PacketGroup? Append(MediaPacket packet)
    {
        if (!options.IsEnabled)
            return null;
        PacketGroup? expired = null;
        if ((packet.Flags & PacketFlags.StartsGroup) != 0)
        {
            expired = Clear();
            if (packet.Length > options.MaxBytes)
                return expired;
            _group = Interlocked.Exchange(ref _spare, null) ?? new PacketGroup(this);
            _group.Restart(packet.DecodeTimestamp);
        }

        if (_group is null)
            return expired;
        if (_group.Bytes + packet.Length > options.MaxBytes || _group.Count >= options.MaxPackets || packet.DecodeTimestamp - _group.Start > options.MaxDuration)
            return Clear(); // not the group that this packet started: that one fits
        _group.Append(packet);
        return expired;
    }

    public PacketGroup? Clear()
    {
        var group = _group;
        _group = null;
        Generation++;
        return group;
    }

    public GroupCursor? OpenCursor() => _group?.OpenCursor();

    /// <summary>Called by whoever released a group last, under no lock.</summary>
    public void Recycle(PacketGroup group) => Interlocked.CompareExchange(ref _spare, group, null);
}
