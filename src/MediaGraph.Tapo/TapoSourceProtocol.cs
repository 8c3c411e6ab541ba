using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using MediaGraph.Sources;
using MediaGraph.Tapo.Client;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Transport;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Tapo;

/// <summary>
/// TP-Link's cameras as sources of streams: Tapo and VIGI by the protocol of their apps, with two-way audio, and Kasa. Thread-safe. It
/// holds no connection: the sources' sessions do, and close what they opened before they end.
/// </summary>
public sealed class TapoSourceProtocol : ISourceProtocol, IDisposable
{
    private readonly TapoContext _context;

    /// <summary>Creates the protocol.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public TapoSourceProtocol(
        TapoOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
        : this(options, loggerFactory, timeProvider, meterFactory, dial: null)
    {
    }

    internal TapoSourceProtocol(
        TapoOptions? options, ILoggerFactory? loggerFactory, TimeProvider? timeProvider, IMeterFactory? meterFactory,
        Func<TapoUrl, CancellationToken, ValueTask<ITransport>>? dial, Func<string>? newClientNonce = null)
    {
        options ??= new TapoOptions();
        OptionErrors.ThrowIfInvalid(options);
        _context = new TapoContext(
            options,
            timeProvider ?? TimeProvider.System,
            (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Tapo"),
            new TapoMetrics(meterFactory),
            dial ?? DialAsync,
            newClientNonce);
    }

    /// <inheritdoc/>
    public ImmutableArray<string> Schemes => ["tapo", "vigi", "kasa"];

    /// <summary>Connections to cameras now.</summary>
    public int Connections => _context.Metrics.Connections;

    /// <inheritdoc/>
    public ISource CreateSource(string url)
    {
        var address = TapoUrl.Parse(url);
        return address.Scheme == TapoScheme.Kasa ? new KasaSource(_context, address) : new TapoSource(_context, address);
    }

    /// <summary>Ends the meter. The sources go on.</summary>
    public void Dispose() => _context.Metrics.Dispose();

    private async ValueTask<ITransport> DialAsync(TapoUrl url, CancellationToken cancellationToken)
    {
        var socket = await SocketTransport.ConnectAsync(url.Host, url.Port, _context.Time, cancellationToken).ConfigureAwait(false);
        return url.Scheme == TapoScheme.Kasa ? new TlsTransport(socket, url.Host, _context.Options.KasaTls) : socket;
    }
}
