using MediaGraph.Security;
using MediaGraph.Validation;

namespace MediaGraph.Transport;

/// <summary>
/// Which certificate a TLS server has: exactly one of <see cref="CertificateFile"/>, <see cref="CertificateThumbprint"/> and
/// <see cref="CertificateSubject"/>. Clients' certificates are not asked for; versions below TLS 1.2 are refused.
/// </summary>
public sealed record TlsServerOptions : IValidatedOptions
{
    /// <summary>
    /// Path of the certificate: PEM (RFC 7468), the server's first and the intermediate ones behind it, or PKCS #12 (<c>.pfx</c>).
    /// </summary>
    public string? CertificateFile { get; init; }

    /// <summary>Path of the private key in PEM; null when it is in <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Of the PKCS #12 file, or of the encrypted key in PEM; empty for none.</summary>
    public Secret Password { get; init; }

    /// <summary>SHA-1 thumbprint, 40 hexadecimal digits, of a certificate in the user's or the machine's personal store.</summary>
    public string? CertificateThumbprint { get; init; }

    /// <summary>
    /// A part of the subject's name of a certificate in the user's or the machine's personal store, such as the host's name. Of those
    /// that fit, the valid one that ends last is taken.
    /// </summary>
    public string? CertificateSubject { get; init; }

    /// <summary>How often a changed certificate is looked for, 1 s to 1 day. Default 10 s.</summary>
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Lists everything that cannot be used; opens the certificate for that.</summary>
    /// <param name="prefix">What precedes the names in the messages, such as <c>MediaGraph:Rtmp:Tls:</c>.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        var errors = new OptionErrors(prefix).Check(ReloadInterval);
        (string Name, string? Value)[] sources =
        [
            (nameof(CertificateFile), CertificateFile),
            (nameof(CertificateThumbprint), CertificateThumbprint),
            (nameof(CertificateSubject), CertificateSubject),
        ];
        var set = sources.Where(source => source.Value is not null).ToArray();
        if (set.Length != 1)
        {
            var names = string.Join(", ", (set.Length == 0 ? sources : set).Select(source => source.Name));
            return errors.Require(false, $"{names}: exactly one of them must be set.");
        }

        if (KeyFile is not null && CertificateFile is null)
            return errors.Require(false, $"{nameof(KeyFile)} is set, but {nameof(CertificateFile)} is not.");
        var error = TlsCertificateSource.FindError(this);
        return errors.Require(error is null, $"{set[0].Name}: {error}.");
    }
}
