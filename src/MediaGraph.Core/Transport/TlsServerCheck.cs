using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace MediaGraph.Transport;

/// <summary>Checks a server's certificate for one client connection, and says in words why it was refused.</summary>
internal sealed class TlsServerCheck
{
    private readonly TlsClientOptions _options;
    private readonly string _host;

    public TlsServerCheck(string host, TlsClientOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        _options = options;
        _host = options.TargetHost ?? host;
    }

    /// <summary>Why the certificate was refused; null while it was not.</summary>
    public string? Refusal { get; private set; }

    public SslClientAuthenticationOptions CreateOptions() => new()
    {
        TargetHost = _host,
        EnabledSslProtocols = TlsVersions.Enabled,
        AllowRenegotiation = false,
        CertificateChainPolicy = CreatePolicy(),
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Check(certificate, chain, errors),
    };

    // What a chain lacks is not fetched: that would be a connection which nobody can cancel.
    private X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (_options.TrustedCertificates.Count == 0)
            return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var trusted in _options.TrustedCertificates)
            policy.CustomTrustStore.Add(trusted);
        return policy;
    }

    private bool Check(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (_options.AllowUntrusted || errors == SslPolicyErrors.None)
            return true;
        var why = new List<string>();
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            why.Add("there is none");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            why.Add("it is for another name");
        var isPinned = certificate is not null
            && _options.TrustedCertificates.Any(t => t.RawDataMemory.Span.SequenceEqual(certificate.GetRawCertData()));
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            AddChainErrors(why, isPinned, chain);
        if (why.Count == 0 && isPinned)
            return true;
        if (why.Count == 0)
            why.Add("it cannot be checked");
        Refusal = $"the server's certificate is refused: {string.Join(", ", why)}";
        return false;
    }

    private static void AddChainErrors(List<string> why, bool isPinned, X509Chain? chain)
    {
        foreach (var status in chain?.ChainStatus ?? [])
        {
            switch (status.Status)
            {
                case X509ChainStatusFlags.NoError:
                    break;
                case X509ChainStatusFlags.NotTimeValid:
                    why.Add("it has expired or is not valid yet");
                    break;
                case X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain:
                    if (!isPinned)
                        why.Add("nobody who is trusted signed it");
                    break;
                default:
                    why.Add(status.StatusInformation.Trim());
                    break;
            }
        }
    }
}
