using System.Security.Cryptography.X509Certificates;

namespace MediaGraph.Transport;

/// <summary>
/// Whom a TLS client trusts. By default: who has a certificate for the dialled name, not expired, that the system's roots lead to.
/// Nothing is fetched over the network for this: servers send their intermediate certificates, and revocation is not checked.
/// </summary>
public sealed record TlsClientOptions
{
    /// <summary>The name that the certificate must be for; null for what was dialled.</summary>
    public string? TargetHost { get; init; }

    /// <summary>
    /// When not empty, these are trusted instead of the system's roots: certificate authorities of your own, or servers' certificates
    /// themselves, such as self-signed ones. Name and dates are checked all the same.
    /// </summary>
    public IReadOnlyList<X509Certificate2> TrustedCertificates { get; init; } = [];

    /// <summary>
    /// Takes any certificate. Dangerous: whoever is on the way can read and change everything. For tests only. Default false.
    /// </summary>
    public bool AllowUntrusted { get; init; }
}
