using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What is common to video: a frame is the packets of one timestamp, ended by the marker or by the next timestamp.
/// </summary>
internal abstract class VideoDepacketizer(Codec? codec, DepacketizerOptions options) : Depacketizer(codec, options)
{
    private readonly RtpRun? _packets = options.KeepsPackets ? new RtpRun(options.Pool, isInterleaved: true) : null;
    private bool _isOpen;
    private long _timestamp; // of the open frame, or of the last one
    private bool _isDamaged; // the frame of that timestamp
    private bool _isStartInDoubt = true; // packets before the next one are missing
    private bool _waitsForKeyframe = true;
    private bool _dropsLeading; // decoding starts at the last keyframe

    /// <summary>
    /// Makes a frame of the packets that are kept, so that packets need only be looked through as they come; null where frames must be
    /// made as they come.
    /// </summary>
    protected virtual ImageFormat? FrameFormat => null;

    /// <summary>Whether the open frame's packets are only looked through: <see cref="TryAdd"/> counts and puts nothing into the frame.</summary>
    protected bool IsScanning { get; private set; }

    /// <summary>Set by <see cref="TryAdd"/> while it only looks: what <see cref="FrameFormat"/> cannot make was found.</summary>
    protected bool NeedsFrame { get; set; }

    /// <summary>Bytes that the open frame has so far, put together or counted.</summary>
    protected int FrameLength => IsScanning ? ScannedLength : Frame.Length;

    /// <summary>Bytes of the frame that were counted.</summary>
    protected int ScannedLength { get; set; }

    /// <summary>Whether the open frame has anything to show: until then its marker means nothing, and its timestamp may change.</summary>
    protected abstract bool HasPicture { get; }

    /// <summary>Whether the open frame can only be decoded with what is before the last keyframe.</summary>
    protected virtual bool IsLeading => false;

    /// <summary>
    /// When the frame is decoded, of frames in their order of decoding. Asked once for each frame that is delivered.
    /// </summary>
    protected virtual long DecodeTimestampOf(long timestamp, bool isRestart) => timestamp;

    /// <summary>Adds a packet's payload to the open frame. False when it does not fit to what is there.</summary>
    protected abstract bool TryAdd(ReadOnlySpan<byte> payload);

    /// <summary>Whether nothing can be missing before this packet in its frame.</summary>
    protected abstract bool IsCertainStart(ReadOnlySpan<byte> payload);

    /// <summary>The frame is whole as far as its packets say. False when it is not, or there is nothing to deliver.</summary>
    protected abstract bool TryFinish(out bool isKeyframe);

    /// <summary>Forgets the open frame. Its memory is given back already.</summary>
    protected abstract void Reset();

    protected sealed override void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        if (timestamp != _timestamp)
        {
            if (_isOpen && (HasPicture || _isDamaged))
                End();
            _isDamaged = false;
        }

        _timestamp = timestamp;
        _isOpen = true;
        if (_isStartInDoubt)
        {
            _isStartInDoubt = false;
            _isDamaged |= !IsCertainStart(payload);
        }

        if (!_isDamaged)
            _isDamaged = !TryAddAndKeep(payload);
        if (marker && (HasPicture || _isDamaged))
            End();
    }

    protected sealed override void OnInterrupted()
    {
        _waitsForKeyframe = true;
        _isStartInDoubt = true;
        if (_isOpen)
        {
            // Where nothing was to be shown yet, what follows belongs to what is missing.
            _isDamaged = true;
            Frame.Clear();
            Forget();
        }
    }

    public sealed override void Dispose()
    {
        base.Dispose();
        _packets?.Dispose();
    }

    private bool TryAddAndKeep(ReadOnlySpan<byte> payload)
    {
        if (_packets is null)
            return TryAdd(payload);
        if (_packets.Length + RtpRun.OverheadLength + payload.Length > FrameBuffer.MaxLength)
            return false;
        if (_packets.Count == 0)
            IsScanning = FrameFormat is not null;
        var isAdded = TryAdd(payload);
        if (NeedsFrame)
            isAdded = TryAddAgain() && TryAdd(payload);
        if (isAdded)
            payload.CopyTo(_packets.Append(default, payload.Length));
        return isAdded;
    }

    // From now on the frame is put together as it comes.
    private bool TryAddAgain()
    {
        IsScanning = NeedsFrame = false;
        ScannedLength = 0;
        Reset();
        for (var i = 0; i < _packets!.Count; i++)
        {
            if (!TryAdd(_packets[i][RtpHeader.Length..]))
                return false;
        }

        return true;
    }

    private void Forget()
    {
        Reset();
        _packets?.Start(0);
        IsScanning = NeedsFrame = false;
        ScannedLength = 0;
    }

    private void End()
    {
        _isOpen = false;
        var isKeyframe = false;
        var isWhole = !_isDamaged && TryFinish(out isKeyframe);
        if (isWhole && Codec is not null && (isKeyframe || !_waitsForKeyframe) && !(IsLeading && _dropsLeading))
        {
            var isRestart = _waitsForKeyframe;
            if (isKeyframe)
                _dropsLeading = isRestart;
            _waitsForKeyframe = false;
            var decodeTimestamp = DecodeTimestampOf(_timestamp, isRestart);
            var length = FrameLength;
            var packetsLength = _packets?.Length ?? 0;
            var packets = _packets?.Detach();
            if (IsScanning)
                Deliver(packets!, length, decodeTimestamp, _timestamp, isKeyframe, packets: null, packetsLength, FrameFormat);
            else
                Deliver(Frame.Detach(), length, decodeTimestamp, _timestamp, isKeyframe, packets, packetsLength);
        }
        else
        {
            DroppedFrames++;
            _waitsForKeyframe |= !isWhole;
            Frame.Clear();
        }

        Forget();
    }
}
