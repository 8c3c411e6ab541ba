using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MediaGraph.Transport;

namespace MediaGraph.Testing;

/// <summary>A certificate for <c>localhost</c> and 127.0.0.1, unless told otherwise, in two files of a folder that disposing removes.</summary>
public sealed class TestCertificate : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mediagraph-certificate-");

    /// <param name="host">The name that it is for.</param>
    /// <param name="days">For how many days from yesterday on it is valid; none or less: it has expired.</param>
    /// <param name="issuer">Who signs it; null for itself.</param>
    /// <param name="isAuthority">Whether it can sign others.</param>
    public TestCertificate(string host = "localhost", int days = 30, TestCertificate? issuer = null, bool isAuthority = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        if (host == "localhost")
            names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        if (!isAuthority)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var from = TimeProvider.System.GetUtcNow().AddDays(days > 0 ? -1 : days - 2);
        var until = from.AddDays(Math.Max(days, 1));
        if (issuer is null)
        {
            Certificate = request.CreateSelfSigned(from, until);
        }
        else
        {
            // Nothing outlives who has signed it, which was made a moment ago.
            DateTimeOffset last = issuer.Certificate.NotAfter.ToUniversalTime();
            using var signed = request.Create(
                issuer.Certificate, from, until < last ? until : last, RandomNumberGenerator.GetBytes(8));
            Certificate = signed.CopyWithPrivateKey(key);
        }

        KeyPem = key.ExportPkcs8PrivateKeyPem();
        File.WriteAllText(CertificateFile, CertificatePem);
        File.WriteAllText(KeyFile, KeyPem);
    }

    public X509Certificate2 Certificate { get; }

    public string CertificatePem => Certificate.ExportCertificatePem();

    public string KeyPem { get; }

    public string CertificateFile => Path.Combine(_folder.FullName, "server.crt");

    public string KeyFile => Path.Combine(_folder.FullName, "server.key");

    /// <summary>A server has this certificate.</summary>
    public TlsServerOptions Server => new() { CertificateFile = CertificateFile, KeyFile = KeyFile };

    /// <summary>A client trusts this certificate and no other.</summary>
    public TlsClientOptions Client => new() { TrustedCertificates = [Certificate] };

    /// <summary>A path in the folder.</summary>
    public string Combine(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Writes another certificate and its key into the files of this one.</summary>
    public void ReplaceBy(TestCertificate other)
    {
        File.WriteAllText(CertificateFile, other.CertificatePem);
        File.WriteAllText(KeyFile, other.KeyPem);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _folder.Delete(recursive: true);
    }
}
