using System.Diagnostics.CodeAnalysis;
using System.Security.Authentication;

namespace MediaGraph.Transport;

/// <summary>The versions of TLS that both roles speak.</summary>
internal static class TlsVersions
{
    [SuppressMessage("Security", "CA5398", Justification = "Some systems still allow older ones by default.")]
    public const SslProtocols Enabled = SslProtocols.Tls12 | SslProtocols.Tls13;
}
