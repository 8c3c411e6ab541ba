using System.Collections.Immutable;

namespace MediaGraph.Events;

/// <summary>
/// Hands events to whoever subscribed. Publishing never waits: a subscriber that does not read loses its oldest events, and
/// can see how many. Thread-safe.
/// </summary>
public sealed class EventBus
{
    private ImmutableArray<EventSubscription> _subscriptions = [];

    /// <summary>Subscribes to all later events.</summary>
    /// <param name="capacity">How many unread events are kept, 1 or more; the oldest go first.</param>
    public EventSubscription Subscribe(int capacity = 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var subscription = new EventSubscription(this, capacity);
        ImmutableInterlocked.Update(ref _subscriptions, static (all, added) => all.Add(added), subscription);
        return subscription;
    }

    /// <summary>Publishes an event. Continuations of readers never run on the caller's thread.</summary>
    public void Publish(MediaEvent mediaEvent)
    {
        ArgumentNullException.ThrowIfNull(mediaEvent);
        foreach (var subscription in _subscriptions)
            subscription.Offer(mediaEvent);
    }

    internal void Remove(EventSubscription subscription) =>
        ImmutableInterlocked.Update(ref _subscriptions, static (all, removed) => all.Remove(removed), subscription);
}
