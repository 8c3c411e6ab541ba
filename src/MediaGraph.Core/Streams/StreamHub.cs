using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using MediaGraph.Delivery;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Talk;
using MediaGraph.Validation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MediaGraph.Streams;

/// <summary>
/// What holds the streams: protocols publish to it and subscribe from it, and so does your code. Thread-safe; several hubs in
/// one process know nothing of each other.
/// </summary>
public sealed partial class StreamHub : IAsyncDisposable
{
    /// <summary>A fan-out that takes longer than this is counted: it delays the publisher's next packet.</summary>
    internal static readonly TimeSpan SlowFanOut = TimeSpan.FromMilliseconds(2);

    private const int MaxAuthorizations = 256; // asked at once; more wait for their turn, until their session's deadline

    private readonly SemaphoreSlim _authorizations = new(MaxAuthorizations);
    private readonly AuthorizationFailures _failures;
    private readonly ILogger _logger;
    private readonly ILogger _sourcesLogger;
    private readonly ILogger _relaysLogger;
    private readonly Upstream? _upstream;
    private readonly HubMetrics _metrics;

    // Guards the tables of streams, protocols and relays, and _stopping.
    private readonly Lock _streamsLock = new();
    private ImmutableDictionary<string, MediaStream> _streams =
        ImmutableDictionary.Create<string, MediaStream>(StringComparer.Ordinal);

    private ImmutableDictionary<string, ISourceProtocol> _protocols =
        ImmutableDictionary.Create<string, ISourceProtocol>(StringComparer.Ordinal);

    // One change of what streams are made of at a time; each may wait for what it ends.
    private readonly SemaphoreSlim _changing = new(1);

    // Offered speakers, until the last call to them has ended.
    private ImmutableHashSet<TalkPlace> _talkPlaces = [];

    private bool _stopping;
    private long _subscriptionIds;

    /// <summary>Creates a hub.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="loggerFactory">Null for no logs.</param>
    /// <param name="timeProvider">Null for the system's time.</param>
    /// <param name="meterFactory">Null for a meter of the hub's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names all that are.</exception>
    public StreamHub(
        StreamHubOptions? options = null, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
    {
        Options = options ?? new StreamHubOptions();
        OptionErrors.ThrowIfInvalid(Options, nameof(options));
        TimeProvider = timeProvider ?? TimeProvider.System;
        Pool = new PacketPool(Options.Pool);
        _failures = new AuthorizationFailures(Options.AuthorizationFailures, TimeProvider);
        _logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Streams");
        _sourcesLogger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Sources");
        _relaysLogger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("MediaGraph.Relays");
        _upstream = Options.Upstream is { } upstream ? new Upstream(upstream, Options.Sources.MaxSessionsPerMinute, TimeProvider) : null;
        _metrics = new HubMetrics(this, meterFactory);
        AddSourceProtocol(new StreamSourceProtocol(this));
        AddSourceProtocol(new FileSourceProtocol());
    }

    /// <summary>The hub's settings.</summary>
    public StreamHubOptions Options { get; }

    /// <summary>Where packets take their memory from.</summary>
    public PacketPool Pool { get; }

    /// <summary>What happens in the hub and in the protocols around it.</summary>
    public EventBus Events { get; } = new();

    internal TimeProvider TimeProvider { get; }

    internal HubMetrics Metrics => _metrics;

    /// <summary>Speakers that are offered, or still used.</summary>
    internal int TalkPlaces => Volatile.Read(ref _talkPlaces).Count;

    internal DateTimeOffset Now => TimeProvider.GetUtcNow();

    /// <summary>Publishes a stream by code. Does not ask the authorizer: see <see cref="PublishAsync"/>.</summary>
    /// <param name="stream">The stream's name: see <see cref="StreamName"/>.</param>
    /// <param name="tracks">What is published; more can be added to the feed.</param>
    /// <exception cref="StreamException">The name is none, or the stream has a publisher, or the hub stops.</exception>
    public Feed Publish(string stream, params IReadOnlyList<Track> tracks) =>
        StartFeed(new PublishRequest(stream) { Tracks = tracks });

    /// <summary>Publishes a stream by code. Does not ask the authorizer: see <see cref="PublishAsync"/>.</summary>
    /// <inheritdoc cref="Publish(string, IReadOnlyList{Track})"/>
    public Feed Publish(PublishRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return StartFeed(request);
    }

    /// <summary>Publishes a stream, if the authorizer allows it.</summary>
    /// <exception cref="StreamException">See <see cref="StreamError"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public async ValueTask<Feed> PublishAsync(PublishRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var peer = await AuthorizeAsync(StreamAction.Publish, request.Stream, request.Peer, isFirstAsk: false, cancellationToken)
            .ConfigureAwait(false);
        return StartFeed(request with { Peer = peer });
    }

    /// <summary>
    /// Subscribes by code to all tracks of a stream. Does not ask the authorizer: who subscribes for somebody else asks it first
    /// (<see cref="AuthorizeAsync"/>). The enumeration ends when the stream does; leaving it unsubscribes. A reader that is too slow
    /// loses media as <see cref="StreamHubOptions.Queue"/> says. It stays while a stream's sources cannot be had, as a recorder does: who
    /// wants to know that first waits for a lease (<see cref="Lease"/>).
    /// </summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches of packets; dispose each.</returns>
    /// <exception cref="StreamException">Nobody publishes the stream, or it ended for a reason to know of.</exception>
    public IAsyncEnumerable<PacketBatch> Subscribe(string stream, CancellationToken cancellationToken = default) =>
        Subscribe(new SubscribeRequest(stream), cancellationToken);

    /// <inheritdoc cref="Subscribe(string, CancellationToken)"/>
    /// <param name="request">What is wanted of which stream.</param>
    public IAsyncEnumerable<PacketBatch> Subscribe(SubscribeRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Pull(request, (own, queue) => AddSubscription(own, queue, format: null), cancellationToken);
    }

    /// <summary>
    /// Subscribes a protocol's queue, if the authorizer allows it. The subscription is held until it is started. It waits for the stream's
    /// sources, and ends with the reason if they cannot be had: see <see cref="StreamLease.WhenReadyAsync"/>.
    /// </summary>
    /// <param name="request">Who wants to be fed by what.</param>
    /// <param name="queue">Where the packets go; the caller owns it.</param>
    /// <param name="format">How packets become bytes.</param>
    /// <param name="cancellationToken">Cancelled, nothing is left behind.</param>
    /// <exception cref="StreamException">See <see cref="StreamError"/>.</exception>
    public async ValueTask<Subscription> SubscribeAsync(
        SubscribeRequest request, PacketQueue queue, WireFormat format, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(format);
        var peer = await AuthorizeAsync(StreamAction.Play, request.Stream, request.Peer, isFirstAsk: false, cancellationToken)
            .ConfigureAwait(false);
        var subscription = AddSubscription(request with { Peer = peer }, queue, format);
        subscription.EndIfUnavailable();
        return subscription;
    }

    /// <summary>
    /// Subscribes a protocol's queue, for what the application itself sends out. Does not ask the authorizer, and stays while the stream's
    /// sources cannot be had: see <see cref="SubscribeAsync"/>.
    /// </summary>
    /// <param name="request">Who wants to be fed by what.</param>
    /// <param name="queue">Where the packets go; the caller owns it.</param>
    /// <param name="format">How packets become bytes.</param>
    /// <returns>Held until it is started.</returns>
    /// <exception cref="StreamException">See <see cref="StreamError"/>.</exception>
    public Subscription Subscribe(SubscribeRequest request, PacketQueue queue, WireFormat format)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(format);
        return AddSubscription(request, queue, format);
    }

    /// <summary>
    /// Opens a talk session at the loudspeaker of a stream's source, if the authorizer allows it. The device is told when the first
    /// packet comes.
    /// </summary>
    /// <exception cref="StreamException">See <see cref="StreamError"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public async ValueTask<TalkSession> TalkAsync(TalkRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var peer = await AuthorizeAsync(StreamAction.Talk, request.Stream, request.Peer, isFirstAsk: false, cancellationToken)
            .ConfigureAwait(false);
        using var lease = Acquire(request.Stream, SourceMedia.Talk).Lease; // until the session has its own
        if (lease is not null)
            await lease.WhenReadyAsync(cancellationToken).ConfigureAwait(false);
        return AddTalkSession(request with { Peer = peer });
    }

    /// <summary>
    /// Opens a talk session by code. Does not ask the authorizer, and waits for nothing: a source that does not run has no loudspeaker yet.
    /// Use <see cref="TalkAsync"/>, or hold a lease on <see cref="SourceMedia.Talk"/> that is ready.
    /// </summary>
    /// <exception cref="StreamException">See <see cref="StreamError"/>.</exception>
    public TalkSession Talk(TalkRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return AddTalkSession(request);
    }

    /// <summary>Takes a lease on a stream by code: its sources run until it is disposed. Does not ask the authorizer.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="wants">What of it is wanted.</param>
    /// <exception cref="StreamException">There is no such stream, or it is disabled.</exception>
    public StreamLease Lease(string stream, SourceMedia wants = SourceMediaKinds.Viewed)
    {
        StreamName.ThrowIfInvalid(stream);
        var (found, lease) = Acquire(stream, wants);
        return lease ?? new StreamLease(found, null, wants);
    }

    /// <summary>Registers a protocol that streams can be taken from; before or after streams were added.</summary>
    /// <exception cref="InvalidOperationException">One of its schemes has a protocol.</exception>
    public void AddSourceProtocol(ISourceProtocol protocol)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        Register(ref _protocols, protocol.Schemes, protocol);
    }

    /// <summary>
    /// Adds a stream with sources, or changes it at one moment: who watches goes on, sources and destinations that stay go on too. Returns
    /// when those that are gone have ended. With destinations alone, somebody else publishes the stream, now or later.
    /// </summary>
    /// <exception cref="ArgumentException">Something in it is wrong; the message says what, of all that is.</exception>
    /// <exception cref="StreamException">The name is none, or somebody publishes it, or the hub stops.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while another change was on its way; nothing has changed.</exception>
    public async Task SetStreamAsync(StreamDefinition definition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        StreamName.ThrowIfInvalid(definition.Name);
        await GraphLock.EnterAsync(_changing, cancellationToken).ConfigureAwait(false);
        try
        {
            var (sources, targets) = CreateSources(definition);
            var removed = sources.Count > 0 ? ChangeSources(definition, sources) : EndSources(definition.Name);
            var stopped = SetRelays(definition.Name, sources.Count > 0 || definition.IsEnabled ? targets : []);
            WakeRelays(definition.Name);
            await WaitAsync([.. removed.Select(runner => runner.Completion), .. stopped.Select(relay => relay.Completion)])
                .ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>
    /// Removes a stream that was set. Its viewers and talkers are told; returns when its sources and its relays have ended, also those that
    /// were added at run time. One that had destinations alone goes on where it is published. False when there is none.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled while another change was on its way; nothing has changed.</exception>
    public async Task<bool> RemoveStreamAsync(string stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        await GraphLock.EnterAsync(_changing, cancellationToken).ConfigureAwait(false);
        try
        {
            var found = Find(stream) is { Sources: not null } sourced ? sourced : null;
            if (found is null && !HasConfiguredRelays(stream))
                return false;
            var reason = new CloseReason(CloseCode.Unavailable, "the stream was removed");
            var stopped = StopRelays(relay => relay.StreamName == stream, reason);
            if (found is not null)
                await EndAsync(found, reason).ConfigureAwait(false);
            await WaitAsync(stopped.Select(relay => relay.Completion)).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>The stream of that name; null when there is none.</summary>
    public MediaStream? Find(string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Volatile.Read(ref _streams).GetValueOrDefault(stream);
    }

    /// <summary>Whether an address was refused so often that the authorizer is not asked for it.</summary>
    public bool IsBlocked(Peer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return Options.Authorizer is not null && _failures.IsBlocked(peer);
    }

    /// <summary>
    /// Asks the authorizer alone, for what comes before publishing and playing: a description, ports. Without an authorizer everybody may
    /// do everything.
    /// </summary>
    /// <param name="action">What is to be done.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="peer">Who asks.</param>
    /// <param name="isFirstAsk">
    /// Whether a peer that gave no credentials will be asked for them now: such a refusal is neither counted nor delayed.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the session ended or its deadline passed.</param>
    /// <returns>The peer, with the user that the authorizer took it for.</returns>
    /// <exception cref="StreamException">The authorizer said no, or the name is none.</exception>
    public async ValueTask<Peer> AuthorizeAsync(
        StreamAction action, string stream, Peer peer, bool isFirstAsk, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peer);
        StreamName.ThrowIfInvalid(stream);
        if (Options.Authorizer is not { } authorizer)
            return peer;
        AuthorizationResult result; // user code answers, never on the caller's thread, which may be a socket's
        if (_failures.IsBlocked(peer))
            throw new StreamException(StreamError.Unauthorized, "too many refusals");
        try
        {
            var request = new AuthorizationRequest(action, stream, peer);
            result = await AskAsync(authorizer, request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Log.AuthorizerFailed(_logger, e, action, stream);
            result = AuthorizationResult.Deny("the authorizer failed");
        }

        if (result.IsAllowed)
            return peer with { User = result.User };
        if (isFirstAsk && peer.Credentials is { User: null, Parameters.Count: 0 })
            throw new StreamException(StreamError.Unauthorized, result.Reason ?? "not authorized");
        await _failures.DelayAsync(peer, cancellationToken).ConfigureAwait(false);
        var reason = result.Reason ?? "not authorized";
        Log.Unauthorized(_logger, action, stream, peer, reason);
        Events.Publish(new AuthorizationFailed(Now, stream, action, peer.Protocol, peer.RemoteEndPoint, reason));
        throw new StreamException(StreamError.Unauthorized, reason);
    }

    /// <summary>A view of everything; each stream's part is consistent in itself.</summary>
    public HubSnapshot GetSnapshot()
    {
        var relays = RelaySnapshots(static _ => true);
        var byStream = relays.ToLookup(relay => relay.Stream, StringComparer.Ordinal);
        return new HubSnapshot(
            [
                .. Volatile.Read(ref _streams).Values.Select(stream => stream.GetSnapshot([.. byStream[stream.Name]]))
                    .OrderBy(stream => stream.Name, StringComparer.Ordinal),
            ],
            relays,
            Pool.GetStatistics());
    }

    /// <summary>
    /// Ends every stream: publishers are revoked, consumers, destinations and talkers told. Returns when no source runs, no relay, and no
    /// speaker is used any more. Idempotent. Nothing can be published afterwards.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        using (GraphLock.Enter(_streamsLock))
            _stopping = true;
        await GraphLock.EnterAsync(_changing).ConfigureAwait(false);
        try
        {
            var stopped = StopRelays(static _ => true, CloseReason.Stopping);
            await Task.WhenAll(Volatile.Read(ref _streams).Values.Select(stream => EndAsync(stream, CloseReason.Stopping)))
                .ConfigureAwait(false);
            await WaitAsync([.. stopped.Select(relay => relay.Completion), .. Fetched.Select(sources => sources.Completion)])
                .ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }

        foreach (var place in Volatile.Read(ref _talkPlaces))
            await place.WhenEndedAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }

    /// <summary>Why none of the tracks can be delivered; null when one can, or there is none yet.</summary>
    internal static string? Mismatch(IReadOnlyList<Receiver> receivers, IReadOnlyList<Track>? wanted, WireFormat? format)
    {
        var offered = receivers
            .Select(receiver => receiver.Codec is { } codec ? Track.Of(codec, receiver.Track.Id) : receiver.Track).ToList();
        if (offered.Count == 0)
            return null;

        // Data count for who asks for them; others are given them beside media, or not at all.
        var asksForData = wanted is not null && wanted.Any(track => track.Kind == MediaKind.Data);
        var media = offered.Where(track => asksForData || track.Kind != MediaKind.Data).ToList();
        if (format is not null && media.Count > 0 && !media.Any(track => format.ForTrack(track)?.CanCarry(track.Codecs[0]) == true))
            return $"codecs not matched: {string.Join(", ", media.Select(track => track.Codecs[0].Name))} ⇒ {format.CodecNames}";
        return wanted is not null && !TrackMatch.TryMatch(offered, wanted, out _, out var failure) ? failure : null;
    }

    /// <summary>Subscribes when the enumeration begins, and hands out what comes until the subscription ends.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="subscribe">Makes the subscription, held.</param>
    /// <param name="cancellationToken">Ends the enumeration with an exception.</param>
    internal async IAsyncEnumerable<PacketBatch> Pull(
        SubscribeRequest request, Func<SubscribeRequest, PacketQueue, Subscription> subscribe,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var queue = new PullQueue(Pool, Options.Queue, TimeProvider);
        var onStateChanged = request.OnStateChanged;
        var subscription = subscribe(
            request with
            {
                OnStateChanged = (state, reason) =>
                {
                    if (state == SubscriptionState.Ended)
                        queue.Close(reason!);
                    onStateChanged?.Invoke(state, reason);
                },
            },
            queue);
        await using (subscription.ConfigureAwait(false))
        {
            subscription.Start();
            while (await queue.ReadAsync(cancellationToken).ConfigureAwait(false) is { } batch)
                yield return batch;
            if (queue.Reason is { Code: not (CloseCode.Requested or CloseCode.PublisherLeft or CloseCode.Stopping) } reason)
                throw new StreamException(StreamError.Ended, reason.Text);
        }
    }

    internal TalkPlace CreateTalkPlace(string stream, ISpeaker speaker)
    {
        var place = new TalkPlace(this, stream, speaker, _logger);
        ImmutableInterlocked.Update(ref _talkPlaces, static (all, added) => all.Add(added), place);
        return place;
    }

    internal void Forget(TalkPlace place) =>
        ImmutableInterlocked.Update(ref _talkPlaces, static (all, ended) => all.Remove(ended), place);

    internal void Remove(MediaStream stream)
    {
        using (GraphLock.Enter(_streamsLock))
        {
            if (_streams.TryGetValue(stream.Name, out var current) && ReferenceEquals(current, stream))
                _streams = _streams.Remove(stream.Name);
        }
    }

    internal void LogCallbackFailed(string stream, Exception exception) => Log.CallbackFailed(_logger, exception, stream);

    /// <summary>From 0 to 1, for pauses; tests set their own.</summary>
    internal Func<double> NextRandom { get; set; } = Random.Shared.NextDouble;

    /// <summary>By address: no session follows before those have ended, whichever stream's they are.</summary>
    internal LeftBehind<string> SourcesLeftBehind { get; } = new();

    /// <summary>By stream and address: no session follows before those have ended.</summary>
    internal LeftBehind<(string Stream, string Address)> RelaysLeftBehind { get; } = new();

    internal void CountSlowFanOut() => _metrics.CountSlowFanOut();

    internal void CountDeparted(SenderStatistics statistics) => _metrics.CountDeparted(statistics);

    private Feed StartFeed(PublishRequest request)
    {
        StreamName.ThrowIfInvalid(request.Stream);
        while (true)
        {
            var stream = request.Session is { } session ? session.Runner.Sources.Stream : GetOrAddStream(request.Stream);
            var feed = stream.TryStartFeed(request);
            if (feed is null)
            {
                if (request.Session is not null)
                    throw new StreamException(StreamError.Ended, "the stream has ended");
                GraphLock.Point();
                continue; // the stream ended between the two steps; its name is free, or soon will be
            }

            try
            {
                foreach (var track in request.Tracks)
                    feed.AddTrack(track);
                if (request.Speaker is { } speaker)
                    feed.OfferSpeaker(speaker);
                if (request.Tracks.Count > 0 || !feed.CarriesMedia)
                    feed.Settle();
                return feed;
            }
            catch
            {
                feed.Close(new CloseReason(CloseCode.Refused, "a track that cannot be published"));
                throw;
            }
        }
    }

    private MediaStream GetOrAddStream(string name)
    {
        using (GraphLock.Enter(_streamsLock))
        {
            if (_stopping)
                throw new StreamException(StreamError.Stopping, "the server stops");
            if (!_streams.TryGetValue(name, out var stream) || IsGone(stream))
                _streams = _streams.SetItem(name, stream = new MediaStream(this, name));
            return stream;
        }
    }

    internal Subscription AddSubscription(SubscribeRequest request, PacketQueue queue, WireFormat? format)
    {
        StreamName.ThrowIfInvalid(request.Stream);
        var wants = WantsOf(request);
        if (Find(request.Stream) is { } found && FindMismatch(found) is { } mismatch)
            throw new StreamException(StreamError.CodecsNotMatched, mismatch);
        var (stream, lease) = Acquire(request.Stream, wants);
        var subscription = new Subscription(
            this, stream, request, queue, format, lease, Interlocked.Increment(ref _subscriptionIds));
        if (!stream.TryAdd(subscription))
        {
            lease?.Dispose();
            throw NotFound();
        }

        // Those who were there when it became known were told then.
        GraphLock.Point();
        if (FindMismatch(stream) is { } known)
        {
            subscription.Close(new CloseReason(CloseCode.CodecMismatch, known));
            throw new StreamException(StreamError.CodecsNotMatched, known);
        }

        if (lease is not null && stream.Sources?.WhyNever(wants) is { } reason)
            subscription.Close(reason);
        return subscription;

        string? FindMismatch(MediaStream of)
        {
            if (of.Sources is not { } sources)
                return Mismatch(of.Receivers, request.Wanted, format);
            return (sources.Pending & wants) == SourceMedia.None
                ? Mismatch([.. of.Receivers.Where(receiver => receiver.Codec is not null)], request.Wanted, format)
                : null;
        }
    }

    // Data go with pictures or sound: who wants nothing else wants what has them.
    internal static SourceMedia WantsOf(SubscribeRequest request)
    {
        if (request.Leases is { } leases)
            return leases;
        if (request.Wanted is not { } wanted)
            return SourceMediaKinds.Viewed;
        var wants = wanted.Aggregate(SourceMedia.None, (all, track) => all | SourceMediaKinds.Of(track.Kind));
        return wants == SourceMedia.None && wanted.Count > 0 ? SourceMediaKinds.Viewed : wants;
    }

    private static StreamException NotFound() => new(StreamError.NotFound, "nobody publishes this stream");

    // All of its schemes or none.
    private void Register<T>(ref ImmutableDictionary<string, T> protocols, ImmutableArray<string> schemes, T protocol)
    {
        using (GraphLock.Enter(_streamsLock))
        {
            foreach (var scheme in schemes)
            {
                if (protocols.ContainsKey(scheme))
                    throw new InvalidOperationException($"The scheme {scheme} has a protocol already.");
            }

            protocols = protocols.AddRange(schemes.Select(scheme => KeyValuePair.Create(scheme, protocol)));
        }
    }

    // ---- Streams with sources ---------------------------------------------------------------------------------------------------

    // Touches nothing; all that is wrong is told at once.
    private (List<(string, SourceMedia, ISource)> Sources, List<(string, IRelayTarget)> Targets) CreateSources(StreamDefinition definition)
    {
        var errors = new List<string>();
        var sources = new List<(string, SourceMedia, ISource)>();
        var urls = new HashSet<string>(StringComparer.Ordinal);
        if (definition.Sources.IsDefaultOrEmpty && definition.PushTo.IsDefaultOrEmpty)
            errors.Add("It has no source.");
        errors.AddRange(new OptionErrors().Check(definition.Linger ?? TimeSpan.Zero, TimeSpan.Zero, name: nameof(definition.Linger)));
        foreach (var (address, number) in (definition.Sources.IsDefault ? [] : definition.Sources).Select((text, i) => (text, i + 1)))
        {
            try
            {
                var parsed = SourceAddress.Parse(address);
                if (!Volatile.Read(ref _protocols).TryGetValue(parsed.Scheme, out var protocol))
                    errors.Add($"Source {number}: no protocol has the scheme {parsed.Scheme}.");
                else if (!urls.Add(parsed.Url))
                    errors.Add($"Source {number}: it is there twice.");
                else
                    sources.Add((address, parsed.Media, Create(protocol.CreateSource, parsed.Url)));
            }
            catch (FormatException e)
            {
                errors.Add($"Source {number}: {e.Message}");
            }
        }

        if (StreamSourceProtocol.FindLoop(this, definition) is { } loop)
            errors.Add($"It would be taken from itself: {loop}.");
        var targets = CreateTargets(definition, errors);
        return errors.Count == 0
            ? (sources, targets)
            : throw new ArgumentException($"{definition.Name}: {string.Join(" ", errors)}", nameof(definition));
    }

    // What a third party's code throws may have the address in it, and nothing here expects it.
    private static T Create<T>(Func<string, T> create, string url)
    {
        try
        {
            return create(url);
        }
        catch (Exception e) when (e is not FormatException)
        {
            throw new FormatException("the protocol failed on it.");
        }
    }

    // Returns those that are on their way to their end.
    private IReadOnlyList<SourceRunner> ChangeSources(StreamDefinition definition, List<(string, SourceMedia, ISource)> sources)
    {
        var (set, added, removed) = SetSources(definition, sources);
        foreach (var runner in added)
            runner.Start(removed.Where(old => old.Name == runner.Name)); // one device, now used for something else
        set.Stream.EndUnmatched(); // what was taken away may have been the last for someone
        Forget(set); // if it was fetched before
        if (!definition.IsEnabled)
            set.Stream.EndConsumers(StreamSources.Disabled);
        return removed;
    }

    // The definition has none, or none any more; what was fetched is not its own.
    private IReadOnlyList<SourceRunner> EndSources(string stream)
    {
        using (GraphLock.Enter(_streamsLock))
        {
            if (_stopping)
                throw new StreamException(StreamError.Stopping, "the server stops");
        }

        return Find(stream) is { Sources.Definition.IsTransient: false } found
            ? End(found, new CloseReason(CloseCode.Unavailable, "the stream has no source any more"))
            : [];
    }

    private (StreamSources Set, IReadOnlyList<SourceRunner> Added, IReadOnlyList<SourceRunner> Removed) SetSources(
        StreamDefinition definition, List<(string, SourceMedia, ISource)> addresses)
    {
        while (true)
        {
            var stream = GetOrAddStream(definition.Name);
            var sources = stream.Sources;
            if (sources is null && stream.TryAdopt(new StreamSources(this, stream, definition, _sourcesLogger)))
                sources = stream.Sources;
            if (sources?.TrySet(definition, addresses) is var (added, removed))
                return (sources!, added, removed);
            if (sources is null && stream.IsPublished)
                throw new StreamException(StreamError.AlreadyPublished, "the stream has a publisher");
            GraphLock.Point(); // it ended between the two steps
        }
    }

    // Its feeds have ended when it is closed; then the sources' sessions end, and whoever talks.
    private static IReadOnlyList<SourceRunner> End(MediaStream stream, CloseReason reason)
    {
        var runners = stream.Sources?.Close(reason) ?? [];
        stream.Close(reason);
        return runners;
    }

    private Task EndAsync(MediaStream stream, CloseReason reason) => WaitAsync(End(stream, reason).Select(runner => runner.Completion));

    // One after the other, each where a test's scheduler sees it.
    private async Task WaitAsync(IEnumerable<Task> tasks)
    {
        foreach (var task in tasks)
            await GraphLock.WaitAsync(task, Timeout.InfiniteTimeSpan, TimeProvider).ConfigureAwait(false);
    }

    // All or nothing: what fails here leaves no session, and nothing has touched the device.
    private TalkSession AddTalkSession(TalkRequest request)
    {
        StreamName.ThrowIfInvalid(request.Stream);
        if (Find(request.Stream) is not { } stream || (stream.Sources is null && !stream.IsPublished))
            throw NotFound();
        var lease = stream.Sources?.Lease(SourceMedia.Talk);
        try
        {
            if (stream.TalkPlace is not { } place)
                throw new StreamException(StreamError.NoSpeaker, "this stream has no speaker");
            var offered = request.Codecs.Count > 0 ? request.Codecs : [.. place.Track.Codecs.Where(codec => codec.Channels > 0)];
            IReadOnlyList<Track> tracks = offered.Count > 0 ? [new Track(MediaKind.Audio, TrackDirection.SendOnly, [.. offered])] : [];
            if (!TrackMatch.TryMatch(tracks, [place.Track], out var matches, out var failure))
                throw new StreamException(StreamError.CodecsNotMatched, failure);
            var session = new TalkSession(place, Pool, request, matches[0].Codec, lease);
            place.Add(session, request.RefuseWhenBusy);
            return session;
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    // A call that ignores its token is left behind, but it keeps its place: there is a bound to how many are.
    private async Task<AuthorizationResult> AskAsync(
        IStreamAuthorizer authorizer, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        await _authorizations.WaitAsync(cancellationToken).ConfigureAwait(false);
        var answer = Task.Run(
            async () =>
            {
                try
                {
                    return await authorizer.AuthorizeAsync(request, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    _authorizations.Release();
                }
            },
            CancellationToken.None);
        try
        {
            return await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!answer.IsCompleted)
        {
            Log.AuthorizerAbandoned(_logger, MaxAuthorizations - _authorizations.CurrentCount);
            _ = answer.ContinueWith(
                static left => left.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }
}
