using System.Buffers.Text;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Security;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// RTSP through HTTP as QuickTime does it: what the server says is the endless answer to a GET, what the client says the endless body of a
/// POST, in Base64; a cookie tells the server that the two connections are one. The client says little, so that each piece is encoded
/// by itself.
/// <para>
/// Where HTTP itself asks who we are, the GET's connection is spent: <see cref="IsChallenged"/> says that another tunnel with the same
/// <paramref name="authentication"/> has the answer, for its POST too.
/// </para>
/// </summary>
/// <param name="get">The one that is received from.</param>
/// <param name="post">The one that is sent to.</param>
/// <param name="url">What is asked for.</param>
/// <param name="options">Of the client.</param>
/// <param name="authentication">What was asked for the tunnels before this one; not that of the session inside.</param>
internal sealed class HttpTunnel(
    ITransport get, ITransport post, RtspUrl url, RtspClientOptions options, RtspClientAuthentication authentication) : ITransport
{
    private const string MediaType = "application/x-rtsp-tunnelled";

    private readonly string _cookie = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(11));

    /// <summary>Whether the server asked who we are, so that another tunnel is worth an attempt.</summary>
    public bool IsChallenged { get; private set; }

    /// <inheritdoc/>
    public PipeReader Input => get.Input;

    /// <inheritdoc/>
    public EndPoint? RemoteEndPoint => get.RemoteEndPoint;

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        await get.OpenAsync(cancellationToken).ConfigureAwait(false);
        await post.OpenAsync(cancellationToken).ConfigureAwait(false);
        var asking = NewRequest(RtspMethods.HttpGet);
        asking.Headers.Add(RtspHeaderNames.Accept, MediaType);
        await get.SendAsync(asking.ToArray(), cancellationToken).ConfigureAwait(false);
        await ReadAnswerAsync(cancellationToken).ConfigureAwait(false);
        var telling = NewRequest(RtspMethods.HttpPost);
        telling.Headers.Add(RtspHeaderNames.ContentType, MediaType);
        telling.Headers.Add(RtspHeaderNames.ContentLength, "32767"); // means nothing, but has to be there
        telling.Headers.Add("Expires", "Sun, 9 Jan 1972 00:00:00 GMT");
        await post.SendAsync(telling.ToArray(), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public int TrySend(ReadOnlySpan<byte> data) => -1;

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var text = new byte[Base64.GetMaxEncodedToUtf8Length(data.Length)];
        Base64.EncodeToUtf8(data.Span, text, out _, out var length);
        await post.SendAsync(text.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void CompleteOutput() => post.CompleteOutput();

    /// <inheritdoc/>
    public void Abort(CloseReason reason)
    {
        get.Abort(reason);
        post.Abort(reason);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await get.DisposeAsync().ConfigureAwait(false);
        await post.DisposeAsync().ConfigureAwait(false);
    }

    private RtspRequest NewRequest(string method)
    {
        var path = url.Query.Length == 0 ? $"/{url.Path}" : $"/{url.Path}?{url.Query}";
        var request = new RtspRequest(method, path) { Version = "HTTP/1.0" };
        request.Headers.Add("Host", url.Host.Contains(':', StringComparison.Ordinal) ? $"[{url.Host}]" : url.Host);
        request.Headers.Add(RtspHeaderNames.UserAgent, options.UserAgent);
        request.Headers.Add(RtspHeaderNames.SessionCookie, _cookie);
        request.Headers.Add("Pragma", "no-cache");
        request.Headers.Add(RtspHeaderNames.CacheControl, "no-cache");
        if (authentication.Authorize(method, path) is { } authorization)
            request.Headers.Add(RtspHeaderNames.Authorization, authorization);
        return request;
    }

    private async Task ReadAnswerAsync(CancellationToken cancellationToken)
    {
        var reader = new RtspReader(options.Limits);
        while (true)
        {
            var result = await get.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = result.Buffer;
            var isRead = reader.TryRead(ref buffer, out var item);
            get.Input.AdvanceTo(buffer.Start, isRead ? buffer.Start : buffer.End);
            if (isRead)
            {
                if (item.Message is not RtspResponse { IsHttp: true } response)
                    throw new RtspClientException(new CloseReason(CloseCode.ProtocolError, "the server does not speak HTTP"));
                var why = "the server refused the tunnel";
                if (response.Status == RtspStatus.Unauthorized)
                    IsChallenged = authentication.TryAccept(response, out why);
                if (response.Status != RtspStatus.Ok)
                    throw new RtspClientException(new CloseReason(CloseCode.Refused, why), response.Status);
                authentication.Accepted();
                return;
            }

            if (result.IsCanceled)
                throw new OperationCanceledException(cancellationToken);
            if (result.IsCompleted)
                throw new EndOfStreamException();
        }
    }
}
