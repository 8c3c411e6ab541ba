using System.Collections;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>
/// Packets that a subscription has taken, in order. Disposing the batch releases them; who keeps one beyond that retains it.
/// </summary>
public sealed class PacketBatch : IReadOnlyList<MediaPacket>, IDisposable
{
    private readonly List<MediaPacket> _packets = [];
    private readonly List<Track> _tracks = [];
    private bool _disposed;

    internal PacketBatch()
    {
    }

    /// <inheritdoc/>
    public int Count => _packets.Count;

    /// <inheritdoc/>
    public MediaPacket this[int index] => _packets[index];

    /// <summary>The packets' tracks, in the same order.</summary>
    public IReadOnlyList<Track> Tracks => _tracks;

    /// <inheritdoc/>
    public IEnumerator<MediaPacket> GetEnumerator() => _packets.GetEnumerator();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var packet in _packets)
            packet.Release();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(MediaPacket packet, Track track)
    {
        _packets.Add(packet);
        _tracks.Add(track);
    }
}
