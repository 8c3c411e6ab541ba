using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Sources;

namespace MediaGraph.Streams;

/// <content>Where streams are pushed to.</content>
public sealed partial class StreamHub
{
    private ImmutableDictionary<string, IRelayProtocol> _relayProtocols =
        ImmutableDictionary.Create<string, IRelayProtocol>(StringComparer.Ordinal);

    private ImmutableDictionary<(string Stream, string Address), Relay> _relays =
        ImmutableDictionary<(string Stream, string Address), Relay>.Empty;

    /// <summary>Registers a protocol that streams can be pushed by.</summary>
    /// <exception cref="InvalidOperationException">One of its schemes has a protocol.</exception>
    public void AddRelayProtocol(IRelayProtocol protocol)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        Register(ref _relayProtocols, protocol.Schemes, protocol);
    }

    /// <summary>
    /// Pushes a stream to another server until the relay is disposed of, or the stream removed. A stream that is not there is waited for; a
    /// destination that fails is tried again.
    /// </summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="url">The destination, of a protocol that was registered by <see cref="AddRelayProtocol"/>.</param>
    /// <exception cref="ArgumentException">The address is none; the message says why, without repeating it.</exception>
    /// <exception cref="InvalidOperationException">The stream is pushed there already.</exception>
    /// <exception cref="StreamException">The name is none, or the hub stops.</exception>
    public Relay AddRelay(string stream, string url)
    {
        StreamName.ThrowIfInvalid(stream);
        Relay relay;
        Relay? before;
        try
        {
            relay = new Relay(this, stream, url, CreateTarget(url), _relaysLogger);
        }
        catch (FormatException e)
        {
            throw new ArgumentException(e.Message, nameof(url), e);
        }

        using (GraphLock.Enter(_streamsLock))
        {
            if (_stopping)
                throw new StreamException(StreamError.Stopping, "the server stops");
            if (_relays.TryGetValue((stream, url), out before) && !before.IsStopping)
                throw new InvalidOperationException("The stream is pushed there already.");
            _relays = _relays.SetItem((stream, url), relay);
        }

        relay.Start(before);
        return relay;
    }

    /// <summary>The stream of that name came, went, or was changed.</summary>
    internal void WakeRelays(string stream)
    {
        foreach (var relay in Volatile.Read(ref _relays).Values)
        {
            if (relay.StreamName == stream)
                relay.Wake();
        }
    }

    internal ImmutableArray<RelaySnapshot> RelaysOf(string stream) => RelaySnapshots(relay => relay.StreamName == stream);

    internal void Remove(Relay relay)
    {
        var key = (relay.StreamName, relay.Address);
        using (GraphLock.Enter(_streamsLock))
        {
            if (_relays.TryGetValue(key, out var current) && ReferenceEquals(current, relay))
                _relays = _relays.Remove(key);
        }
    }

    private ImmutableArray<RelaySnapshot> RelaySnapshots(Func<Relay, bool> isMeant) =>
    [
        .. Volatile.Read(ref _relays).Values.Where(isMeant).Select(relay => relay.GetSnapshot())
            .OrderBy(relay => relay.Stream, StringComparer.Ordinal).ThenBy(relay => relay.Name, StringComparer.Ordinal),
    ];

    // Touches nothing.
    private IRelayTarget CreateTarget(string url)
    {
        var parsed = SourceAddress.Parse(url);
        if (parsed.Media != SourceMedia.All)
            throw new FormatException("A destination is sent all media: it has no #media=.");
        return Volatile.Read(ref _relayProtocols).TryGetValue(parsed.Scheme, out var protocol)
            ? Create(protocol.CreateTarget, parsed.Url)
            : throw new FormatException($"No protocol pushes to addresses with the scheme {parsed.Scheme}.");
    }

    private List<(string Address, IRelayTarget Target)> CreateTargets(StreamDefinition definition, List<string> errors)
    {
        var targets = new List<(string Address, IRelayTarget Target)>();
        foreach (var (address, number) in (definition.PushTo.IsDefault ? [] : definition.PushTo).Select((text, i) => (text, i + 1)))
        {
            try
            {
                if (targets.Exists(target => target.Address == address))
                    errors.Add($"Destination {number}: it is there twice.");
                else
                    targets.Add((address, CreateTarget(address)));
            }
            catch (FormatException e)
            {
                errors.Add($"Destination {number}: {e.Message}");
            }
        }

        return targets;
    }

    // One that was added at run time becomes one of the definition's. Returns those that are on their way to their end.
    private List<Relay> SetRelays(string stream, List<(string Address, IRelayTarget Target)> targets)
    {
        var added = new List<(Relay Relay, Relay? Before)>();
        using (GraphLock.Enter(_streamsLock))
        {
            foreach (var (address, target) in _stopping ? [] : targets)
            {
                if (_relays.TryGetValue((stream, address), out var before) && !before.IsStopping)
                {
                    before.IsConfigured = true;
                    continue;
                }

                var relay = new Relay(this, stream, address, target, _relaysLogger) { IsConfigured = true };
                added.Add((relay, before));
                _relays = _relays.SetItem((stream, address), relay);
            }
        }

        foreach (var (relay, before) in added)
            relay.Start(before);
        return StopRelays(
            relay => relay.StreamName == stream && relay.IsConfigured && !targets.Exists(target => target.Address == relay.Address),
            CloseReason.Requested);
    }

    private bool HasConfiguredRelays(string stream) =>
        Volatile.Read(ref _relays).Values.Any(relay => relay.StreamName == stream && relay.IsConfigured && !relay.IsStopping);

    private List<Relay> StopRelays(Func<Relay, bool> isMeant, CloseReason reason)
    {
        var stopped = Volatile.Read(ref _relays).Values.Where(isMeant).ToList();
        foreach (var relay in stopped)
            relay.Stop(reason);
        return stopped;
    }
}
