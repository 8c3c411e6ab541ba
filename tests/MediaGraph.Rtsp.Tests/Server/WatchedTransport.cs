using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>A transport that shows whether its reader has looked at everything and waits for more.</summary>
internal sealed class WatchedTransport(ITransport transport) : ITransport
{
    private readonly WatchedReader _input = new(transport.Input);

    public bool IsWaiting => _input.IsWaiting;

    /// <summary>How often it was read from.</summary>
    public int Reads => _input.Reads;

    public PipeReader Input => _input;

    public EndPoint? RemoteEndPoint => transport.RemoteEndPoint;

    public int TrySend(ReadOnlySpan<byte> data) => transport.TrySend(data);

    public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        transport.SendAsync(data, cancellationToken);

    public void CompleteOutput() => transport.CompleteOutput();

    public void Abort(CloseReason reason) => transport.Abort(reason);

    public ValueTask DisposeAsync() => transport.DisposeAsync();

    private sealed class WatchedReader(PipeReader reader) : PipeReader
    {
        private Task<ReadResult>? _reading; // the latest
        private int _reads;

        public bool IsWaiting => Volatile.Read(ref _reading) is { IsCompleted: false };

        public int Reads => Volatile.Read(ref _reads);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _reads);
            var reading = reader.ReadAsync(cancellationToken).AsTask();
            Volatile.Write(ref _reading, reading);
            return new(reading);
        }

        public override bool TryRead(out ReadResult result)
        {
            Interlocked.Increment(ref _reads);
            return reader.TryRead(out result);
        }

        public override void AdvanceTo(SequencePosition consumed) => reader.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => reader.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => reader.CancelPendingRead();

        public override void Complete(Exception? exception = null) => reader.Complete(exception);
    }
}
