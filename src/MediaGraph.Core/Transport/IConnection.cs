using System.Net;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>A connection with a task of its own, which a <see cref="ConnectionSet{T}"/> starts, looks after and awaits.</summary>
public interface IConnection
{
    /// <summary>Unique in its set.</summary>
    long Id { get; }

    /// <summary>The peer's address; null where the transport knows none.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>Why it ended, or is about to; null before.</summary>
    CloseReason? Reason { get; }

    /// <summary>Ends when nothing of the connection runs any more. Never fails.</summary>
    Task Completion { get; }

    /// <summary>Starts the connection's task; called once.</summary>
    void Start();

    /// <summary>Asks for the end; the peer is told. Waits for nothing.</summary>
    void RequestClose(CloseReason reason);

    /// <summary>Cuts the connection. Waits for nothing.</summary>
    void Abort(CloseReason reason);

    /// <summary>
    /// Cuts the connection when one of its deadlines has passed. Called every second. What it throws is a fault, and cuts the connection.
    /// </summary>
    void CheckDeadlines();
}
