using System.Text.RegularExpressions;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>What is asked of another server, under which address, and what was asked in vain a moment ago. Thread-safe.</summary>
internal sealed class Upstream(UpstreamOptions options, TimeProvider time)
{
    private readonly Regex _names = options.CreatePattern();

    private readonly Lock _missingLock = new(); // guards the next field
    private readonly Dictionary<string, (long Since, string Why)> _missing = new(StringComparer.Ordinal);

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
