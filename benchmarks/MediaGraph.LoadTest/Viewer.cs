using System.Buffers.Binary;

namespace MediaGraph.LoadTest;

/// <summary>Plays the stream and checks each frame's place in it, and its content if asked to.</summary>
internal sealed class Viewer(Latencies latencies, bool verifies, bool willStall) : Client(bufferLength: 64 << 10)
{
    private const byte VideoType = 9;

    private readonly byte[] _head = new byte[SyntheticVideo.HeadLength];
    private long _number = -1; // of the frame that comes
    private long _last = -1;
    private long _sentAt;
    private bool _isFrame;
    private bool _isWrong;

    /// <summary>Bytes of frames.</summary>
    public long Bytes { get; private set; }

    public long Frames { get; private set; }

    /// <summary>Places where frames are missing, and the next one is a keyframe.</summary>
    public long Gaps { get; private set; }

    /// <summary>Frames that are out of order, twice, torn, of wrong content, or that follow a gap and are no keyframe.</summary>
    public long Errors { get; private set; }

    /// <summary>From before the connection to the first whole frame.</summary>
    public TimeSpan? FirstPicture { get; private set; }

    public long Started { get; private set; }

    public async Task PlayAsync(LoadOptions options, CancellationToken stop)
    {
        if (willStall)
            Socket.ReceiveBufferSize = 64 << 10; // or the system's buffers hold many seconds, and nothing is dropped
        Started = TimeProvider.System.GetTimestamp();
        await OpenAsync(options, "play", "load", "NetStream.Play.Start", stop).ConfigureAwait(false);
        StartReceiving();
    }

    protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type != VideoType)
        {
            base.OnPayload(message, offset, bytes);
            return;
        }

        Bytes += bytes.Length;
        if (offset < _head.Length)
        {
            var count = Math.Min(bytes.Length, _head.Length - offset);
            bytes[..count].CopyTo(_head.AsSpan(offset));
            if (offset + count == _head.Length || message.IsComplete)
                StartFrame(message.Length);
            offset += count;
            bytes = bytes[count..];
        }

        if (verifies && _isFrame && !bytes.IsEmpty
            && !bytes.SequenceEqual(SyntheticVideo.Content(_number, offset, bytes.Length)))
            _isWrong = true;
        if (message.IsComplete && _isFrame)
            EndFrame();
    }

    private void StartFrame(int length)
    {
        _isFrame = _head[1] == 1; // not the parameters
        if (!_isFrame)
            return;
        _number = BinaryPrimitives.ReadInt64BigEndian(_head.AsSpan(10));
        _sentAt = BinaryPrimitives.ReadInt64BigEndian(_head.AsSpan(18));
        _isWrong = length != SyntheticVideo.Length(_number) || BinaryPrimitives.ReadInt32BigEndian(_head.AsSpan(26)) != length
            || _head[0] != (SyntheticVideo.IsKeyframe(_number) ? 0x17 : 0x27);
        if (_isWrong)
            _isFrame = length >= SyntheticVideo.HeadLength && length <= SyntheticVideo.Length(0);
    }

    private void EndFrame()
    {
        var now = TimeProvider.System.GetTimestamp();
        FirstPicture ??= TimeProvider.System.GetElapsedTime(Started, now);
        Frames++;
        if (_isWrong)
            Errors++;
        else if (_last >= 0 && _number > _last + 1 && SyntheticVideo.IsKeyframe(_number))
            Gaps++;
        else if (_last >= 0 && _number != _last + 1)
            Errors++;
        _last = _number;
        latencies.Add(now - _sentAt);
    }
}
