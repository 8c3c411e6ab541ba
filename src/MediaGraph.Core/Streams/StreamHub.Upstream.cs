using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Sources;

namespace MediaGraph.Streams;

/// <content>Streams that are fetched from another server when somebody asks for them.</content>
public sealed partial class StreamHub
{
    // Until the last of their sources' tasks has ended.
    private ImmutableHashSet<StreamSources> _fetched = [];

    internal ImmutableHashSet<StreamSources> Fetched => Volatile.Read(ref _fetched);

    /// <summary>Whether a stream of that name would be asked for at the other server.</summary>
    internal bool MayFetch(string name) => _upstream?.Matches(name) == true;

    internal void Forget(StreamSources sources)
    {
        if (!Fetched.Contains(sources))
            return;
        using (GraphLock.Enter(_streamsLock))
            _fetched = _fetched.Remove(sources);
    }

    /// <summary>Nobody needs it any more, or it cannot be had.</summary>
    internal void EndFetched(MediaStream stream, CloseReason reason)
    {
        if (reason.Code == CloseCode.Unavailable)
            _upstream?.NoteMissing(stream.Name, reason.Text);
        stream.Close(reason);
    }

    // The stream and, if it has sources, a lease on it.
    private (MediaStream Stream, StreamLease? Lease) Acquire(string name, SourceMedia wants)
    {
        while (true)
        {
            var found = Find(name);
            if (found is not null && !IsGone(found))
            {
                try
                {
                    return (found, found.Sources?.Lease(wants));
                }
                catch (StreamException) when (found.Sources!.IsOver)
                {
                    continue; // between the two steps: its name is free
                }
            }

            if (!MayFetch(name))
                throw NotFound();
            if (Fetch(name, wants) is { } lease)
                return (lease.Stream, lease);
        }
    }

    // Null when there is such a stream now.
    private StreamLease? Fetch(string name, SourceMedia wants)
    {
        _upstream!.ThrowIfMissing(name);
        using (GraphLock.Enter(_streamsLock))
        {
            if (!HasRoomLocked(name)) // now too: what does not reach the other server is no try
                return null;
        }

        var tries = _upstream.Try(name);
        var address = _upstream.AddressOf(name);
        ISource source;
        try
        {
            var parsed = SourceAddress.Parse(address);
            source = Volatile.Read(ref _protocols).TryGetValue(parsed.Scheme, out var protocol)
                ? Create(protocol.CreateSource, parsed.Url)
                : throw new FormatException($"no protocol has the scheme {parsed.Scheme}");
        }
        catch (FormatException e)
        {
            throw new StreamException(StreamError.Unavailable, $"the other server's address is wrong: {e.Message}");
        }

        // With its first lease from the start: nobody can find it unused.
        var stream = new MediaStream(this, name);
        var sources = new StreamSources(
            this, stream, new StreamDefinition(name) { Sources = [address], IsTransient = true }, _sourcesLogger)
        {
            Tries = tries,
        };
        stream.TryAdopt(sources);
        var added = sources.TrySet(sources.Definition, [(address, SourceMedia.All, source)])!.Value.Added;
        sources.Tries = null; // what it is changed to has other sources
        var lease = sources.Lease(wants);
        using (GraphLock.Enter(_streamsLock))
        {
            if (!HasRoomLocked(name))
                return null;
            _fetched = _fetched.Add(sources);
            _streams = _streams.SetItem(name, stream);
        }

        foreach (var runner in added)
            runner.Start([]);
        return lease;
    }

    // False when there is such a stream now.
    private bool HasRoomLocked(string name)
    {
        if (_stopping)
            throw new StreamException(StreamError.Stopping, "the server stops");
        if (_streams.TryGetValue(name, out var other) && !IsGone(other))
            return false;
        if (_fetched.Count >= Options.Upstream!.MaxStreams)
            throw new StreamException(StreamError.Unavailable, "too many streams are fetched from the other server now");
        return true;
    }

    // Over, and only still in the table.
    private static bool IsGone(MediaStream stream) => stream.IsClosed || stream.Sources?.IsOver == true;
}
