using MediaGraph.Transport;
using MediaGraph.Validation;

namespace MediaGraph.Rtmp.Client;

/// <summary>Settings of an <see cref="RtmpClient"/>.</summary>
public sealed record RtmpClientOptions : RtmpOptions
{
    /// <summary>For finding the server's address and connecting to it. Default 5 s: a server that needs longer is not there.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How often in a row a server may send the client elsewhere, by a redirect or a request to reconnect, 0 to 16. Default 3; 0 follows
    /// none.
    /// </summary>
    public int MaxRedirects { get; init; } = 3;

    /// <summary>
    /// Whether it may send the client to another host than the one in the address. Default false: a server that is not trusted
    /// could have it connect to anything that is near. User and password never go to another host.
    /// </summary>
    public bool AllowOtherHosts { get; init; }

    /// <summary>Whose certificate is trusted at an <c>rtmps</c> address.</summary>
    public TlsClientOptions Tls { get; init; } = new();

    /// <inheritdoc/>
    public override IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Add(base.Validate(prefix))
        .Check(DialTimeout)
        .Check(MaxRedirects, 0, 16);
}
