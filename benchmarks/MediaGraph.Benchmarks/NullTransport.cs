using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Benchmarks;

/// <summary>Takes everything at once and keeps nothing.</summary>
internal sealed class NullTransport : ITransport
{
    public PipeReader Input { get; } = PipeReader.Create(Stream.Null);

    public EndPoint? RemoteEndPoint => null;

    public int TrySend(ReadOnlySpan<byte> data) => data.Length;

    public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void CompleteOutput()
    {
    }

    public void Abort(CloseReason reason)
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
