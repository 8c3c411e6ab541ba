namespace MediaGraph.LoadTest;

/// <summary>Checks one track as one viewer gets it, piece by piece: each frame's place, and its content if asked to.</summary>
/// <param name="track">What was published.</param>
/// <param name="verifiesContent">Whether every byte is compared; else only heads and lengths.</param>
/// <param name="latencies">Where to count how long frames took; null to count none.</param>
internal sealed class TrackCheck(SyntheticTrack track, bool verifiesContent, Latencies? latencies)
{
    private readonly byte[] _head = new byte[Math.Max(track.HeadLength, track.Parameters.Length)];
    private FrameFaults _faults;
    private long _next = -1; // the frame that must come next; -1 before the first
    private ulong _seen; // bit 0: the one before it came; bit 1: the one before that
    private (long Start, long Length, long Left, bool IsMidGroup) _hole; // the last gap: what comes late may close it
    private int _parameters; // bits of the sets that have come

    // Of the message that comes.
    private Kind _kind;
    private long _number;
    private long _sentAt;
    private bool _isCorrupt;

    private enum Kind
    {
        Unknown,
        Parameters,
        End,
        Frame,
    }

    public SyntheticTrack Track => track;

    public FrameFaults Faults => _faults;

    /// <summary>Of whole messages and of pieces.</summary>
    public long Bytes { get; private set; }

    public long Frames { get; private set; }

    /// <summary>All frames before this one have come, or are counted as lost.</summary>
    public long Next => _next;

    /// <summary>The time of the first whole keyframe; 0 before it came.</summary>
    public long FirstPictureAt { get; private set; }

    /// <summary>A piece of a message of the track.</summary>
    /// <param name="length">Of the whole message.</param>
    /// <param name="offset">Of the piece.</param>
    /// <param name="bytes">The piece.</param>
    public void Take(int length, int offset, ReadOnlySpan<byte> bytes)
    {
        Take(offset, bytes);
        if (offset + bytes.Length == length)
            End(length);
    }

    /// <summary>A piece of a message whose length is not known before its end.</summary>
    public void Take(int offset, ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        var end = offset + bytes.Length;
        if (offset == 0)
            _kind = Kind.Unknown;
        if (offset < _head.Length)
            bytes[..Math.Min(bytes.Length, _head.Length - offset)].CopyTo(_head.AsSpan(offset));
        if (_kind == Kind.Unknown && end >= track.HeadLength)
            ReadHead(end);
        if (verifiesContent && _kind == Kind.Frame && !_isCorrupt && end > track.HeadLength)
        {
            var start = Math.Max(offset, track.HeadLength);
            _isCorrupt = end > track.Length(_number)
                || !bytes[(start - offset)..].SequenceEqual(track.Content(_number, start, end - start));
        }
    }

    /// <summary>The message has come; -1 for one that is torn.</summary>
    public void End(int length)
    {
        if (_kind == Kind.Unknown)
            ReadHead(length);
        if (_kind == Kind.Parameters)
            TakeParameters(_head.AsSpan(0, Math.Min(length, _head.Length)), track.Parameters, AllParameters);
        else if (_kind == Kind.Frame)
            EndFrame(length);
        _kind = Kind.Unknown;
    }

    /// <summary>The rest of a message was lost, by nobody's fault: it is none. Where a viewer starts is seen all the same.</summary>
    public void Abandon()
    {
        if (_kind == Kind.Frame && _number >= 0 && !_isCorrupt && _next < 0)
            Start();
        _kind = Kind.Unknown;
    }

    /// <summary>One of the codec's parameter sets, as it comes beside frames.</summary>
    public void TakeParameterSet(ReadOnlySpan<byte> set)
    {
        var sets = track.ParameterSets;
        for (var i = 0; i < sets.Length; i++)
        {
            // Of H264, the type of the NAL unit says which.
            if (!track.IsVideo || (!set.IsEmpty && set[0] == sets[i][0]))
                TakeParameters(set, sets[i], 1 << i);
        }
    }

    private int AllParameters => track.IsVideo ? 3 : 1;

    private void TakeParameters(ReadOnlySpan<byte> parameters, byte[] expected, int bits)
    {
        _parameters |= bits;
        if (!parameters.SequenceEqual(expected))
            _faults.Corrupt++;
    }

    private void ReadHead(int length)
    {
        _kind = track.IsBare || length < 2 ? Kind.Frame : _head[1] switch
        {
            0 => Kind.Parameters,
            2 when track.IsVideo => Kind.End,
            _ => Kind.Frame,
        };
        if (_kind != Kind.Frame)
            return;
        _number = -1;
        _isCorrupt = true;
        if (length < track.HeadLength || !track.TryReadMark(_head, out var number, out _sentAt))
            return;
        _number = number;
        _isCorrupt = !track.HasTag(_head, number);
    }

    private void EndFrame(int length)
    {
        Frames++;
        _isCorrupt |= _number >= 0 && length != track.Length(_number);
        if (_isCorrupt)
            _faults.Corrupt++;
        if (_number < 0)
        {
            // Nothing says which one it is: it stands for the one that should be here.
            if (_next >= 0)
                Expect(_next + 1);
            return;
        }

        CheckPlace();
        if (_isCorrupt)
            return;
        var now = TimeProvider.System.GetTimestamp();
        latencies?.Add(now - _sentAt);
        if (FirstPictureAt == 0 && track.IsKeyframe(_number))
            FirstPictureAt = now;
    }

    private void CheckPlace()
    {
        if (_next < 0)
            Start();
        if (_number == _next)
        {
            Expect(_next + 1);
        }
        else if (_number > _next)
        {
            _hole = (_next, _number - _next, _number - _next, !track.IsKeyframe(_number));
            _faults.Gaps++;
            _faults.Lost += _hole.Length;
            if (_hole.IsMidGroup)
                _faults.MidGroupResumes++;
            Expect(_number + 1);
        }
        else
        {
            TakeLate();
        }
    }

    private void Start()
    {
        if (_parameters != AllParameters || !track.IsKeyframe(_number))
            _faults.BadStarts++;
        _next = _number;
    }

    private void TakeLate()
    {
        var back = _next - 1 - _number;
        if (back < 64 && ((_seen >> (int)back) & 1) != 0)
        {
            _faults.Duplicates++;
            return;
        }

        _faults.Reordered++;
        if (back < 64)
            _seen |= 1UL << (int)back;
        if (_number < _hole.Start || _number >= _hole.Start + _hole.Length || _hole.Left == 0)
            return;
        _faults.Lost--;
        if (--_hole.Left > 0)
            return;
        _faults.Gaps--; // nothing is missing after all
        if (_hole.IsMidGroup)
            _faults.MidGroupResumes--;
    }

    private void Expect(long next)
    {
        var step = _next < 0 ? 64 : next - _next;
        _seen = (step < 64 ? _seen << (int)step : 0) | 1;
        _next = next;
    }
}
