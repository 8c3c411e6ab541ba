using MediaGraph.Diagnostics;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Security;
using MediaGraph.Sources;

namespace MediaGraph.Talk;

/// <summary>
/// A talker at a device. The first packet takes the place, if it is free, and has the device told of the start; <see cref="Stop"/>, the
/// session's end, and silence for <see cref="TalkOptions.SilenceLimit"/> give it back. The next packet starts the next talk. The
/// session ends with the feed that offered the speaker. Nothing of it touches the stream's viewers. Thread-safe.
/// </summary>
public sealed class TalkSession : IAsyncDisposable
{
    private readonly TalkPlace _place;
    private readonly PacketPool _pool;
    private readonly TalkRequest _request;
    private readonly StreamLease? _lease;

    // Guarded by the place's lock, as all below.
    private readonly Queue<(TalkState State, CloseReason? Reason)> _changes = new();
    private bool _isNotifying;
    private TalkState _state;
    private CloseReason? _reason;

    internal TalkSession(TalkPlace place, PacketPool pool, TalkRequest request, Codec codec, StreamLease? lease)
    {
        _place = place;
        _pool = pool;
        _request = request;
        _lease = lease;
        Codec = codec;
    }

    /// <summary>The stream's name.</summary>
    public string StreamName => _request.Stream;

    /// <summary>Who talks.</summary>
    public Peer Peer => _request.Peer;

    /// <summary>The codec in which the talker has to send.</summary>
    public Codec Codec { get; }

    /// <summary>What the session is doing.</summary>
    public TalkState State
    {
        get
        {
            using (GraphLock.Enter(_place.Lock))
                return _state;
        }
    }

    /// <summary>Why its last talk, or the session, ended; null before, and while it talks.</summary>
    public CloseReason? Reason
    {
        get
        {
            using (GraphLock.Enter(_place.Lock))
                return _reason;
        }
    }

    internal TalkState StateLocked => _state;

    /// <summary>Sends a packet to the device. Never waits.</summary>
    /// <param name="packet">In the session's codec. Borrowed.</param>
    /// <exception cref="ArgumentException">It is in another codec.</exception>
    public TalkResult Write(MediaPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var codec = packet.Codec;
        if (codec.Name != Codec.Name || codec.ClockRate != Codec.ClockRate || codec.Channels != Codec.Channels || codec.Form != Codec.Form)
            throw new ArgumentException($"A packet in {codec} for a talk in {Codec}.", nameof(packet));
        return _place.Offer(this, packet);
    }

    /// <summary>Sends a frame to the device, by copy. Never waits.</summary>
    /// <param name="frame">In the session's codec.</param>
    /// <param name="time">When it is heard, in the talker's own time.</param>
    public TalkResult Write(ReadOnlySpan<byte> frame, TimeSpan time)
    {
        var ticks = MediaTime.FromTimeSpan(time, Codec.ClockRate);
        var packet = _pool.CreatePacket(frame, Codec, ticks, ticks, PacketFlags.None);
        try
        {
            return _place.Offer(this, packet);
        }
        finally
        {
            packet.Release();
        }
    }

    /// <summary>Gives the place back; the session's next packet starts another talk. Returns without waiting; idempotent.</summary>
    public void Stop() => _place.Stop(this);

    /// <summary>Ends the session. Returns without waiting; idempotent.</summary>
    public void Close(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        _place.Remove(this, reason);
    }

    /// <summary>Ends the session, and returns when the device was told, or did not listen in time. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(CloseReason.Requested);
        await _place.WhenDoneAsync(this).ConfigureAwait(false);
    }

    internal void SetLocked(TalkState state, CloseReason? reason)
    {
        if (_state is TalkState.Ended || _state == state)
            return;
        (_state, _reason) = (state, reason);
        if (_request.OnStateChanged is not null)
            _changes.Enqueue((state, reason));
    }

    /// <summary>Tells the owner: one change after the other and in their order, whichever threads make them.</summary>
    internal void Notify()
    {
        if (State == TalkState.Ended)
            _lease?.Dispose();
        while (true)
        {
            (TalkState State, CloseReason? Reason) change;
            using (GraphLock.Enter(_place.Lock))
            {
                if (_isNotifying || !_changes.TryDequeue(out change))
                    return;
                _isNotifying = true;
            }

            try
            {
                _request.OnStateChanged!(change.State, change.Reason);
            }
            catch (Exception e)
            {
                _place.LogCallbackFailed(e); // the talker's own affair
            }
            finally
            {
                using (GraphLock.Enter(_place.Lock))
                    _isNotifying = false;
            }
        }
    }
}
