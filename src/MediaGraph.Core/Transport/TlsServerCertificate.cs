using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Transport;

/// <summary>
/// A server's certificate. When its files, or its place in the store, change, new connections get the new one; those that are
/// connected go on. A change that cannot be used, such as a half-written file, is logged once, and the certificate stays. Thread-safe.
/// <para>Owner: the server, which disposes of it after its listener. It owns a timer.</para>
/// </summary>
public sealed class TlsServerCertificate : IAsyncDisposable
{
    private readonly TlsServerOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _timer;
    private SslStreamCertificateContext _context; // replaced as a whole; handshakes that began with an older one finish with it
    private bool _isChecking; // for the timer's callback, like the field below
    private byte[][] _content; // what was looked at last, good or bad; empty when there was nothing to look at

    /// <summary>Opens the certificate, and looks for changes from then on.</summary>
    /// <param name="options">Which certificate it is.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <exception cref="InvalidDataException">An option or the certificate cannot be used; the message names it and says why.</exception>
    public TlsServerCertificate(TlsServerOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var errors = string.Join(" ", options.Validate());
        if (errors.Length > 0)
            throw new InvalidDataException(errors);
        _options = options;
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Tls");
        _timeProvider = timeProvider ?? TimeProvider.System;
        _content = TlsCertificateSource.Read(options);
        _context = Open(_content);
        _timer = _timeProvider.CreateTimer(
            static self => ((TlsServerCertificate)self!).Check(), this, options.ReloadInterval, options.ReloadInterval);
    }

    /// <summary>What new connections get.</summary>
    public X509Certificate2 Current => Volatile.Read(ref _context).TargetCertificate;

    /// <summary>Looks for changes no more. Idempotent.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    internal SslServerAuthenticationOptions CreateOptions() => new()
    {
        ServerCertificateContext = Volatile.Read(ref _context),
        EnabledSslProtocols = TlsVersions.Enabled,
        ClientCertificateRequired = false,
        AllowRenegotiation = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    [SuppressMessage("Design", "CA1031", Justification = "A timer's callback that throws ends the process.")]
    private void Check()
    {
        if (Interlocked.Exchange(ref _isChecking, true))
            return;
        try
        {
            if (TryRead(out var content))
                Volatile.Write(ref _context, Open(content));
        }
        catch (Exception e)
        {
            Log.CertificateNotReplaced(_logger, e.Message);
        }
        finally
        {
            Volatile.Write(ref _isChecking, false);
        }
    }

    // True when there is something that was not looked at before.
    private bool TryRead(out byte[][] content)
    {
        var before = _content;
        try
        {
            content = TlsCertificateSource.Read(_options);
            _content = content;
            return before.Length != content.Length || before.Zip(content).Any(pair => !pair.First.AsSpan().SequenceEqual(pair.Second));
        }
        catch (InvalidDataException)
        {
            content = _content = [];
            if (before.Length > 0)
                throw;
            return false; // it was told before
        }
    }

    private SslStreamCertificateContext Open(byte[][] content)
    {
        var (certificate, others) = TlsCertificateSource.Open(_options, content);
        var context = SslStreamCertificateContext.Create(certificate, others, offline: true);
        var (from, until) = (new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter));
        var now = _timeProvider.GetUtcNow();
        if (now < from || now > until)
            Log.CertificateNotValidNow(_logger, certificate.Subject, from.ToUniversalTime(), until.ToUniversalTime());
        else
            Log.CertificateUsed(_logger, certificate.Subject, until.ToUniversalTime());
        return context;
    }
}
