using System.Text.RegularExpressions;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>What is asked of another server, under which address, and what was asked in vain a moment ago. Thread-safe.</summary>
internal sealed class Upstream(UpstreamOptions options, int maxRunsPerMinute, TimeProvider time)
{
    private readonly Regex _names = options.CreatePattern();
    private readonly Tries _all = new(options.MaxTriesPerMinute, time); // whatever the names

    private readonly Lock _missingLock = new(); // guards the next two fields
    private readonly Dictionary<string, (long Since, string Why)> _missing = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tries> _tries = new(StringComparer.Ordinal);

    public bool Matches(string name) => StreamName.IsValid(name) && _names.IsMatch(name);

    // Of all that a name may hold, the slash alone means something in an address.
    public string AddressOf(string name)
    {
        var query = options.Url.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? options.Url : options.Url[..query];
        var rest = query < 0 ? "" : options.Url[query..];
        return path.Replace(UpstreamOptions.Placeholder, name, StringComparison.Ordinal)
            + rest.Replace(UpstreamOptions.Placeholder, Uri.EscapeDataString(name), StringComparison.Ordinal);
    }

    /// <summary>Throws if the name could not be had a moment ago.</summary>
    /// <exception cref="StreamException"><see cref="StreamError.Unavailable"/>.</exception>
    public void ThrowIfMissing(string name)
    {
        lock (_missingLock)
        {
            if (!_missing.TryGetValue(name, out var missing))
                return;
            if (time.GetElapsedTime(missing.Since) < options.RetryAfter)
                throw new StreamException(StreamError.Unavailable, missing.Why);
            _missing.Remove(name);
        }
    }

    /// <summary>
    /// Counts that a name is about to be asked for. Returns what counts how often it is, also by those who fetched it before.
    /// </summary>
    /// <exception cref="StreamException">
    /// <see cref="StreamError.Unavailable"/>: it, or any name, was too often in the last minute.
    /// </exception>
    public Tries Try(string name)
    {
        Tries? tries;
        lock (_missingLock)
        {
            if (!_tries.TryGetValue(name, out tries))
            {
                // Names beyond the bound are limited for as long as they are fetched, as those of configured streams.
                if (_tries.Count >= options.MaxStreams)
                {
                    foreach (var (old, _) in _tries.Where(entry => entry.Value.IsEmpty).ToList())
                        _tries.Remove(old);
                }

                tries = new Tries(maxRunsPerMinute, time);
                if (_tries.Count < options.MaxStreams)
                    _tries.Add(name, tries);
            }
        }

        ThrowIfEarly(tries.Remaining, "it", maxRunsPerMinute); // its source counts when it is run
        ThrowIfEarly(_all.TryAdd(), "streams", options.MaxTriesPerMinute);
        return tries;

        static void ThrowIfEarly(TimeSpan rest, string what, int limit)
        {
            if (rest <= TimeSpan.Zero)
                return;
            throw new StreamException(
                StreamError.Unavailable,
                $"the other server was asked for {what} {limit} times within a minute; the next try is in {rest.TotalSeconds:0.0} s")
            {
                RetryAfter = rest,
            };
        }
    }

    // Made-up names cannot fill more than as many streams would be.
    public void NoteMissing(string name, string why)
    {
        lock (_missingLock)
        {
            foreach (var (old, _) in _missing.Where(entry => time.GetElapsedTime(entry.Value.Since) >= options.RetryAfter).ToList())
                _missing.Remove(old);
            if (_missing.Count < options.MaxStreams && options.RetryAfter > TimeSpan.Zero)
                _missing[name] = (time.GetTimestamp(), why);
        }
    }
}
