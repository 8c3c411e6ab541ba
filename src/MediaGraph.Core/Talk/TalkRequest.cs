using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Security;

namespace MediaGraph.Talk;

/// <summary>Who wants to talk to which stream's device.</summary>
/// <param name="Stream">The stream's name.</param>
public sealed record TalkRequest(string Stream)
{
    /// <summary>Who talks.</summary>
    public Peer Peer { get; init; } = Peer.Code;

    /// <summary>
    /// The codecs that the talker can send. The one that the speaker likes best is <see cref="TalkSession.Codec"/>. Empty: whatever
    /// the speaker likes best.
    /// </summary>
    public IReadOnlyList<Codec> Codecs { get; init; } = [];

    /// <summary>
    /// Whether to fail with <see cref="Streams.StreamError.Busy"/> when another talks at this moment. Default false: the session waits,
    /// and <see cref="TalkSession.Write(Packets.MediaPacket)"/> tells.
    /// </summary>
    public bool RefuseWhenBusy { get; init; }

    /// <summary>
    /// Called when the session's state changes, under no lock, with the reason for which its last talk or the session ended. Must not
    /// wait, and may be called on any thread.
    /// </summary>
    public Action<TalkState, CloseReason?>? OnStateChanged { get; init; }
}
