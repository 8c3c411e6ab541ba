using System.Collections.Immutable;
using System.Net.Sockets;
using MediaGraph.Containers.MpegTs;
using MediaGraph.Graph;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;

namespace CustomProtocol;

/// <summary>
/// <c>ts+tcp://HOST:PORT</c>: an MPEG transport stream as a plain TCP server sends it, for instance
/// <c>ffmpeg -re -i FILE -c copy -f mpegts "tcp://0.0.0.0:9000?listen=1"</c>. The hub asks it for sources, and looks after them: when they run,
/// when they are tried again, when they are too slow or silent.
/// </summary>
internal sealed class TsOverTcpProtocol : ISourceProtocol
{
    public ImmutableArray<string> Schemes => ["ts+tcp"];

    // Only reads the address. What is wrong with it is told in words when the stream is set.
    public ISource CreateSource(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address is { Port: > 0, AbsolutePath: "/", Query: "", Fragment: "" }
            ? new TsOverTcpSource(address.DnsSafeHost, address.Port)
            : throw new FormatException("It must be ts+tcp://HOST:PORT.");
}

/// <summary>One address. It keeps nothing between two sessions.</summary>
internal sealed class TsOverTcpSource(string host, int port) : ISource
{
    private static readonly TimeSpan DialLimit = TimeSpan.FromSeconds(5);

    public string Name => $"ts+tcp://{host}:{port}";

    // One session: connect, publish, feed until the end. Whatever happens, the using statements leave nothing behind.
    public async Task RunAsync(SourceSession session, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await ConnectAsync(client, cancellationToken);
        await using var feed = session.Publish(new PublishRequest(session.StreamName)
        {
            Peer = new Peer("ts+tcp") { RemoteEndPoint = client.Client.RemoteEndPoint },
        });
        var writer = new MpegTsFeedWriter(feed); // adds the tracks that it finds
        var buffer = new byte[64 << 10];
        try
        {
            int length;
            while ((length = await client.GetStream().ReadAsync(buffer, cancellationToken)) > 0 && writer.Write(buffer.AsSpan(0, length)))
            {
                // Until the server closes the connection, or the hub wants no more.
            }
        }
        catch (IOException e)
        {
            throw new SourceException(new CloseReason(CloseCode.ConnectionLost, "the server broke the connection"), e);
        }
    }

    // The text of a SourceException is told to viewers; that of other exceptions is not.
    private async Task ConnectAsync(TcpClient client, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(DialLimit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await client.ConnectAsync(host, port, either.Token);
        }
        catch (SocketException e)
        {
            throw new SourceException(new CloseReason(CloseCode.ConnectionLost, "the server cannot be reached"), e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(new CloseReason(CloseCode.Deadline, "the server did not answer in time"), e);
        }
    }
}
