using MediaGraph.Relays;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MediaGraph.Hosting;

/// <summary>
/// Starts the demo, the streams of the configuration and the protocols, and stops them: listeners and connections first, then the demo,
/// then the hub, so that every peer is told why. Owns the demo's task.
/// </summary>
internal sealed class MediaGraphService : IHostedService, IDisposable
{
    // Beyond the drain's limit, for cutting what is left.
    private static readonly TimeSpan CutLimit = TimeSpan.FromMilliseconds(250);

    private readonly StreamHub _hub;
    private readonly MediaGraphSettings _settings;
    private readonly Func<Stream>? _openDemo;
    private readonly ProtocolServer[] _protocols;
    private readonly ISourceProtocol[] _sources;
    private readonly IRelayProtocol[] _relays;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;

    private readonly ConfiguredStreams _streams;
    private readonly Stack<ProtocolServer> _started = [];
    private CancellationTokenSource? _stopDemo;
    private Task _demo = Task.CompletedTask;

    public MediaGraphService(
        StreamHub hub, MediaGraphSettings settings, MediaGraphBuilder builder, IEnumerable<ProtocolServer> protocols,
        IEnumerable<ISourceProtocol> sources, IEnumerable<IRelayProtocol> relays, ILogger<MediaGraphService> logger,
        IServiceProvider provider)
    {
        _hub = hub;
        _settings = settings;
        _sources = [.. sources];
        _relays = [.. relays];
        _openDemo = settings.IsDemoEnabled ? builder.OpenDemo : null;
        _protocols = [.. protocols.Where(protocol => protocol.IsEnabled)];
        _logger = logger;
        _timeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System;
        _streams = new ConfiguredStreams(hub, builder.Configuration, logger, _timeProvider);
    }

    /// <summary>Starts everything, or nothing.</summary>
    /// <exception cref="IOException">A port cannot be bound; the message says which and why.</exception>
    /// <exception cref="OptionsValidationException">A stream cannot be added; lists all that is wrong.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var key in _settings.Ignored)
            Log.KeyIgnored(_logger, key);
        foreach (var protocol in _sources)
            _hub.AddSourceProtocol(protocol);
        foreach (var protocol in _relays)
            _hub.AddRelayProtocol(protocol);
        if (_openDemo is not null)
        {
            _stopDemo = new CancellationTokenSource();
            _demo = new DemoStream(_hub, _openDemo, _logger, _timeProvider).RunAsync(_stopDemo.Token);
        }

        try
        {
            await _streams.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await StopAllAsync(cancellationToken).ConfigureAwait(false);
            throw;
        }

        foreach (var protocol in _protocols)
        {
            try
            {
                await protocol.StartAsync(cancellationToken).ConfigureAwait(false);
                _started.Push(protocol);
            }
            catch (Exception e)
            {
                await StopAllAsync(cancellationToken).ConfigureAwait(false);
                if (e is IOException)
                    throw new IOException($"{protocol.Name} {e.Message.TrimEnd('.')}.", e);
                throw;
            }
        }
    }

    /// <summary>Stops everything. Returns, or throws, soon after the drain's limit, whatever hangs.</summary>
    /// <exception cref="TimeoutException">The drain took too long; what was left was cut.</exception>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_settings.DrainTimeout, _timeProvider);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var stopped = StopAllAsync(cut.Token);
        try
        {
            await stopped.WaitAsync(_settings.DrainTimeout + CutLimit, _timeProvider, CancellationToken.None).ConfigureAwait(false);
            if (!cut.IsCancellationRequested)
                return;
        }
        catch (TimeoutException)
        {
            // Something hangs and is left behind: the process is about to end.
        }

        Log.DrainOverran(_logger, _settings.DrainTimeout);
        throw new TimeoutException($"The drain took longer than {_settings.DrainTimeout.TotalSeconds:0.###} s; what was left was cut.");
    }

    public void Dispose() => _stopDemo?.Dispose();

    private async Task StopAllAsync(CancellationToken cut)
    {
        var reloading = _streams.DisposeAsync().AsTask(); // awaited last: a change may wait for a source that does not end
        while (_started.TryPop(out var protocol))
            await protocol.StopAsync(cut).ConfigureAwait(false);
        if (_stopDemo is not null)
        {
            await _stopDemo.CancelAsync().ConfigureAwait(false);
            await _demo.ConfigureAwait(false);
        }

        await Task.WhenAll(_hub.DisposeAsync().AsTask(), reloading).ConfigureAwait(false);
    }
}
