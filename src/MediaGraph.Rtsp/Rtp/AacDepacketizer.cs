using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// AAC (RFC 3640): several access units in a packet, or one in several packets. Packets, or access units, that are ADTS frames instead
/// are taken too, and what their headers say updates the codec.
/// </summary>
internal sealed class AacDepacketizer : Depacketizer
{
    private readonly AacFormat _format;
    private AudioSpecificConfig? _config;
    private int _fragmentedLength; // of the access unit in assembly; 0 for none
    private long _fragmentedTimestamp;

    /// <summary>Creates a depacketizer.</summary>
    /// <param name="codec">AAC, with its AudioSpecificConfig; null where only ADTS headers can tell.</param>
    /// <param name="options">What all have in common.</param>
    /// <param name="format">The headers in each packet.</param>
    /// <exception cref="ArgumentOutOfRangeException">A field has more than 16 bits.</exception>
    public AacDepacketizer(Codec? codec, DepacketizerOptions options, AacFormat format)
        : base(codec, options)
    {
        foreach (var bits in (ReadOnlySpan<int>)[format.SizeLength, format.IndexLength, format.IndexDeltaLength])
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bits, nameof(format));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 16, nameof(format));
        }

        _format = format;
        if (codec is not null && AudioSpecificConfig.TryParse(codec.Configuration.Span, out var config))
            _config = config;
    }

    protected override void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        if (_fragmentedLength > 0 && timestamp != _fragmentedTimestamp)
            OnInterrupted(); // its end never came
        var isTaken = IsAdts(payload)
            ? TryTakeAdts(timestamp, payload)
            : _format.SizeLength == 0 ? TryTakeUnit(timestamp, payload) : TryTakeUnits(timestamp, payload);
        if (!isTaken)
            DroppedFrames++;
    }

    protected override void OnInterrupted()
    {
        if (_fragmentedLength > 0)
            DroppedFrames++;
        _fragmentedLength = 0;
        Frame.Clear();
    }

    // As AU-headers-length, a syncword would be of more headers than fit into a packet.
    private static bool IsAdts(ReadOnlySpan<byte> payload) =>
        AudioSpecificConfig.TryParseAdts(payload, out _, out _, out var length) && length <= payload.Length &&
        BinaryPrimitives.ReadUInt16BigEndian(payload) > (payload.Length - 2) * 8;

    private static uint ReadBits(ReadOnlySpan<byte> data, ref int position, int count)
    {
        uint value = 0;
        for (; count > 0; count--, position++)
            value = (value << 1) | (((uint)data[position >> 3] >> (7 - (position & 7))) & 1);
        return value;
    }

    // Of frames of this many samples at the core coder's rate; the RTP clock may be that of its extension.
    private long Duration(int frames) =>
        _config is null ? 0 : MediaTime.Rescale((long)frames * _config.FrameLength, _config.SampleRate, Options.ClockRate);

    private bool TryTakeUnits(long timestamp, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 2)
            return false;
        int bits = BinaryPrimitives.ReadUInt16BigEndian(payload);
        var headersLength = (bits + 7) / 8;
        if (payload.Length < 2 + headersLength)
            return false;
        var headers = payload.Slice(2, headersLength);
        var rest = payload[(2 + headersLength)..];
        var position = 0;
        var frame = 0; // its place in time behind the packet's timestamp
        for (var isFirst = true; ; isFirst = false)
        {
            var indexLength = isFirst ? _format.IndexLength : _format.IndexDeltaLength;
            if (bits - position < _format.SizeLength + indexLength)
                return !isFirst && rest.IsEmpty;
            var length = (int)ReadBits(headers, ref position, _format.SizeLength);
            var index = (int)ReadBits(headers, ref position, indexLength);
            frame = isFirst ? 0 : frame + index + 1; // the timestamp is the first unit's, whatever its index
            var isOnly = isFirst && bits - position < _format.SizeLength + _format.IndexDeltaLength;
            if (isOnly && (length > rest.Length || _fragmentedLength > 0))
                return TryTakeFragment(timestamp, length, rest);
            if (length > rest.Length)
                return false;
            if (length > 0 && !TryTakeUnit(timestamp + Duration(frame), rest[..length]))
                return false;
            rest = rest[length..];
        }
    }

    // Each fragment's header has the length of the whole (§3.2.3.1).
    private bool TryTakeFragment(long timestamp, int length, ReadOnlySpan<byte> fragment)
    {
        if (_fragmentedLength == 0)
            (_fragmentedLength, _fragmentedTimestamp) = (length, timestamp);
        if (length != _fragmentedLength || Frame.Length + fragment.Length > length)
        {
            _fragmentedLength = 0;
            Frame.Clear();
            return false;
        }

        Frame.TryAppend(fragment); // 16 bits of length always fit
        if (Frame.Length < length)
            return true;
        _fragmentedLength = 0;
        var isTaken = TryTakeUnit(timestamp, Frame.Span);
        Frame.Clear();
        return isTaken;
    }

    private bool TryTakeAdts(long timestamp, ReadOnlySpan<byte> frames)
    {
        for (var i = 0; !frames.IsEmpty; i++)
        {
            if (!AudioSpecificConfig.TryParseAdts(frames, out _, out _, out var length) || length > frames.Length)
                return false;
            if (!TryTakeUnit(timestamp + Duration(i), frames[..length]))
                return false;
            frames = frames[length..];
        }

        return true;
    }

    private bool TryTakeUnit(long timestamp, ReadOnlySpan<byte> unit)
    {
        if (AudioSpecificConfig.TryParseAdts(unit, out var config, out var headerLength, out var length) && length == unit.Length)
        {
            unit = unit[headerLength..];
            Update(config);
        }

        if (Codec is null)
            return false;
        if (!unit.IsEmpty)
            Deliver(unit, timestamp);
        return true;
    }

    // A header cannot say all that a configuration can, so it only overrules what it contradicts.
    private void Update(AudioSpecificConfig stated)
    {
        if (_config is not null && _config.ObjectType == stated.ObjectType && _config.SampleRate == stated.SampleRate &&
            _config.ChannelConfiguration == stated.ChannelConfiguration)
            return;
        _config = stated;
        Codec = Codec.Aac(stated.ToArray());
    }
}
