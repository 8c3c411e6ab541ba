using System.Net;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using Microsoft.Extensions.DependencyInjection;

namespace MediaGraph.Server;

/// <summary>What the server tells the user.</summary>
internal static class Texts
{
    private const int MaxListed = 5;

    public const string Help = """
        MediaGraph.Server: live media in from encoders, out to players.

        Usage: MediaGraph.Server [--KEY=VALUE ...]

          --MediaGraph:Rtmp:Listen=*:1935     listen on all addresses (default 127.0.0.1:1935)
          --MediaGraph:Rtsp:Listen=*:8554     the same for RTSP (default 127.0.0.1:8554)
          --MediaGraph:Rtsp:UdpPorts=50000-50099
                                              the UDP ports that RTSP uses (default: any)
          --MediaGraph:Rtmp:Enabled=false     no RTMP (or Rtsp: no RTSP)
          --MediaGraph:Rtmp:Tls:CertificateFile=FILE --MediaGraph:Rtmp:Tls:KeyFile=FILE
                                              RTMP over TLS too, on 127.0.0.1:1936 (or Rtsp, on 127.0.0.1:8322)
          --MediaGraph:Streams:porch=rtsp://USER:PASSWORD@HOST/PATH
                                              the stream porch is taken from a camera while somebody watches (also rtmp:,
                                              tapo:, file:, several: docs/sources.md)
          --MediaGraph:Demo=false             no demo stream
          --MediaGraph:WaitForPublisher=30    how many seconds viewers wait for a publisher that left (default 10)
          --Logging:LogLevel:Default=Debug    more logs

        Each key can also be set in appsettings.json beside the program, or in the environment (MediaGraph__Rtmp__Listen).
        docs/configuration.md lists them all. Ctrl-C stops the server within 5 s; pressed again, at once.
        """;

    /// <summary>Where the server listens, and what to try next.</summary>
    public static void PrintAddresses(TextWriter output, IServiceProvider services)
    {
        var (rtmp, rtsp) = (services.GetRequiredService<RtmpServer>(), services.GetRequiredService<RtspServer>());
        string[] urls = [.. UrlOf("rtmp", rtmp.LocalEndPoint), .. UrlOf("rtsp", rtsp.LocalEndPoint)];
        if (urls.Length == 0)
        {
            output.WriteLine("MediaGraph runs; no protocol is enabled.");
            return;
        }

        output.WriteLine($"MediaGraph is ready: {string.Join(", ", urls)}");
        if (services.GetRequiredService<StreamHub>().Find("demo") is not null)
            Print("Watch the demo:", urls.Select(url => $"ffplay {url}/demo   (or: mpv {url}/demo, vlc {url}/demo)"));
        Print("Publish:", urls.Select(url => $"ffmpeg -re -i FILE -c copy -f {FormatOf(url)} {url}/live/cam"));
        Print("Watch that:", urls.Select(url => $"ffplay {url}/live/cam"));
        var taken = services.GetRequiredService<StreamHub>().GetSnapshot().Streams.Where(stream => stream.Sources.Length > 0);
        Print("From sources:", taken.Take(MaxListed).Select(stream => $"ffplay {urls[^1]}/{stream.Name}   ({stream.Sources[0].Name})"));
        string[] encrypted = [.. UrlOf("rtmps", rtmp.LocalTlsEndPoint), .. UrlOf("rtsps", rtsp.LocalTlsEndPoint)];
        if (encrypted.Length > 0)
            Print("Encrypted:", [string.Join(", ", encrypted)]);
        Print("Stop:", ["Ctrl-C"]);

        void Print(string what, IEnumerable<string> lines)
        {
            foreach (var line in lines)
            {
                output.WriteLine($"  {what,-16} {line}");
                what = "";
            }
        }
    }

    private static string FormatOf(string url) => url.StartsWith("rtsp:", StringComparison.Ordinal) ? "rtsp" : "flv";

    // None where nothing listens.
    private static string[] UrlOf(string scheme, IPEndPoint? endPoint) =>
        endPoint is null ? [] : [$"{scheme}://{ReachableFromHere(endPoint)}"];

    private static IPEndPoint ReachableFromHere(IPEndPoint endPoint)
    {
        var isAny = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
        return isAny ? new IPEndPoint(IPAddress.Loopback, endPoint.Port) : endPoint; // an IPv6 listener takes IPv4 too
    }

    /// <summary>What an exception says; of data that cannot be read also where.</summary>
    public static string ReasonOf(Exception exception)
    {
        var reasons = new List<string>();
        for (var e = exception; e is not null; e = exception is InvalidDataException ? e.InnerException : null)
            reasons.Add(e.Message);
        return string.Join(' ', reasons.Distinct());
    }
}
