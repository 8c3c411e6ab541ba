using System.Net;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Tests.Kit;

/// <summary>A connection that ends when it is asked to, and fails to look at its deadlines where a test wants it to.</summary>
internal sealed class TestConnection(long id) : IConnection
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CloseReason? _reason;
    private int _looks;

    public long Id => id;

    public EndPoint? RemoteEndPoint => null;

    public CloseReason? Reason => Volatile.Read(ref _reason);

    public Task Completion => _completion.Task;

    /// <summary>What <see cref="CheckDeadlines"/> throws; null for nothing.</summary>
    public Exception? Fault { get; init; }

    /// <summary>How often the deadlines were looked at.</summary>
    public int Looks => Volatile.Read(ref _looks);

    /// <summary>Where the peer leads; null for nowhere.</summary>
    public string? RedirectTo { get; set; }

    public void Start()
    {
    }

    public void RequestClose(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _completion.TrySetResult();
    }

    public void Abort(CloseReason reason) => RequestClose(reason);

    /// <summary>The peer ends it, and leads elsewhere.</summary>
    public void Redirect(string target)
    {
        RedirectTo = target;
        RequestClose(new CloseReason(CloseCode.PeerClosed, "elsewhere"));
    }

    public void CheckDeadlines()
    {
        Interlocked.Increment(ref _looks);
        if (Fault is not null)
            throw Fault;
    }
}
