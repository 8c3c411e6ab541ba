using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MediaGraph.Transport;

/// <summary>Finds and opens the certificate that a <see cref="TlsServerOptions"/> names.</summary>
internal static class TlsCertificateSource
{
    /// <summary>Why the certificate cannot be used; null when it can.</summary>
    public static string? FindError(TlsServerOptions options)
    {
        try
        {
            Open(options, Read(options));
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }

    /// <summary>What is there now: another content means another certificate.</summary>
    /// <exception cref="InvalidDataException">It cannot be read; the message names it.</exception>
    public static byte[][] Read(TlsServerOptions options)
    {
        if (options.CertificateFile is null)
            return [FindInStore(options).RawData];
        return options.KeyFile is null
            ? [Guard(options.CertificateFile, () => File.ReadAllBytes(options.CertificateFile))]
            : [
                Guard(options.CertificateFile, () => File.ReadAllBytes(options.CertificateFile)),
                Guard(options.KeyFile, () => File.ReadAllBytes(options.KeyFile)),
            ];
    }

    /// <summary>The certificate with its key, and the intermediate ones that it comes with.</summary>
    /// <exception cref="InvalidDataException">It is none, or its key is missing or another's; the message names it.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Others) Open(TlsServerOptions options, byte[][] content)
    {
        if (options.CertificateFile is not { } file)
            return (FindInStore(options), []);
        var name = options.KeyFile is null ? file : $"{file} with {options.KeyFile}";
        var isPem = content[0].AsSpan().IndexOf("-----BEGIN"u8) >= 0;
        if (!isPem && options.KeyFile is not null)
            throw new InvalidDataException($"{file} is no PEM file: its key is in it, and {options.KeyFile} would not be used");
        return Guard(name, () => isPem ? OpenPem(content[0], content[^1], options) : OpenPkcs12(content[0], options));
    }

    private static (X509Certificate2, X509Certificate2Collection) OpenPem(byte[] certificates, byte[] key, TlsServerOptions options)
    {
        var (certificateText, keyText) = (Encoding.UTF8.GetString(certificates), Encoding.UTF8.GetString(key));
        var certificate = keyText.Contains("-----BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            ? X509Certificate2.CreateFromEncryptedPem(certificateText, keyText, options.Password.Reveal())
            : X509Certificate2.CreateFromPem(certificateText, keyText);
        var others = new X509Certificate2Collection();
        others.ImportFromPem(certificateText);
        others.RemoveAt(0);
        if (!OperatingSystem.IsWindows())
            return (certificate, others);

        // There, TLS takes no key that lives in memory alone.
        using (certificate)
            return (X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null), others);
    }

    private static (X509Certificate2, X509Certificate2Collection) OpenPkcs12(byte[] content, TlsServerOptions options)
    {
        var all = X509CertificateLoader.LoadPkcs12Collection(content, options.Password.Reveal());
        var certificate = all.FirstOrDefault(one => one.HasPrivateKey)
            ?? throw new InvalidDataException("there is no certificate with a private key in it");
        all.Remove(certificate);
        return (certificate, all);
    }

    private static X509Certificate2 FindInStore(TlsServerOptions options)
    {
        var (kind, value) = options.CertificateThumbprint is { } thumbprint
            ? (X509FindType.FindByThumbprint, thumbprint)
            : (X509FindType.FindBySubjectName, options.CertificateSubject!);
        var all = new List<X509Certificate2>();
        foreach (var location in (StoreLocation[])[StoreLocation.CurrentUser, StoreLocation.LocalMachine])
        {
            try
            {
                using var store = new X509Store(StoreName.My, location, OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
                all.AddRange(store.Certificates.Find(kind, value, validOnly: false).Where(one => one.HasPrivateKey));
            }
            catch (CryptographicException)
            {
                // There is no such store here.
            }
        }

        // One that is not valid now is better than none: who loads it is told.
        var now = TimeProvider.System.GetLocalNow().DateTime;
        return all.Where(one => one.NotBefore <= now && now < one.NotAfter).MaxBy(one => one.NotAfter)
            ?? all.MaxBy(one => one.NotAfter)
            ?? throw new InvalidDataException($"no certificate with a private key for '{value}' is in the user's or the machine's store");
    }

    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException
            or NotSupportedException)
        {
            throw new InvalidDataException($"{name} cannot be used: {e.Message.TrimEnd('.')}", e);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{name} cannot be used: {e.Message}", e);
        }
    }
}
