using System.Net;

namespace MediaGraph.Security;

/// <summary>Counts refusals per address, and delays their answers. Thread-safe.</summary>
internal sealed class AuthorizationFailures(AuthorizationFailureOptions options, TimeProvider timeProvider)
{
    private const int MaxAddresses = 10_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Dictionary<IPAddress, (long Since, int Count)> _counts = [];
    private readonly Lock _countsLock = new();

    /// <summary>Whether the peer's address has been refused too often.</summary>
    public bool IsBlocked(Peer peer)
    {
        if (peer.Address is not { } address)
            return false;
        lock (_countsLock)
            return _counts.TryGetValue(address, out var entry) && !IsOver(entry.Since) && entry.Count >= options.MaxPerMinute;
    }

    /// <summary>Counts a refusal, and returns when it may be told.</summary>
    public async Task DelayAsync(Peer peer, CancellationToken cancellationToken)
    {
        if (peer.Address is { } address)
            Count(address);
        var delay = options.MinDelay + ((options.MaxDelay - options.MinDelay) * Random.Shared.NextDouble());
        if (delay > TimeSpan.Zero)
            await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
    }

    private void Count(IPAddress address)
    {
        lock (_countsLock)
        {
            if (_counts.Count >= MaxAddresses)
            {
                foreach (var (old, entry) in _counts)
                {
                    if (IsOver(entry.Since))
                        _counts.Remove(old);
                }
            }

            if (_counts.TryGetValue(address, out var current) && !IsOver(current.Since))
                _counts[address] = current with { Count = current.Count + 1 };
            else if (_counts.ContainsKey(address) || _counts.Count < MaxAddresses)
                _counts[address] = (timeProvider.GetTimestamp(), 1);
        }
    }

    private bool IsOver(long since) => timeProvider.GetElapsedTime(since) >= Window;
}
