using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>A connection with a task of its own, which a <see cref="ConnectionSet{T}"/> starts, looks after and awaits.</summary>
public interface IConnection
{
    /// <summary>Unique in its set.</summary>
    long Id { get; }

    /// <summary>Ends when nothing of the connection runs any more. Never fails.</summary>
    Task Completion { get; }

    /// <summary>Starts the connection's task; called once.</summary>
    void Start();

    /// <summary>Asks for the end; the peer is told. Waits for nothing.</summary>
    void RequestClose(CloseReason reason);

    /// <summary>Cuts the connection. Waits for nothing.</summary>
    void Abort(CloseReason reason);

    /// <summary>Cuts the connection when one of its deadlines has passed. Called every second.</summary>
    void CheckDeadlines();
}
