using System.Net;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using Microsoft.Extensions.DependencyInjection;

namespace MediaGraph.Server;

/// <summary>What the server tells the user.</summary>
internal static class Texts
{
    public const string Help = """
        MediaGraph.Server: live media in from encoders, out to players.

        Usage: MediaGraph.Server [--KEY=VALUE ...]

          --MediaGraph:Rtmp:Listen=*:1935     listen on all addresses (default 127.0.0.1:1935)
          --MediaGraph:Rtmp:Enabled=false     no RTMP
          --MediaGraph:Rtmp:Tls:CertificateFile=FILE --MediaGraph:Rtmp:Tls:KeyFile=FILE
                                              RTMP over TLS too, on 127.0.0.1:1936
          --MediaGraph:Demo=false             no demo stream
          --MediaGraph:WaitForPublisher=30    how many seconds viewers wait for a publisher that left (default 10)
          --Logging:LogLevel:Default=Debug    more logs

        Each key can also be set in appsettings.json beside the program, or in the environment (MediaGraph__Rtmp__Listen).
        docs/configuration.md lists them all. Ctrl-C stops the server within 5 s; pressed again, at once.
        """;

    /// <summary>Where the server listens, and what to try next.</summary>
    public static void PrintAddresses(TextWriter output, IServiceProvider services)
    {
        var server = services.GetRequiredService<RtmpServer>();
        if (server.LocalEndPoint is not { } endPoint)
        {
            output.WriteLine("MediaGraph runs; no protocol is enabled.");
            return;
        }

        var url = $"rtmp://{ReachableFromHere(endPoint)}";
        output.WriteLine($"MediaGraph is ready: {url}");
        if (services.GetRequiredService<StreamHub>().Find("demo") is not null)
            output.WriteLine($"  Watch the demo:  ffplay {url}/demo   (or: mpv {url}/demo, vlc {url}/demo)");
        output.WriteLine($"  Publish:         ffmpeg -re -i FILE -c copy -f flv {url}/live/cam");
        output.WriteLine($"  Watch that:      ffplay {url}/live/cam");
        if (server.LocalTlsEndPoint is { } tlsEndPoint)
            output.WriteLine($"  Encrypted:       rtmps://{ReachableFromHere(tlsEndPoint)}");
        output.WriteLine("  Stop:            Ctrl-C");
    }

    private static IPEndPoint ReachableFromHere(IPEndPoint endPoint)
    {
        var isAny = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
        return isAny ? new IPEndPoint(IPAddress.Loopback, endPoint.Port) : endPoint; // an IPv6 listener takes IPv4 too
    }
}
