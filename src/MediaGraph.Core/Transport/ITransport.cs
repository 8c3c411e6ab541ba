using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;

namespace MediaGraph.Transport;

/// <summary>
/// A connected byte stream. Its owner alone reads <see cref="Input"/>, aborts and disposes it; sending is for one
/// <see cref="Delivery.ConnectionWriter"/>.
/// </summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>What the peer sends. Ends when the peer closes its side; throws when the connection breaks.</summary>
    PipeReader Input { get; }

    /// <summary>The peer's address; null where there is none.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>Our own address, on which the connection came in; null where there is none.</summary>
    EndPoint? LocalEndPoint => null;

    /// <summary>
    /// Makes the connection ready for its first byte: the TLS handshake where there is one, otherwise nothing. Its owner awaits
    /// it before it reads or sends, within a deadline of its own; later calls do nothing.
    /// </summary>
    /// <exception cref="TlsHandshakeException">The handshake failed; the message says why.</exception>
    /// <exception cref="IOException">The connection is broken or was aborted.</exception>
    ValueTask OpenAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>
    /// Sends what is taken at once and never waits. Returns the bytes taken; 0 when none are taken now or the connection is
    /// broken (then <see cref="SendAsync"/> says how); -1 when this kind of transport cannot: use <see cref="SendAsync"/>.
    /// Must not be called while a <see cref="SendAsync"/> is pending.
    /// </summary>
    int TrySend(ReadOnlySpan<byte> data);

    /// <summary>Sends all of it. One call at a time; a failed or cancelled one leaves a torn stream: abort.</summary>
    /// <exception cref="IOException">The connection is broken or was aborted.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Tells the peer that nothing more comes; receiving goes on. Failure is ignored.</summary>
    void CompleteOutput();

    /// <summary>Ends the connection at once: pending and later reads and sends fail. Idempotent, callable from anywhere.</summary>
    void Abort(CloseReason reason);
}
