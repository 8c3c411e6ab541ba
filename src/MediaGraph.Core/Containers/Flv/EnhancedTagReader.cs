using System.Buffers.Binary;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Takes ExVideoTagHeader and ExAudioTagHeader apart, and hands out the parts of the body: one, or one per track (Enhanced RTMP v2,
/// Enhanced Audio and Enhanced Video). Total: bytes that cannot be such a body give an <see cref="FlvFormatException"/>.
/// </summary>
internal ref struct EnhancedTagReader
{
    private const int CommandFrame = 5;
    private const int MaxNanoseconds = 999_999;

    private readonly ReadOnlySpan<byte> _body;
    private readonly Multitrack _multitrack;
    private int _position;
    private uint _fourCc; // of all parts, unless each has its own
    private bool _isAtEnd;

    public EnhancedTagReader(ReadOnlySpan<byte> body, bool isVideo)
    {
        _body = body;
        var head = ReadByte();
        var type = head & 0xF;
        while (type == FlvPacketType.ModEx)
            type = ReadModifier();
        FrameType = (head >> 4) & 0x7;
        if (isVideo && FrameType == CommandFrame && type != FlvPacketType.Metadata)
        {
            _isAtEnd = true; // a command for the player follows, and no picture
        }
        else if (type == (isVideo ? FlvPacketType.VideoMultitrack : FlvPacketType.AudioMultitrack))
        {
            var types = ReadByte();
            _multitrack = (Multitrack)(types >> 4);
            IsMultitrack = true;
            if (_multitrack > Multitrack.ManyTracksManyCodecs || (types & 0xF) == type || (types & 0xF) == FlvPacketType.ModEx)
                throw new FlvFormatException("A multitrack tag is of a kind that does not exist.");
            type = types & 0xF;
            if (_multitrack != Multitrack.ManyTracksManyCodecs)
                _fourCc = ReadFourCc();
        }
        else
        {
            _fourCc = ReadFourCc();
        }

        PacketType = type;
    }

    private enum Multitrack
    {
        OneTrack = 0,
        ManyTracks = 1,
        ManyTracksManyCodecs = 2,
    }

    /// <summary>What the parts are: one of <see cref="FlvPacketType"/>, or one of later versions.</summary>
    public int PacketType { get; }

    /// <summary>VideoFrameType; nothing that counts in audio.</summary>
    public int FrameType { get; }

    /// <summary>Whether each part says its track.</summary>
    public readonly bool IsMultitrack { get; }

    /// <summary>What is added to the presentation time, 0 to 999,999.</summary>
    public int Nanoseconds { get; private set; }

    /// <summary>Takes the next part.</summary>
    /// <param name="part">Where it lies in the body, and whose it is.</param>
    public bool TryRead(out Part part)
    {
        part = default;
        if (_isAtEnd)
            return false;
        var fourCc = _multitrack == Multitrack.ManyTracksManyCodecs ? ReadFourCc() : _fourCc;
        var trackId = IsMultitrack ? ReadByte() : 0;
        var length = _body.Length - _position;
        if (IsMultitrack && _multitrack != Multitrack.OneTrack)
        {
            length = (ReadByte() << 16) | (ReadByte() << 8) | ReadByte();
            if (length > _body.Length - _position)
                throw new FlvFormatException("A track is longer than the tag it is in.");
        }

        part = new Part(trackId, fourCc, _position, length);
        _position += length;
        _isAtEnd = _position == _body.Length;
        return true;
    }

    private int ReadModifier()
    {
        var length = ReadByte() + 1;
        if (length == 256)
            length = ((ReadByte() << 8) | ReadByte()) + 1;
        if (length > _body.Length - _position)
            throw new FlvFormatException("A modifier is longer than the tag it is in.");
        var data = _body.Slice(_position, length);
        _position += length;
        var types = ReadByte();
        var isNanoseconds = types >> 4 == 0 && length >= 3; // TimestampOffsetNano; others are for later versions
        if (isNanoseconds && ((data[0] << 16) | (data[1] << 8) | data[2]) is <= MaxNanoseconds and var nanoseconds)
            Nanoseconds = nanoseconds;
        return types & 0xF;
    }

    private uint ReadFourCc()
    {
        if (_body.Length - _position < 4)
            throw TooShort();
        var fourCc = BinaryPrimitives.ReadUInt32BigEndian(_body[_position..]);
        _position += 4;
        return fourCc;
    }

    private int ReadByte() => _position < _body.Length ? _body[_position++] : throw TooShort();

    private static FlvFormatException TooShort() => new("An enhanced tag is shorter than its header.");

    /// <summary>The data of one track.</summary>
    /// <param name="TrackId">0 to 255; 0 in a body that is not multitrack.</param>
    /// <param name="FourCc">The codec.</param>
    /// <param name="Offset">Where the data starts in the body.</param>
    /// <param name="Length">The data's length in bytes.</param>
    internal readonly record struct Part(int TrackId, uint FourCc, int Offset, int Length);
}
