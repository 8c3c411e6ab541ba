using System.IO.Pipelines;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// RTSP through HTTP, as QuickTime began it: what we send goes out on the connection of a GET, what the client sends comes in, in Base64,
/// on that of a POST with the same cookie. The session belongs to the GET's connection, and dies with it. The POST's may end: the client
/// brings another when it has something to say, but never two at a time.
/// </summary>
internal sealed class HttpTunnel : ITransport
{
    private const int MaxDiscardedBytes = 64 << 10;

    private readonly ITransport _get;
    private readonly Pipe _incoming = new(new PipeOptions(useSynchronizationContext: false));
    private readonly Action<CloseReason> _onGetEnded;
    private readonly Lock _postLock = new(); // guards the fields below
    private Action<CloseReason>? _closePost;
    private bool _isClosed;
    private Task? _watching;

    /// <param name="get">The GET's connection, behind its request. The tunnel owns it.</param>
    /// <param name="onGetEnded">Asks for the session's end.</param>
    public HttpTunnel(ITransport get, Action<CloseReason> onGetEnded)
    {
        _get = get;
        _onGetEnded = onGetEnded;
    }

    public PipeReader Input => _incoming.Reader;

    public EndPoint? RemoteEndPoint => _get.RemoteEndPoint;

    public EndPoint? LocalEndPoint => _get.LocalEndPoint;

    /// <summary>Looks for the end of the GET's connection, from which nothing else is read. Idempotent; for the session's task.</summary>
    public void Watch() => _watching ??= Task.Run(WatchAsync);

    /// <summary>Makes a POST's connection the one that is read; false when there is one, or the session has ended.</summary>
    /// <param name="close">Ends the POST's connection.</param>
    public bool TryAttach(Action<CloseReason> close)
    {
        lock (_postLock)
        {
            if (_isClosed || _closePost is not null)
                return false;
            _closePost = close;
            return true;
        }
    }

    /// <summary>Decodes what comes in on the POST's connection, which was attached, until it or the session ends.</summary>
    /// <returns>False when it was no Base64.</returns>
    public async Task<bool> FeedAsync(PipeReader post, CancellationToken cancellationToken)
    {
        try
        {
            var decoder = new Base64Decoder();
            while (true)
            {
                var result = await post.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (result.IsCanceled)
                    return true;
                var isValid = decoder.TryDecode(result.Buffer, _incoming.Writer);
                post.AdvanceTo(result.Buffer.End);
                var flush = await _incoming.Writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                if (!isValid || flush.IsCompleted || result.IsCompleted)
                    return isValid;
            }
        }
        finally
        {
            lock (_postLock)
                _closePost = null;
        }
    }

    public int TrySend(ReadOnlySpan<byte> data) => _get.TrySend(data);

    public ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => _get.SendAsync(data, cancellationToken);

    public void CompleteOutput() => _get.CompleteOutput();

    public void Abort(CloseReason reason)
    {
        _get.Abort(reason);
        _incoming.Reader.CancelPendingRead();
    }

    public async ValueTask DisposeAsync()
    {
        Abort(CloseReason.Requested);
        Action<CloseReason>? closePost;
        lock (_postLock)
        {
            _isClosed = true;
            closePost = _closePost;
        }

        closePost?.Invoke(new CloseReason(CloseCode.PeerClosed, "the tunnel's session has ended"));
        if (_watching is not null)
            await _watching.ConfigureAwait(false);
        await _incoming.Reader.CompleteAsync().ConfigureAwait(false); // who writes is told with the next flush
        await _get.DisposeAsync().ConfigureAwait(false);
    }

    // Nothing comes on the GET's connection but its end.
    private async Task WatchAsync()
    {
        var reason = new CloseReason(CloseCode.PeerClosed, "the peer closed the connection");
        try
        {
            for (var discarded = 0L; discarded <= MaxDiscardedBytes;)
            {
                var result = await _get.Input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                discarded += result.Buffer.Length;
                _get.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            reason = new CloseReason(CloseCode.ConnectionLost, "the connection was lost");
        }

        _onGetEnded(reason);
    }
}
