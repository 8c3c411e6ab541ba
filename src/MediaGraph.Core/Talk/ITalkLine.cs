using MediaGraph.Packets;

namespace MediaGraph.Talk;

/// <summary>A device that listens. Disposing tells it of the end, within <see cref="TalkOptions.CloseLimit"/>.</summary>
public interface ITalkLine : IAsyncDisposable
{
    /// <summary>
    /// Sends one packet, one call after the other. While it waits, later packets wait too, and the oldest are lost. To throw means that
    /// the line is broken, which ends the talk: a line that finds this out by itself says so at its next packet.
    /// </summary>
    /// <param name="packet">Borrowed until the call has ended.</param>
    /// <param name="cancellationToken">Cancelled when the talk is over, and when the call takes longer than 5 s.</param>
    ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken);
}
