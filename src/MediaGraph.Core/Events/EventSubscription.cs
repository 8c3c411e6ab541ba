using System.Threading.Channels;

namespace MediaGraph.Events;

/// <summary>One reader of an <see cref="EventBus"/>; dispose it to stop.</summary>
public sealed class EventSubscription : IDisposable
{
    private readonly EventBus _bus;
    private readonly Channel<MediaEvent> _channel;
    private long _dropped;

    internal EventSubscription(EventBus bus, int capacity)
    {
        _bus = bus;
        _channel = Channel.CreateBounded<MediaEvent>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest },
            _ => Interlocked.Increment(ref _dropped));
    }

    /// <summary>The events, in the order in which they were published. Completes when the subscription is disposed.</summary>
    public ChannelReader<MediaEvent> Reader => _channel.Reader;

    /// <summary>Events that were lost because they were not read in time.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <inheritdoc/>
    public void Dispose()
    {
        _bus.Remove(this);
        _channel.Writer.TryComplete();
    }

    internal void Offer(MediaEvent mediaEvent) => _channel.Writer.TryWrite(mediaEvent);
}
