using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MediaGraph.Delivery;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Rtmp.Diagnostics;
using MediaGraph.Rtmp.Sessions;
using MediaGraph.Streams;
using MediaGraph.Transport;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// An RTMP client: pulls streams of other servers into the hub, and pushes the hub's streams to them. Thread-safe.
/// <para>
/// The client owns a task per connection and per transfer, and a timer; <see cref="DisposeAsync"/> ends them all. Each step, from finding
/// the address to the server's agreement, has a deadline; whatever fails, the socket is closed before the call returns.
/// </para>
/// </summary>
public sealed class RtmpClient : IAsyncDisposable
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<RtmpTransfer, bool> _transfers = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConnectionMetrics _metrics;
    private readonly RtmpSessions _sessions;
    private readonly ILogger _logger;
    private readonly Func<RtmpUrl, CancellationToken, ValueTask<ITransport>> _dial;

    /// <summary>Creates a client.</summary>
    /// <param name="hub">Where streams are published to and taken from.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of the client's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public RtmpClient(
        StreamHub hub, RtmpClientOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
        : this(hub, options, loggerFactory, timeProvider, meterFactory, dial: null)
    {
    }

    internal RtmpClient(
        StreamHub hub, RtmpClientOptions? options, ILoggerFactory? loggerFactory, TimeProvider? timeProvider, IMeterFactory? meterFactory,
        Func<RtmpUrl, CancellationToken, ValueTask<ITransport>>? dial)
    {
        ArgumentNullException.ThrowIfNull(hub);
        Options = options ?? new RtmpClientOptions();
        OptionErrors.ThrowIfInvalid(Options, nameof(options));
        TimeProvider = timeProvider ?? TimeProvider.System;
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtmp");
        _metrics = new ConnectionMetrics(RtmpMetricNames.Meter, RtmpMetricNames.Prefix, "client", () => Connections, null, meterFactory);
        _sessions = new RtmpSessions(hub, Options, _metrics, TimeProvider, _logger, messageStreams: 1, isClient: true);
        _dial = dial ?? DialAsync;
    }

    /// <summary>Connections now.</summary>
    public int Connections => _sessions.Count;

    internal RtmpClientOptions Options { get; }

    internal TimeProvider TimeProvider { get; }

    /// <summary>Pulls another server's stream into the hub; returns when it has begun.</summary>
    /// <param name="url">The other server's stream.</param>
    /// <param name="stream">The name that it gets in the hub. The authorizer is not asked.</param>
    /// <param name="cancellationToken">Cancels the attempt; it leaves nothing behind.</param>
    /// <exception cref="RtmpClientException">It did not come to it.</exception>
    /// <exception cref="StreamException">The stream's name is none.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the client was disposed.</exception>
    public Task<RtmpTransfer> PullAsync(RtmpUrl url, string stream, CancellationToken cancellationToken = default) =>
        StartAsync(url, stream, isPush: false, subscribe: null, cancellationToken);

    /// <summary>Pushes a stream of the hub's to another server; returns when that has agreed.</summary>
    /// <param name="stream">The hub's stream; it must be published. The authorizer is not asked.</param>
    /// <param name="url">Where to publish it.</param>
    /// <param name="cancellationToken">Cancels the attempt; it leaves nothing behind.</param>
    /// <exception cref="RtmpClientException">It did not come to it.</exception>
    /// <exception cref="StreamException">The stream's name is none.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the client was disposed.</exception>
    public Task<RtmpTransfer> PushAsync(string stream, RtmpUrl url, CancellationToken cancellationToken = default) =>
        StartAsync(url, stream, isPush: true, subscribe: null, cancellationToken);

    /// <summary>The same for a relay of the hub's.</summary>
    internal Task<RtmpTransfer> PushAsync(RelaySession session, RtmpUrl url, CancellationToken cancellationToken) =>
        StartAsync(url, session.StreamName, isPush: true, session.Subscribe, cancellationToken);

    /// <summary>Ends all transfers, with 5 s for their servers, and returns when nothing of the client runs. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var transfer in _transfers.Keys)
            transfer.Close(CloseReason.Stopping);
        using var limit = new CancellationTokenSource(DisposeLimit, TimeProvider);
        await _sessions.StopAsync(static () => default, limit.Token).ConfigureAwait(false);
        await Task.WhenAll(_transfers.Keys.Select(transfer => transfer.Completion)).ConfigureAwait(false);
        _metrics.Dispose();
    }

    internal void Remove(RtmpTransfer transfer, Exception? fault)
    {
        if (fault is not null)
            Log.TransferFaulted(_logger, fault, transfer.StreamName);
        _transfers.TryRemove(transfer, out _);
    }

    /// <summary>Connects, authenticates, follows redirects, and returns when media may flow.</summary>
    /// <param name="url">The server's stream.</param>
    /// <param name="stream">The hub's stream.</param>
    /// <param name="isPush">Whether the hub's stream goes out.</param>
    /// <param name="publish">How the server's stream is published; null: as anybody does.</param>
    /// <param name="subscribe">How the hub's stream is taken; null: as anybody does.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    internal async Task<(RtmpClientConnection Connection, RtmpUrl Url)> OpenAsync(
        RtmpUrl url, string stream, bool isPush, Func<PublishRequest, Feed>? publish,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe, CancellationToken cancellationToken)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        var authentication = "";
        for (var (redirects, challenges) = (0, 0); ;)
        {
            var transport = await DialInTimeAsync(url, cancelled.Token).ConfigureAwait(false);
            var connection = _sessions.Start(id =>
                new RtmpClientConnection(
                    _sessions, Options, transport, id, url, stream, isPush, authentication, publish ?? _sessions.Hub.Publish)
                {
                    Subscribe = subscribe ?? _sessions.Hub.Subscribe,
                });
            if (connection is null)
            {
                await transport.DisposeAsync().ConfigureAwait(false);
                throw new RtmpClientException(CloseReason.Stopping);
            }

            try
            {
                await connection.Opened.WaitAsync(cancelled.Token).ConfigureAwait(false);
                return (connection, url);
            }
            catch (OperationCanceledException)
            {
                connection.Abort(CloseReason.Requested);
                await connection.Completion.ConfigureAwait(false);
                throw;
            }
            catch (RtmpClientException e)
            {
                await connection.Completion.ConfigureAwait(false);
                if (connection.RedirectTo is { } target)
                {
                    if (++redirects > Options.MaxRedirects)
                        throw new RtmpClientException(new CloseReason(CloseCode.Refused, "the server redirects again and again"), e.StatusCode);
                    url = url.Move(target, Options.AllowOtherHosts, out var error)
                        ?? throw new RtmpClientException(new CloseReason(CloseCode.Refused, error), e.StatusCode);
                    Log.Redirected(_logger, stream, url);
                    (authentication, challenges) = ("", 0);
                }
                else
                {
                    var answer = connection.Rejection is { } description && ++challenges <= 2
                        ? RtmpAuthentication.Answer(description, url, RtmpAuthentication.NewNonce())
                        : null;
                    if (answer is null)
                        throw;
                    authentication = answer;
                }
            }
        }
    }

    private async Task<RtmpTransfer> StartAsync(
        RtmpUrl url, string stream, bool isPush, Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(url);
        StreamName.ThrowIfInvalid(stream);
        if (isPush && _sessions.Hub.Find(stream) is null)
            throw new RtmpClientException(new CloseReason(CloseCode.Refused, "nobody publishes this stream"));
        var (connection, place) = await OpenAsync(url, stream, isPush, publish: null, subscribe, cancellationToken).ConfigureAwait(false);
        var transfer = new RtmpTransfer(this, connection, place, stream, isPush, subscribe);
        _transfers.TryAdd(transfer, true);
        transfer.Start();
        return transfer;
    }

    private async Task<ITransport> DialInTimeAsync(RtmpUrl url, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Options.DialTimeout, TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await _dial(url, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RtmpClientException(new CloseReason(CloseCode.Deadline, "the server did not answer in time"));
        }
        catch (IOException e)
        {
            throw new RtmpClientException(new CloseReason(CloseCode.ConnectionLost, e.Message));
        }
    }

    // What encrypts it shakes hands as the session's first step, within the session's deadline.
    private async ValueTask<ITransport> DialAsync(RtmpUrl url, CancellationToken cancellationToken)
    {
        var socket = await SocketTransport.ConnectAsync(url.Host, url.Port, TimeProvider, cancellationToken).ConfigureAwait(false);
        return url.IsSecure ? new TlsTransport(socket, url.Host, Options.Tls) : socket;
    }
}
