using System.Net;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Server;

/// <summary>HTTP tunnels: see <see cref="HttpTunnel"/>.</summary>
internal sealed partial class RtspConnection
{
    private const string TunnelType = "application/x-rtsp-tunnelled";
    private const int MaxCookieLength = 128;

    private string _cookie = "";

    // Returns why the connection must end, or null. Both connections are in their handshake until a request has come through.
    private CloseReason? OpenTunnel(RtspRequest request)
    {
        var cookie = request.Headers[RtspHeaderNames.SessionCookie];
        var isTunnel = _parts.Options.EnableHttpTunnel && !_isEstablished && _transport is not HttpTunnel
            && cookie is { Length: > 0 and <= MaxCookieLength } && RtspText.IsWord(cookie);
        if (!isTunnel || AddressOf(RemoteEndPoint) is not { } address)
            return RefuseTunnel(RtspStatus.BadRequest, "HTTP that opens no tunnel");
        switch (request.Method)
        {
            case RtspMethods.HttpGet:
                var tunnel = new HttpTunnel(_transport, RequestClose);
                _transport = tunnel; // from now on it is the tunnel's
                if (!_parts.Tunnels.TryAdd(address, _protocol, cookie!, tunnel))
                    return RefuseTunnel(RtspStatus.BadRequest, "a tunnel with the cookie of another");
                _cookie = cookie!;
                _writer.Send(new RtspResponse(RtspStatus.Ok)
                {
                    Version = "HTTP/1.0",
                    Headers = new()
                    {
                        { RtspHeaderNames.Server, ServerName },
                        { RtspHeaderNames.Connection, "close" },
                        { RtspHeaderNames.CacheControl, "no-store" },
                        { RtspHeaderNames.ContentType, TunnelType },
                    },
                }.ToArray());
                return null;
            case RtspMethods.HttpPost
                when _parts.Tunnels.Find(address, _protocol, cookie!) is { } waiting && waiting.TryAttach(RequestClose):
                _fed = waiting;
                Establish();
                return null;
            default:
                return RefuseTunnel(RtspStatus.NotFound, "a tunnel's second connection without a first");
        }
    }

    private CloseReason RefuseTunnel(int status, string text)
    {
        _writer.Send(new RtspResponse(status)
        {
            Version = "HTTP/1.0",
            Headers = new() { { RtspHeaderNames.Server, ServerName }, { RtspHeaderNames.Connection, "close" } },
        }.ToArray());
        return new CloseReason(CloseCode.ProtocolError, text);
    }

    private async Task<CloseReason> FeedTunnelAsync() =>
        await _fed!.FeedAsync(_transport.Input, _closing.Token).ConfigureAwait(false)
            ? Reason ?? new CloseReason(CloseCode.PeerClosed, "the peer closed the connection")
            : new CloseReason(CloseCode.ProtocolError, "no Base64 in a tunnel");

    private void ForgetTunnel()
    {
        if (_transport is HttpTunnel tunnel && AddressOf(RemoteEndPoint) is { } address)
            _parts.Tunnels.Remove(address, _protocol, _cookie, tunnel);
    }

    private static IPAddress? AddressOf(EndPoint? endPoint) => (endPoint as IPEndPoint)?.Address;
}
