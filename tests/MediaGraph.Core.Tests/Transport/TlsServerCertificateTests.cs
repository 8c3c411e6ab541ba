using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MediaGraph.Security;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Transport;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class TlsServerCertificateTests
{
    private static readonly TimeSpan Interval = new TlsServerOptions().ReloadInterval;

    [Test]
    public async Task A_changed_certificate_is_used_after_the_interval()
    {
        var time = new FakeTimeProvider();
        using var log = new TestLog();
        using var first = new TestCertificate();
        using var second = new TestCertificate();
        await using var holder = new TlsServerCertificate(first.Server, log, time);
        Assert.That(holder.Current.Thumbprint, Is.EqualTo(first.Certificate.Thumbprint));
        first.ReplaceBy(second);
        time.Advance(Interval / 2);
        Assert.That(holder.Current.Thumbprint, Is.EqualTo(first.Certificate.Thumbprint));
        time.Advance(Interval / 2);
        Assert.That(holder.Current.Thumbprint, Is.EqualTo(second.Certificate.Thumbprint));
        var opened = log.Entries.Count;
        time.Advance(Interval * 10);
        Assert.That(log.Entries, Has.Count.EqualTo(opened), "it is opened once");
        await holder.DisposeAsync();
        Assert.That(time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task A_change_that_cannot_be_used_is_logged_once_and_the_certificate_stays()
    {
        var time = new FakeTimeProvider();
        using var log = new TestLog();
        using var first = new TestCertificate();
        using var second = new TestCertificate();
        await using var holder = new TlsServerCertificate(first.Server, log, time);

        await File.WriteAllTextAsync(first.CertificateFile, second.CertificatePem); // its key is not there yet
        await AssertKeptAsync(1, "does not match");
        await File.WriteAllTextAsync(first.CertificateFile, second.CertificatePem[..200]);
        await AssertKeptAsync(2, "cannot be used");
        File.Delete(first.KeyFile);
        await AssertKeptAsync(3, "server.key");
        await File.WriteAllTextAsync(first.KeyFile, "");
        await AssertKeptAsync(4, "cannot be used");

        first.ReplaceBy(second);
        time.Advance(Interval);
        Assert.That(holder.Current.Thumbprint, Is.EqualTo(second.Certificate.Thumbprint));

        Task AssertKeptAsync(int warnings, string text)
        {
            time.Advance(Interval * 3);
            Assert.That(holder.Current.Thumbprint, Is.EqualTo(first.Certificate.Thumbprint));
            Assert.That(log.Of(1102), Has.Count.EqualTo(warnings));
            Assert.That(log.Of(1102)[^1].ToString(), Does.Contain(text));
            return Task.CompletedTask;
        }
    }

    [Test]
    public async Task A_certificate_that_is_not_valid_now_is_used_with_a_warning()
    {
        using var log = new TestLog();
        using var expired = new TestCertificate(days: 0);
        await using var holder = new TlsServerCertificate(expired.Server, log);
        Assert.That(log.Of(1101), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_file_holds_key_and_chain_as_PEM_or_PKCS_12([Values("one", "encrypted key", "pfx")] string form)
    {
        using var certificate = new TestCertificate();
        using var key = ECDsa.Create();
        key.ImportFromPem(certificate.KeyPem);
        var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        var options = form switch
        {
            "one" => Write(certificate.CertificatePem + "\n" + certificate.KeyPem),
            "encrypted key" => Write(certificate.CertificatePem) with
            {
                KeyFile = Write(key.ExportEncryptedPkcs8PrivateKeyPem("hunter2", parameters), "key").CertificateFile,
                Password = new Secret("hunter2"),
            },
            _ => Write(certificate.Certificate.Export(X509ContentType.Pkcs12, "hunter2")) with { Password = new Secret("hunter2") },
        };
        await using var holder = new TlsServerCertificate(options);
        Assert.That(holder.Current.Thumbprint, Is.EqualTo(certificate.Certificate.Thumbprint));
        Assert.That(holder.Current.HasPrivateKey);
        if (form == "one")
            return;
        if (form == "pfx")
        {
            var both = options with { KeyFile = certificate.KeyFile };
            Assert.That(both.Validate().Single(), Does.Contain($"and {certificate.KeyFile} would not be used"), "a setting is not ignored");
        }

        var wrong = options with { Password = new Secret("hunter3") };
        Assert.That(wrong.Validate("Tls:").Single(), Does.StartWith("Tls:CertificateFile: ").And.Not.Contain("hunter"));
        Assert.That(wrong.ToString(), Does.Not.Contain("hunter"));

        TlsServerOptions Write(object content, string name = "certificate")
        {
            var path = certificate.Combine(name);
            File.WriteAllBytes(path, content as byte[] ?? System.Text.Encoding.ASCII.GetBytes((string)content));
            return new TlsServerOptions { CertificateFile = path };
        }
    }

    [Test]
    public void What_cannot_be_used_at_the_start_is_an_error_that_names_the_file()
    {
        using var certificate = new TestCertificate();
        using var other = new TestCertificate();
        var options = certificate.Server;
        AssertError(options with { CertificateFile = "/nowhere/a.crt" }, "/nowhere/a.crt");
        AssertError(options with { KeyFile = other.KeyFile }, other.KeyFile);
        AssertError(options with { KeyFile = null }, options.CertificateFile!);
        AssertError(new TlsServerOptions { CertificateFile = options.KeyFile, KeyFile = options.KeyFile }, options.KeyFile!);
        AssertError(new TlsServerOptions { CertificateThumbprint = new string('0', 40) }, new string('0', 40));
        AssertError(new TlsServerOptions { CertificateSubject = "nobody.invalid" }, "nobody.invalid");
        AssertError(new TlsServerOptions(), "CertificateFile, CertificateThumbprint, CertificateSubject: exactly one");
        AssertError(options with { CertificateSubject = "a" }, "CertificateFile, CertificateSubject: exactly one");
        AssertError(new TlsServerOptions { CertificateSubject = "a", KeyFile = "b" }, "KeyFile is set");
        AssertError(options with { ReloadInterval = TimeSpan.Zero }, "ReloadInterval");
        Assert.That(options.Validate(), Is.Empty);

        static void AssertError(TlsServerOptions options, string text)
        {
            Assert.That(options.Validate().Single(), Does.Contain(text));
            Assert.That(() => new TlsServerCertificate(options), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(text));
        }
    }

    [Test]
    public async Task A_certificate_of_the_user_s_store_is_found_by_its_thumbprint_and_its_subject()
    {
        using var certificate = new TestCertificate($"{Guid.NewGuid():N}.invalid");
        using var exportable = X509CertificateLoader.LoadPkcs12(
            certificate.Certificate.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.PersistKeySet);
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.ReadWrite);
        store.Add(exportable);
        try
        {
            foreach (var options in (TlsServerOptions[])[
                new() { CertificateThumbprint = certificate.Certificate.Thumbprint },
                new() { CertificateSubject = certificate.Certificate.Subject[3..] }])
            {
                await using var holder = new TlsServerCertificate(options);
                Assert.That(holder.Current.Thumbprint, Is.EqualTo(certificate.Certificate.Thumbprint));
            }
        }
        finally
        {
            store.Remove(exportable);
        }
    }
}
