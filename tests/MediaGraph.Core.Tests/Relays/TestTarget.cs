using System.Threading.Channels;
using MediaGraph.Graph;
using MediaGraph.Relays;

namespace MediaGraph.Tests.Relays;

/// <summary>A destination whose sessions a test leads by hand; what it is at every moment can be asked.</summary>
internal sealed class TestTarget(string name) : IRelayTarget
{
    private readonly Channel<TestPush> _pushes = Channel.CreateUnbounded<TestPush>();
    private int _open;
    private int _sessions;

    public string Name => $"push:{name}";

    /// <summary>Sessions so far.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    /// <summary>Sessions that run.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Whether two ever ran at once.</summary>
    public bool HadTwo { get; private set; }

    /// <summary>Whether a session goes on when it is cancelled, until the test ends it.</summary>
    public bool IgnoresCancellation { get; init; }

    /// <summary>What a session does instead of asking the test.</summary>
    public Func<CloseReason>? Instead { get; init; }

    /// <summary>The same, with all that a session has.</summary>
    public Func<RelaySession, CancellationToken, Task<CloseReason>>? Run { get; init; }

    /// <summary>The next session that begins.</summary>
    public async Task<TestPush> NextAsync() => await _pushes.Reader.ReadAsync().AsTask().WaitAsync(Testing.Eventually.DefaultLimit);

    public async Task<CloseReason> RunAsync(RelaySession session, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _sessions);
        HadTwo |= Interlocked.Increment(ref _open) > 1;
        try
        {
            if (Instead is not null)
                return Instead();
            if (Run is not null)
                return await Run(session, cancellationToken);
            var push = new TestPush(session, cancellationToken);
            _pushes.Writer.TryWrite(push);
            return await push.Ended.Task.WaitAsync(IgnoresCancellation ? CancellationToken.None : cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
