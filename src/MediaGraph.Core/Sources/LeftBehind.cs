using System.Collections.Immutable;

namespace MediaGraph.Sources;

/// <summary>
/// Sessions in user code that did not end when they were told to, by what they hold, until they do: none follows before. Thread-safe.
/// </summary>
internal sealed class LeftBehind<TKey>
    where TKey : notnull
{
    private ImmutableDictionary<TKey, Task> _sessions = ImmutableDictionary<TKey, Task>.Empty;

    /// <summary>Ends when all that were left behind by now have.</summary>
    public Task this[TKey key] => Volatile.Read(ref _sessions).GetValueOrDefault(key, Task.CompletedTask);

    /// <param name="key">What the session holds.</param>
    /// <param name="session">Ends with it, and never fails.</param>
    public void Add(TKey key, Task session)
    {
        var all = ImmutableInterlocked.AddOrUpdate(ref _sessions, key, session, (_, others) => Task.WhenAll(others, session));
        _ = all.ContinueWith(
            _ => ImmutableInterlocked.Update(
                ref _sessions, sessions => sessions.GetValueOrDefault(key) == all ? sessions.Remove(key) : sessions),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
