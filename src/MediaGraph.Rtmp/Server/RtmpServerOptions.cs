using System.Net;

namespace MediaGraph.Rtmp.Server;

/// <summary>Settings of an <see cref="RtmpServer"/>.</summary>
public sealed record RtmpServerOptions : RtmpOptions
{
    /// <summary>The port that RTMP has by default.</summary>
    public const int DefaultPort = 1935;

    /// <summary>
    /// Where to listen; port 0 lets the system choose. Default the loopback address, port 1935: who is not authorized by anything
    /// should not be reachable by anyone.
    /// </summary>
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, DefaultPort);

    /// <summary>After how much silence a player is pinged, and how often then. Default 30 s: three times per read timeout.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public override IEnumerable<string> Validate(string prefix = "")
    {
        foreach (var error in base.Validate(prefix))
            yield return error;
        if (TimeError(prefix, nameof(PingInterval), PingInterval) is { } ping)
            yield return ping;
    }
}
