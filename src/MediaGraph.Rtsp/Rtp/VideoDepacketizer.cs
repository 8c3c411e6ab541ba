using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What is common to video: a frame is the packets of one timestamp, ended by the marker or by the next timestamp.
/// </summary>
internal abstract class VideoDepacketizer(Codec? codec, DepacketizerOptions options) : Depacketizer(codec, options)
{
    private readonly RtpRun? _packets = options.KeepsPackets ? new RtpRun(options.Pool, isInterleaved: true) : null;
    private bool _hasAllPackets = true; // of the open frame
    private bool _isOpen;
    private long _timestamp; // of the open frame, or of the last one
    private bool _isDamaged; // the frame of that timestamp
    private bool _isStartInDoubt = true; // packets before the next one are missing
    private bool _waitsForKeyframe = true;
    private bool _dropsLeading; // decoding starts at the last keyframe

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
            _isDamaged = !TryAdd(payload);
        if (!_isDamaged)
            Keep(payload);
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

    // What shows nothing is not in the frame, and bounded here.
    private void Keep(ReadOnlySpan<byte> payload)
    {
        if (_packets is null || !_hasAllPackets)
            return;
        _hasAllPackets = _packets.Length + payload.Length <= FrameBuffer.MaxLength;
        if (_hasAllPackets)
            payload.CopyTo(_packets.Append(default, payload.Length));
    }

    private void Forget()
    {
        Reset();
        _packets?.Start(0);
        _hasAllPackets = true;
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
            var length = Frame.Length;
            var packetsLength = _hasAllPackets ? _packets?.Length ?? 0 : 0;
            var packets = packetsLength > 0 ? _packets!.Detach() : null;
            Deliver(
                Frame.Detach(), length, DecodeTimestampOf(_timestamp, isRestart), _timestamp, isKeyframe, packets, packetsLength);
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
