using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Relays;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;
using MediaGraph.Transport;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// An RTSP client (RFC 2326): pulls streams of cameras and other servers into the hub, and pushes the hub's streams to servers.
/// Thread-safe.
/// <para>
/// The client owns a task per connection and per transfer, a timer, and UDP ports; <see cref="DisposeAsync"/> ends them all. Each step, from
/// finding the address to the server's agreement, has a deadline; whatever fails, the sockets are closed before the call returns.
/// </para>
/// </summary>
public sealed class RtspClient : IAsyncDisposable
{
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<RtspTransfer, bool> _transfers = new();
    private readonly ConnectionSet<RtspClientConnection> _connections;
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<RtspUrl, CancellationToken, ValueTask<ITransport>> _dial;

    /// <summary>Creates a client.</summary>
    /// <param name="hub">Where streams are published to and taken from.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of the client's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public RtspClient(
        StreamHub hub, RtspClientOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
        : this(hub, options, loggerFactory, timeProvider, meterFactory, dial: null)
    {
    }

    internal RtspClient(
        StreamHub hub, RtspClientOptions? options, ILoggerFactory? loggerFactory, TimeProvider? timeProvider, IMeterFactory? meterFactory,
        Func<RtspUrl, CancellationToken, ValueTask<ITransport>>? dial)
    {
        ArgumentNullException.ThrowIfNull(hub);
        Hub = hub;
        Options = options ?? new RtspClientOptions();
        OptionErrors.ThrowIfInvalid(Options, nameof(options));
        TimeProvider = timeProvider ?? TimeProvider.System;
        Logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Rtsp");
        Metrics = new RtspMetrics("client", () => Connections, null, meterFactory);
        Ports = new UdpPorts(Options.UdpPorts);
        _connections = new ConnectionSet<RtspClientConnection>(
            TimeProvider, static _ => { }, count => Log.StopOverran(Logger, count),
            (connection, e) => Log.ConnectionFaulted(Logger, e, connection.Id));
        _dial = dial ?? DialAsync;
    }

    /// <summary>Sessions now; those through an HTTP tunnel have two connections each.</summary>
    public int Connections => _connections.Count;

    internal StreamHub Hub { get; }

    internal RtspClientOptions Options { get; }

    internal TimeProvider TimeProvider { get; }

    internal ILogger Logger { get; }

    internal RtspMetrics Metrics { get; }

    internal UdpPorts Ports { get; }

    /// <summary>
    /// Pulls a server's stream into the hub; returns when the server plays it and the stream is published; over UDP, when its first packet
    /// came.
    /// </summary>
    /// <param name="url">The server's stream.</param>
    /// <param name="stream">The name that it gets in the hub. The authorizer is not asked.</param>
    /// <param name="cancellationToken">Cancels the attempt; it leaves nothing behind.</param>
    /// <exception cref="RtspClientException">It did not come to it.</exception>
    /// <exception cref="StreamException">The stream's name is none.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the client was disposed.</exception>
    public Task<RtspTransfer> PullAsync(RtspUrl url, string stream, CancellationToken cancellationToken = default) =>
        StartAsync(url, stream, isPush: false, subscribe: null, cancellationToken);

    /// <summary>
    /// Pushes a stream of the hub's to a server (ANNOUNCE and RECORD); returns when that has agreed. The tracks are those that the stream
    /// has when it is settled and that RTP can carry.
    /// </summary>
    /// <param name="stream">The hub's stream; it must be published. The authorizer is not asked.</param>
    /// <param name="url">Where to publish it; over TCP or UDP.</param>
    /// <param name="cancellationToken">Cancels the attempt; it leaves nothing behind.</param>
    /// <exception cref="RtspClientException">It did not come to it.</exception>
    /// <exception cref="StreamException">The stream's name is none.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the client was disposed.</exception>
    public Task<RtspTransfer> PushAsync(string stream, RtspUrl url, CancellationToken cancellationToken = default) =>
        StartAsync(url, stream, isPush: true, subscribe: null, cancellationToken);

    /// <summary>The same for a relay of the hub's.</summary>
    internal Task<RtspTransfer> PushAsync(RelaySession session, RtspUrl url, CancellationToken cancellationToken) =>
        StartAsync(url, session.StreamName, isPush: true, session.Subscribe, cancellationToken);

    /// <summary>Ends all transfers, with 5 s for their servers, and returns when nothing of the client runs. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var transfer in _transfers.Keys)
            transfer.Close(CloseReason.Stopping);
        using var limit = new CancellationTokenSource(DisposeLimit, TimeProvider);
        await _connections.StopAsync(static () => default, limit.Token).ConfigureAwait(false);
        await Task.WhenAll(_transfers.Keys.Select(transfer => transfer.Completion)).ConfigureAwait(false);
        await Ports.DisposeAsync().ConfigureAwait(false);
        Metrics.Dispose();
    }

    internal void Remove(RtspTransfer transfer, Exception? fault)
    {
        if (fault is not null)
            Log.TransferFaulted(Logger, fault, transfer.StreamName);
        _transfers.TryRemove(transfer, out _);
    }

    internal void Remove(RtspClientConnection connection) => _connections.Remove(connection);

    /// <summary>Connects, authenticates, follows redirects, falls back to TCP, and returns when media may flow.</summary>
    /// <param name="url">The server's stream.</param>
    /// <param name="stream">The hub's stream.</param>
    /// <param name="isPush">Whether the hub's stream goes out.</param>
    /// <param name="wanted">The tracks to set up; null for all.</param>
    /// <param name="subscribe">How what is pushed is subscribed; null: as anybody does.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    internal async Task<(RtspClientConnection Connection, RtspUrl Url)> OpenAsync(
        RtspUrl url, string stream, bool isPush, ImmutableArray<Track>? wanted,
        Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe, CancellationToken cancellationToken)
    {
        var carrier = Options.Transport ?? url.Transport ?? RtspUrlTransport.Tcp;
        if (!isPush)
        {
            return await OpenAsync(
                (transport, id, place, way) => new RtspPull(this, transport, id, place, stream, way, wanted), url, carrier, stream,
                cancellationToken).ConfigureAwait(false);
        }

        if (carrier == RtspUrlTransport.Http)
            throw Refused("a stream cannot be pushed through an HTTP tunnel");
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        var (source, offers) = await OfferAsync(stream, wanted, cancelled.Token).ConfigureAwait(false);
        return await OpenAsync(
            (transport, id, place, way) => new RtspPush(this, transport, id, place, way, source, offers, subscribe ?? Hub.Subscribe),
            url, carrier, stream, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for any kind of session.</summary>
    /// <param name="create">Makes it, of a connection, its number, where that leads to, and how media go.</param>
    /// <param name="url">The server's stream.</param>
    /// <param name="carrier">How media are to go.</param>
    /// <param name="stream">The hub's stream.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    internal async Task<(RtspClientConnection Connection, RtspUrl Url)> OpenAsync(
        Func<ITransport, long, RtspUrl, RtspUrlTransport, RtspClientConnection> create, RtspUrl url, RtspUrlTransport carrier, string stream,
        CancellationToken cancellationToken)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        var tunnelAuthentication = NewAuthentication(url);
        for (var redirects = 0; ;)
        {
            var transport = await DialInTimeAsync(url, carrier, tunnelAuthentication, cancelled.Token).ConfigureAwait(false);
            var connection = _connections.Start(id => create(transport, id, url, carrier));
            if (connection is null)
            {
                await transport.DisposeAsync().ConfigureAwait(false);
                throw new RtspClientException(CloseReason.Stopping);
            }

            try
            {
                await connection.Opened.WaitAsync(cancelled.Token).ConfigureAwait(false);
                return (connection, url);
            }
            catch (OperationCanceledException)
            {
                connection.RequestClose(CloseReason.Requested);
                await connection.Completion.ConfigureAwait(false);
                throw;
            }
            catch (RtspClientException e)
            {
                await connection.Completion.ConfigureAwait(false);
                if (connection.RedirectTo is { } target)
                {
                    if (++redirects > Options.MaxRedirects)
                        throw Refused("the server redirects again and again", e.StatusCode);
                    url = url.Move(target, Options.AllowOtherHosts, out var error) ?? throw Refused(error, e.StatusCode);
                    Log.Redirected(Logger, stream, url);
                    tunnelAuthentication = NewAuthentication(url);
                }
                else if (connection.FallsBack && carrier == RtspUrlTransport.Udp)
                {
                    carrier = RtspUrlTransport.Tcp;
                    Log.FellBack(Logger, stream, e.Reason);
                }
                else if (transport is not HttpTunnel { IsChallenged: true })
                {
                    throw;
                }
            }
        }
    }

    /// <summary>For one place; what it may tell, the options say.</summary>
    internal RtspClientAuthentication NewAuthentication(RtspUrl url) =>
        new(url.User, url.Password, url.IsSecure || Options.AllowBasicWithoutTls);

    private static RtspClientException Refused(string why, int? statusCode = null) =>
        new(new CloseReason(CloseCode.Refused, why), statusCode);

    private async Task<RtspTransfer> StartAsync(
        RtspUrl url, string stream, bool isPush, Func<SubscribeRequest, PacketQueue, WireFormat, Subscription>? subscribe,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(url);
        StreamName.ThrowIfInvalid(stream);
        ImmutableArray<Track>? wanted = Options.Tracks is { } tracks ? [.. tracks] : null;
        var (connection, place) = await OpenAsync(url, stream, isPush, wanted, subscribe, cancellationToken).ConfigureAwait(false);
        var transfer = new RtspTransfer(this, connection, place, stream, isPush, wanted, subscribe);
        _transfers.TryAdd(transfer, true);
        transfer.Start();
        return transfer;
    }

    // A server cannot be told of a track later, so that it is told when all are known.
    private async Task<(MediaStream Stream, ImmutableArray<RtpOffer> Offers)> OfferAsync(
        string name, ImmutableArray<Track>? wanted, CancellationToken cancellationToken)
    {
        var stream = Hub.Find(name) ?? throw Refused("nobody publishes this stream");
        using var deadline = new CancellationTokenSource(Options.RequestTimeout, TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await stream.WhenSettledAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RtspClientException(new CloseReason(CloseCode.Deadline, "the stream's publisher sends nothing"));
        }

        var offers = RtpOffer.Of(stream);
        string? failure = null;
        if (wanted is { } tracks)
        {
            var offered = offers.Select(offer => Track.Of(offer.Codec, offer.Receiver.Track.Id)).ToList();
            TrackMatch.TryMatch(offered, tracks, out var matches, out failure);
            offers = [.. matches.Select(match => offers[offered.IndexOf(match.Offered)])];
        }

        return offers.IsEmpty
            ? throw new RtspClientException(
                new CloseReason(CloseCode.CodecMismatch, failure ?? "the stream has no track that RTP can carry"))
            : (stream, offers);
    }

    private async Task<ITransport> DialInTimeAsync(
        RtspUrl url, RtspUrlTransport carrier, RtspClientAuthentication tunnelAuthentication, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Options.DialTimeout, TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        ITransport? get = null;
        try
        {
            if (carrier == RtspUrlTransport.Http)
                get = await _dial(url, either.Token).ConfigureAwait(false);
            var transport = await _dial(url, either.Token).ConfigureAwait(false);
            var dialed = get is null ? transport : new HttpTunnel(get, transport, url, Options, tunnelAuthentication);
            get = null;
            return dialed;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RtspClientException(new CloseReason(CloseCode.Deadline, "the server did not answer in time"));
        }
        catch (IOException e)
        {
            throw new RtspClientException(new CloseReason(CloseCode.ConnectionLost, e.Message));
        }
        finally
        {
            if (get is not null)
                await get.DisposeAsync().ConfigureAwait(false);
        }
    }

    // What encrypts it shakes hands as the session's first step, within the session's deadline.
    private async ValueTask<ITransport> DialAsync(RtspUrl url, CancellationToken cancellationToken)
    {
        var socket = await SocketTransport.ConnectAsync(url.Host, url.Port, TimeProvider, cancellationToken).ConfigureAwait(false);
        return url.IsSecure ? new TlsTransport(socket, url.Host, Options.Tls) : socket;
    }
}
