using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Tests.Scheduling;

/// <summary>Takes as many bytes as it was allowed to; a send that waits is a task that the scheduler sees waiting.</summary>
internal sealed class ScriptedTransport(ControlledScheduler scheduler, long allowance = long.MaxValue) : ITransport
{
    private readonly List<byte> _sent = [];
    private long _allowance = allowance;
    private CloseReason? _aborted;

    public IReadOnlyList<byte> Sent => _sent;

    public CloseReason? Aborted => _aborted;

    public PipeReader Input => throw new NotSupportedException();

    public EndPoint? RemoteEndPoint => null;

    public void Allow(long bytes) => _allowance += bytes;

    public int TrySend(ReadOnlySpan<byte> data)
    {
        if (_aborted is not null)
            return 0;
        var taken = (int)Math.Min(_allowance, data.Length);
        _sent.AddRange(data[..taken]);
        _allowance -= taken;
        return taken;
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (true)
        {
            scheduler.WaitUntil(() => _allowance > 0 || _aborted is not null, "the peer to read");
            if (_aborted is not null)
                return ValueTask.FromException(new IOException(_aborted.Text));
            data = data[TrySend(data.Span)..];
            if (data.IsEmpty)
                return ValueTask.CompletedTask;
        }
    }

    public void CompleteOutput()
    {
    }

    public void Abort(CloseReason reason) => _aborted ??= reason;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
