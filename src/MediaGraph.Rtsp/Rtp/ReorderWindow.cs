using System.Diagnostics.CodeAnalysis;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Puts the packets of one source in order, for transports that do not. A packet that comes in its turn passes at once; one that is
/// early waits until those before it have come, but not longer than the delay, and not for more packets than the capacity. After each
/// <see cref="TryAdd"/>, and when <see cref="Deadline"/> has come, take what <see cref="TryTake"/> gives. Not thread-safe.
/// </summary>
/// <typeparam name="T">What is put in order.</typeparam>
/// <param name="capacity">Packets that wait at most, 1 or more.</param>
/// <param name="delay">How long the first that waits is held at most.</param>
/// <param name="timeProvider">For the delay.</param>
internal sealed class ReorderWindow<T>(int capacity, TimeSpan delay, TimeProvider timeProvider)
{
    private readonly (bool IsThere, T Item, long Arrival)[] _slots = new (bool, T, long)[capacity];
    private (long Sequence, T Item)? _ahead; // beyond the window: pushes it forward
    private long _next; // the sequence number whose turn it is
    private bool _started;
    private bool _flushing;

    /// <summary>Packets that came after their turn had been given up.</summary>
    public long Late { get; private set; }

    /// <summary>Packets that were waiting already.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Packets whose turn was given up.</summary>
    public long Lost { get; private set; }

    /// <summary>Packets that wait.</summary>
    public int Count { get; private set; }

    /// <summary>When, as a timestamp of the time provider, waiting for what is missing ends; null while nothing waits.</summary>
    public long? Deadline
    {
        get
        {
            long? earliest = null;
            if (Count == 0)
                return null;
            foreach (var (isThere, _, arrival) in _slots)
            {
                if (isThere && (earliest is null || arrival < earliest))
                    earliest = arrival;
            }

            return earliest + (long)(delay.TotalSeconds * timeProvider.TimestampFrequency);
        }
    }

    /// <summary>Adds a packet, which the caller has taken the ones before out for.</summary>
    /// <param name="sequence">Its sequence number, unwrapped.</param>
    /// <param name="item">The packet. It passes to the window when this returns true.</param>
    /// <returns>False when it is late or a duplicate.</returns>
    /// <exception cref="InvalidOperationException">There was something left to take.</exception>
    public bool TryAdd(long sequence, T item)
    {
        if (_ahead is not null || _flushing)
            throw new InvalidOperationException("Take what is due first.");
        if (!_started)
        {
            _started = true;
            _next = sequence;
        }

        if (sequence < _next)
        {
            Late++;
            return false;
        }

        if (sequence - _next >= capacity)
        {
            _ahead = (sequence, item);
            return true;
        }

        ref var slot = ref _slots[sequence % capacity];
        if (slot.IsThere)
        {
            Duplicates++;
            return false;
        }

        slot = (true, item, timeProvider.GetTimestamp());
        Count++;
        return true;
    }

    /// <summary>Takes the next packet that is due, which passes to the caller.</summary>
    /// <returns>False when none is due now.</returns>
    public bool TryTake([MaybeNullWhen(false)] out T item, out long sequence)
    {
        while (_started)
        {
            ref var slot = ref _slots[_next % capacity];
            if (slot.IsThere)
            {
                (item, sequence) = (slot.Item, _next++);
                slot = default;
                Count--;
                return true;
            }

            if (!MayPassOver())
                break;
        }

        (item, sequence) = (default, 0);
        return false;
    }

    /// <summary>Gives up what is missing: all that waits can be taken now, and then the window starts anew.</summary>
    public void Flush() => _flushing = _started;

    // Whether the packet whose turn it is has been given up.
    private bool MayPassOver()
    {
        if (Count == 0)
        {
            if (_ahead is { } alone)
            {
                Lost += alone.Sequence - _next;
                _next = alone.Sequence;
                PlaceAhead();
                return true;
            }

            if (_flushing)
                _flushing = _started = false;
            return false;
        }

        if (_ahead is { } ahead && ahead.Sequence - _next < capacity)
        {
            PlaceAhead();
            return true;
        }

        if (_ahead is null && !_flushing && Deadline > timeProvider.GetTimestamp())
            return false;
        Lost++;
        _next++;
        return true;
    }

    private void PlaceAhead()
    {
        var (sequence, item) = _ahead!.Value;
        _slots[sequence % capacity] = (true, item, timeProvider.GetTimestamp());
        _ahead = null;
        Count++;
    }
}
