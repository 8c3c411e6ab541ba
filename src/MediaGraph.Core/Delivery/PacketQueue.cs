using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Delivery;

/// <summary>
/// What waits for one consumer: packets of all its senders and, on a connection, the replies in between, in one order behind
/// one gate. Bounded; nobody ever waits to put something in.
/// </summary>
public abstract class PacketQueue
{
    // The gate. Guards every field below and the SenderState of every sender of this queue.
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _backlog = new();
    private readonly List<Sender> _replaying = [];
    private long _queuedBytes;
    private int _queuedVideo;
    private long _replyBytes;
    private int _joining;
    private bool _held;
    private bool _finishing;
    private bool _closed;

    private protected PacketQueue(PacketPool pool, PacketQueueOptions? options, TimeProvider? timeProvider)
    {
        ArgumentNullException.ThrowIfNull(pool);
        Pool = pool;
        Options = options ?? new PacketQueueOptions();
        TimeProvider = timeProvider ?? TimeProvider.System;
    }

    private protected PacketPool Pool { get; }

    private protected PacketQueueOptions Options { get; }

    private protected TimeProvider TimeProvider { get; }

    private protected Lock Gate => _gate;

    private protected bool IsClosedLocked => _closed;

    /// <summary>What waits now.</summary>
    public QueueStatistics GetStatistics()
    {
        using (GraphLock.Enter(_gate))
        {
            var depth = _backlog.Count + PendingLocked;
            foreach (var sender in _replaying)
                depth += sender.State.Replay!.Remaining;
            return new QueueStatistics(depth, _queuedBytes, OldestAgeLocked(), StalledForLocked);
        }
    }

    internal SenderStatistics GetStatistics(Sender sender)
    {
        using (GraphLock.Enter(_gate))
        {
            var state = sender.State;
            return new SenderStatistics(
                state.Offered, state.Delivered, state.DeliveredBytes, state.DroppedByOverflow, state.DroppedAwaitingKeyframe,
                state.DroppedByClose, state.Queued);
        }
    }

    /// <summary>
    /// Makes a sender for a track. Nothing is sent from the queue until each registered sender is attached or closed, so that the
    /// tracks of one consumer start together.
    /// </summary>
    /// <param name="track">What the sender carries.</param>
    /// <param name="format">How packets become bytes; null for a queue whose reader takes packets.</param>
    public Sender CreateSender(Track track, WireFormat? format)
    {
        ArgumentNullException.ThrowIfNull(track);
        var sender = new Sender(this, track, format);
        using (GraphLock.Enter(_gate))
        {
            if (_closed)
            {
                sender.State.Closed = true;
            }
            else
            {
                sender.State.Joining = true;
                _joining++;
            }
        }

        return sender;
    }

    /// <summary>
    /// Holds all media back, until <see cref="ReleaseHold"/>: for a consumer that must be told first what it will be sent. What replies come
    /// meanwhile go out before the media that wait.
    /// </summary>
    public void Hold()
    {
        using (GraphLock.Enter(_gate))
        {
            if (_held || _closed)
                return;
            _held = true;
            _joining++;
        }
    }

    /// <summary>Ends <see cref="Hold"/>. Idempotent.</summary>
    public void ReleaseHold()
    {
        using (GraphLock.Enter(_gate))
        {
            if (!_held)
                return;
            _held = false;
            _joining--;
            if (_joining == 0 && HasBacklogLocked)
                WakeLocked();
        }
    }

    /// <summary>See <see cref="Node.Prefetch"/>; the queue itself has come with step 1.</summary>
    internal virtual void Prefetch(int step)
    {
        if (step != 2)
            return;
        CacheLines.Prefetch(_gate, 1);
        CacheLines.Prefetch(_backlog, 1);
        CacheLines.Prefetch(_replaying, 1);
    }

    /// <summary>Takes a packet from the graph: sends it in place, queues it, or drops it and counts the drop.</summary>
    internal void Offer(Sender sender, MediaPacket packet)
    {
        var state = sender.State;
        using (GraphLock.Enter(_gate))
        {
            if (_closed || _finishing || state.Closed)
                return;
            state.Offered++;
            if (!CanCarryLocked(sender, packet.Codec))
            {
                state.DroppedByClose++;
                if (packet.Codec.Kind == MediaKind.Data)
                    return; // what belongs to media that this consumer is not given, or can do without
                FailLocked(new CloseReason(CloseCode.CodecMismatch, MismatchOf(packet.Codec, sender.Format!)));
                return;
            }

            if (!AdmitLocked(state, packet))
            {
                state.DroppedAwaitingKeyframe++;
                return;
            }

            if (_backlog.Count == 0 && _joining == 0 && _replaying.Count == 0 && TrySendOrFailLocked(sender, packet))
                return;
            if (IsOverflowingLocked(packet) && !MakeRoomLocked(sender, packet))
                return;
            packet.Retain();
            _backlog.Enqueue(new Entry(sender, packet, null, 0, TimeProvider.GetTimestamp()));
            state.Queued++;
            _queuedBytes += packet.Length;
            if (sender.Track.Kind == MediaKind.Video)
                _queuedVideo++;
            if (_joining == 0)
                WakeLocked();
        }
    }

    /// <summary>The sender is attached, and this is what it starts with.</summary>
    internal void CompleteJoin(Sender sender, GroupCursor? replay)
    {
        var state = sender.State;
        using (GraphLock.Enter(_gate))
        {
            if (_closed || _finishing || state.Closed)
            {
                replay?.Dispose();
                return;
            }

            EndJoiningLocked(state);
            while (sender.ReplayRange == ReplayRange.Newest && replay is { Remaining: > 1 })
                replay.MoveNext();
            if (replay is { Remaining: > 0 })
            {
                state.Replay = replay;
                state.Offered += replay.Remaining;
                state.Queued += replay.Remaining;
                _replaying.Add(sender);
            }
            else
            {
                replay?.Dispose();
                if (sender.Track.Kind == MediaKind.Video)
                    AwaitKeyframeLocked(sender);
            }

            if (sender.Leader is { State.Joining: true } leader)
                (leader.State.Followers ??= []).Add(sender);
            else
                AnnounceLocked(sender);
            AlignFollowersLocked(sender);
            if (_joining == 0 && HasBacklogLocked)
                WakeLocked();
        }
    }

    /// <summary>Takes a sender out; when this returns no packet of it is taken any more. Idempotent.</summary>
    internal void Remove(Sender sender)
    {
        using (GraphLock.Enter(_gate))
        {
            if (!sender.State.Closed)
                RemoveLocked(sender);
        }
    }

    /// <summary>Puts a reply in line; false when the queue is closed. A queue without a wire takes none.</summary>
    private protected bool EnqueueReplyLocked(ReadOnlySpan<byte> reply)
    {
        if (_closed)
            return false;
        var buffer = Pool.Rent(reply.Length);
        reply.CopyTo(buffer.Span);
        EnqueueReplyLocked(buffer, reply.Length);
        return true;
    }

    private protected void EnqueueReplyLocked(PooledBuffer buffer, int length)
    {
        var reply = new Entry(null, null, buffer, length, TimeProvider.GetTimestamp());
        if (_held)
            EnqueueBeforeMediaLocked(reply);
        else
            _backlog.Enqueue(reply);
        _replyBytes += length;
        if (_replyBytes > Options.MaxReplyBytes)
            FailLocked(new CloseReason(CloseCode.LimitExceeded, "too many replies wait for a peer that does not read"));
        WakeLocked();
    }

    /// <summary>The first packet that waits of a track, with a reference for the caller; null while there is none.</summary>
    internal MediaPacket? RetainFirst(Sender sender)
    {
        using (GraphLock.Enter(_gate))
        {
            var first = sender.State.Replay is { Remaining: > 0 } replay ? replay.Current : null;
            if (first is null)
            {
                foreach (var entry in _backlog)
                {
                    if (ReferenceEquals(entry.Sender, sender))
                    {
                        first = entry.Packet;
                        break;
                    }
                }
            }

            first?.Retain();
            return first;
        }
    }

    private protected bool HasBacklogLocked => _backlog.Count > 0 || _replaying.Count > 0;

    /// <summary>Takes what comes next. Whoever takes it owns the packet's, or the buffer's, one reference.</summary>
    private protected bool TryTakeLocked(out Entry entry)
    {
        if (_joining > 0 && (_backlog.Count == 0 || _backlog.Peek().Packet is not null))
        {
            entry = default; // the end of the joining wakes us again
            return false;
        }

        SkipReplayLocked();
        var replaying = EarliestReplayLocked();
        if (_backlog.TryPeek(out entry) && (replaying is null || GoesBeforeLocked(entry, replaying)))
        {
            _backlog.Dequeue();
            if (entry.Packet is null)
            {
                _replyBytes -= entry.Length;
            }
            else
            {
                CountDequeuedLocked(entry);
            }

            return true;
        }

        if (replaying is null)
            return false;
        var state = replaying.State;
        var packet = state.Replay!.Current;
        packet.Retain();
        entry = new Entry(replaying, packet, null, 0, 0);
        state.Queued--;
        state.ReplayAwaitsKeyframe = false;
        state.Replay.MoveNext();
        if (state.Replay.Remaining == 0)
            EndReplayLocked(replaying);
        return true;
    }

    /// <summary>Drops all media and takes none any more; replies still go out.</summary>
    private protected void FinishLocked()
    {
        _finishing = true;
        RemoveAllMediaLocked();
        if (HasBacklogLocked)
            WakeLocked(); // replies that waited behind media which waited for a sender to join
    }

    /// <summary>Ends the queue: everything that waits is dropped and counted.</summary>
    private protected void CloseLocked()
    {
        if (_closed)
            return;
        _closed = true;
        RemoveAllMediaLocked();
        while (_backlog.TryDequeue(out var entry))
            entry.Reply!.Release();
        _replyBytes = 0;
    }

    /// <summary>Sends a packet at once. False, with nothing done, when it must be queued.</summary>
    private protected abstract bool TrySendLocked(Sender sender, MediaPacket packet);

    /// <summary>Something waits: sees to it that it is taken.</summary>
    private protected abstract void WakeLocked();

    /// <summary>The consumer must be disconnected; carried out elsewhere.</summary>
    private protected abstract void FailLocked(CloseReason reason);

    /// <summary>Units that were taken but not sent whole.</summary>
    private protected virtual int PendingLocked => 0;

    private protected virtual TimeSpan StalledForLocked => TimeSpan.Zero;

    // After a gap, or at the start, video begins with a keyframe.
    private static bool AdmitLocked(SenderState state, MediaPacket packet)
    {
        if (packet.Codec.Kind != MediaKind.Video)
            return true;
        if ((packet.Flags & PacketFlags.Discontinuity) != 0)
            state.AwaitsKeyframe = true;
        if (state.AwaitsKeyframe && !packet.IsKeyframe)
            return false;
        state.AwaitsKeyframe = false;
        return true;
    }

    // Of what has been queued already, too, nothing comes before a keyframe.
    private void AwaitKeyframeLocked(Sender sender)
    {
        sender.State.AwaitsKeyframe = true;
        RemoveEntriesLocked(entry =>
        {
            if (!ReferenceEquals(entry.Sender, sender) || AdmitLocked(sender.State, entry.Packet!))
                return false;
            sender.State.DroppedAwaitingKeyframe++;
            return true;
        });
    }

    private static bool CanCarryLocked(Sender sender, Codec codec)
    {
        if (ReferenceEquals(codec, sender.State.OfferedCodec))
            return true;
        if (sender.Format?.CanCarry(codec) == false)
            return false;
        sender.State.OfferedCodec = codec;
        return true;
    }

    private TimeSpan OldestAgeLocked() =>
        _backlog.TryPeek(out var oldest) ? TimeProvider.GetElapsedTime(oldest.EnqueuedAt) : TimeSpan.Zero;

    private bool IsOverflowingLocked(MediaPacket packet) =>
        _backlog.Count > 0
        && (_queuedBytes + packet.Length > Options.MaxBytes || _backlog.Count >= Options.MaxPackets
            || OldestAgeLocked() > Options.MaxAge);

    // True when the packet may be queued now.
    private bool MakeRoomLocked(Sender sender, MediaPacket packet)
    {
        if (Options.OnOverflow == OverflowPolicy.Disconnect)
        {
            sender.State.DroppedByOverflow++;
            FailLocked(new CloseReason(CloseCode.TooSlow, "the consumer takes less than the stream brings"));
            return false;
        }

        if (_queuedVideo > 0)
        {
            RemoveEntriesLocked(static entry =>
            {
                if (entry.Sender?.Track.Kind != MediaKind.Video)
                    return false;
                entry.Sender.State.DroppedByOverflow++;
                entry.Sender.State.AwaitsKeyframe = true;
                return true;
            });
        }

        var isVideo = sender.Track.Kind == MediaKind.Video;
        if (isVideo && !packet.IsKeyframe)
        {
            sender.State.AwaitsKeyframe = true;
            sender.State.DroppedByOverflow++;
            return false;
        }

        if (isVideo)
            sender.State.AwaitsKeyframe = false;

        // Without video it is the oldest sound that goes, from the front: as much work as there are packets to drop.
        while (IsOverflowingLocked(packet) && _backlog.Peek() is { Packet: not null } oldest)
        {
            _backlog.Dequeue();
            CountDequeuedLocked(oldest);
            oldest.Sender!.State.DroppedByOverflow++;
            oldest.Packet.Release();
        }

        if (IsOverflowingLocked(packet))
            DropSoundBehindReplyLocked(packet);
        return true;
    }

    private void DropSoundBehindReplyLocked(MediaPacket packet)
    {
        var excess = _queuedBytes + packet.Length - Options.MaxBytes;
        var surplus = _backlog.Count + 1 - Options.MaxPackets;
        RemoveEntriesLocked(entry =>
        {
            if (entry.Sender is null
                || (excess <= 0 && surplus <= 0 && TimeProvider.GetElapsedTime(entry.EnqueuedAt) <= Options.MaxAge))
                return false;
            excess -= entry.Packet!.Length;
            surplus--;
            entry.Sender.State.DroppedByOverflow++;
            return true;
        });
    }

    // What fails for this consumer is not the publisher's affair, nor the other consumers'.
    private bool TrySendOrFailLocked(Sender sender, MediaPacket packet)
    {
        try
        {
            return TrySendLocked(sender, packet);
        }
        catch (Exception e)
        {
            sender.State.DroppedByClose++;
            FailLocked(new CloseReason(CloseCode.Fault, $"writing a packet failed: {e.Message}"));
            return true;
        }
    }

    private void CountDequeuedLocked(in Entry entry)
    {
        _queuedBytes -= entry.Packet!.Length;
        entry.Sender!.State.Queued--;
        if (entry.Sender.Track.Kind == MediaKind.Video)
            _queuedVideo--;
    }

    // The sound's newest group may have begun with the keyframe before, or have gone on while the video was attached: what is older than
    // the first picture is not for this consumer. Without a picture, what comes live is all there is.
    private void AlignFollowersLocked(Sender leader)
    {
        if (leader.State.Followers is not { } followers)
            return;
        leader.State.Followers = null;
        var first = leader.State.Replay?.Current.DecodeTimestamp;
        foreach (var follower in followers)
        {
            var state = follower.State;
            while (state.Replay is { Remaining: > 0 } replay && (first is null || replay.Current.DecodeTimestamp < first))
            {
                state.Offered--;
                state.Queued--;
                replay.MoveNext();
            }

            if (state.Replay is { Remaining: 0 })
                EndReplayLocked(follower);
            RemoveEntriesLocked(entry =>
            {
                if (!ReferenceEquals(entry.Sender, follower) || !(entry.Packet!.DecodeTimestamp < first))
                    return false;
                state.Offered--;
                return true;
            });
            AnnounceLocked(follower);
        }
    }

    // Says what will come, unless that comes at once.
    private void AnnounceLocked(Sender sender)
    {
        if (sender.State.Closed || sender.State.Queued > 0 || sender.Parent is not Receiver { Codec: { } codec, LastDecodeTime: var time })
            return;
        if (!CanCarryLocked(sender, codec) || sender.Format?.WriteParameters(Pool, codec, time, out var length) is not { } parameters)
            return;
        sender.State.WireCodec = codec;
        EnqueueReplyLocked(parameters, length);
    }

    // A group may begin in a codec that the consumer cannot take, or have data in between: what it is fed now can be written.
    private void SkipReplayLocked()
    {
        for (var i = _replaying.Count - 1; i >= 0; i--)
        {
            var sender = _replaying[i];
            var state = sender.State;
            while (state.Replay is { Remaining: > 0 } replay)
            {
                var packet = replay.Current;
                var isCarried = CanCarryLocked(sender, packet.Codec);
                if (isCarried && (packet.IsKeyframe || !state.ReplayAwaitsKeyframe))
                    break;
                state.ReplayAwaitsKeyframe = packet.Codec.Kind == MediaKind.Video;
                state.Queued--;
                state.DroppedAwaitingKeyframe++;
                replay.MoveNext();
            }

            if (state.Replay is { Remaining: 0 })
            {
                EndReplayLocked(sender);
                if (state.ReplayAwaitsKeyframe)
                    AwaitKeyframeLocked(sender);
            }
        }
    }

    private static string MismatchOf(Codec codec, WireFormat format) => codec.Name == format.CodecNames
        ? $"codecs not matched: {codec.Name} has other parameters than those that were described"
        : $"codecs not matched: {codec.Name} ⇒ {format.CodecNames}";

    // Of equal times the data goes first, which describes what comes with it, then the pictures.
    private Sender? EarliestReplayLocked()
    {
        Sender? earliest = null;
        foreach (var sender in _replaying)
        {
            if (earliest is null || (TimeOf(sender), RankOf(sender)).CompareTo((TimeOf(earliest), RankOf(earliest))) < 0)
                earliest = sender;
        }

        return earliest;

        static TimeSpan TimeOf(Sender sender) => sender.State.Replay!.Current.DecodeTimestamp;

        static int RankOf(Sender sender) => sender.Track.Kind switch { MediaKind.Data => 0, MediaKind.Video => 1, _ => 2 };
    }

    private static bool GoesBeforeLocked(in Entry entry, Sender replaying) =>
        entry.Packet is null
        || (entry.Sender!.State.Replay is null && entry.Packet.DecodeTimestamp < replaying.State.Replay!.Current.DecodeTimestamp);

    private void EnqueueBeforeMediaLocked(in Entry reply)
    {
        var isPlaced = false;
        for (var left = _backlog.Count; left > 0; left--)
        {
            var entry = _backlog.Dequeue();
            if (!isPlaced && entry.Packet is not null)
            {
                _backlog.Enqueue(reply);
                isPlaced = true;
            }

            _backlog.Enqueue(entry);
        }

        if (!isPlaced)
            _backlog.Enqueue(reply);
    }

    private void EndReplayLocked(Sender sender)
    {
        sender.State.Replay?.Dispose();
        sender.State.Replay = null;
        _replaying.Remove(sender);
    }

    private void EndJoiningLocked(SenderState state)
    {
        if (!state.Joining)
            return;
        state.Joining = false;
        _joining--;
    }

    private void RemoveLocked(Sender sender)
    {
        var state = sender.State;
        state.Closed = true;
        EndJoiningLocked(state);
        if (state.Replay is { } replay)
        {
            state.DroppedByClose += replay.Remaining;
            state.Queued -= replay.Remaining;
            EndReplayLocked(sender);
        }

        RemoveEntriesLocked(entry =>
        {
            if (!ReferenceEquals(entry.Sender, sender))
                return false;
            state.DroppedByClose++;
            return true;
        });
        var followers = state.Followers;
        state.Followers = null;
        if (!_closed && !_finishing)
            followers?.ForEach(AnnounceLocked);
        if (_joining == 0 && HasBacklogLocked)
            WakeLocked();
    }

    private void RemoveAllMediaLocked()
    {
        while (_replaying.Count > 0)
        {
            var state = _replaying[^1].State;
            state.DroppedByClose += state.Replay!.Remaining;
            state.Queued -= state.Replay.Remaining;
            EndReplayLocked(_replaying[^1]);
        }

        RemoveEntriesLocked(static entry =>
        {
            if (entry.Sender is null)
                return false;
            entry.Sender.State.DroppedByClose++;
            return true;
        });
    }

    // Keeps the order of what stays.
    private void RemoveEntriesLocked(Func<Entry, bool> remove)
    {
        for (var left = _backlog.Count; left > 0; left--)
        {
            var entry = _backlog.Dequeue();
            if (!remove(entry))
            {
                _backlog.Enqueue(entry);
                continue;
            }

            CountDequeuedLocked(entry);
            entry.Packet!.Release();
        }
    }

    /// <summary>A packet with its sender, or a reply.</summary>
    private protected readonly record struct Entry(
        Sender? Sender, MediaPacket? Packet, PooledBuffer? Reply, int Length, long EnqueuedAt);
}
