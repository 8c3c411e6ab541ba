using System.Collections.Immutable;
using System.Threading.Channels;
using MediaGraph.Graph;
using MediaGraph.Sources;

namespace MediaGraph.Testing;

/// <summary><c>led:</c>, a source whose sessions a test leads by hand.</summary>
public sealed class LedSource : ISourceProtocol, ISource
{
    private readonly Channel<(SourceSession Session, TaskCompletionSource Ended)> _sessions =
        Channel.CreateUnbounded<(SourceSession, TaskCompletionSource)>();

    private int _open;

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["led"];

    /// <inheritdoc/>
    public string Name => "led:source";

    /// <summary>Sessions that run.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <inheritdoc/>
    public ISource CreateSource(string url) => this;

    /// <summary>The next session that begins, and what ends it.</summary>
    public async Task<(SourceSession Session, TaskCompletionSource Ended)> NextAsync() =>
        await _sessions.Reader.ReadAsync().AsTask().WaitAsync(Eventually.DefaultLimit, TimeProvider.System);

    /// <summary>The next session fails.</summary>
    public async Task FailNextAsync(string why) =>
        (await NextAsync()).Ended.TrySetException(new SourceException(new CloseReason(CloseCode.ConnectionLost, why)));

    /// <inheritdoc/>
    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _open);
        try
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _sessions.Writer.TryWrite((session, ended));
            await ended.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
