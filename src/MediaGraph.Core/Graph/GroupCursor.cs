using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>Reads a group from its start to where it ended when the cursor was opened. Not thread-safe.</summary>
internal sealed class GroupCursor(PacketGroup group, int end) : IDisposable
{
    private PacketGroup.Chunk _chunk = group.First;
    private int _next;
    private bool _disposed;

    public int Remaining => end - _next;

    public MediaPacket Current => _chunk.Packets[_next % PacketGroup.ChunkSize];

    public void MoveNext()
    {
        _next++;
        if (_next % PacketGroup.ChunkSize == 0 && _next < end)
            _chunk = _chunk.Next!;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        group.Release();
    }
}
