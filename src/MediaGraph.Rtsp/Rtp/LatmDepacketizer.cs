using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Rtsp.Sdp;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// AAC in LATM (RFC 6416 §6, ISO/IEC 14496-3 §1.7.3): the AudioMuxElements of a timestamp, in one packet or in several up to the
/// marker. They are taken if their lengths fit exactly, else all of them are dropped.
/// </summary>
internal sealed class LatmDepacketizer : Depacketizer
{
    private readonly bool _isInBand;
    private LatmConfig _config;
    private AudioSpecificConfig? _audio;
    private bool _isOpen;
    private long _timestamp; // of what is open
    private bool _isDamaged; // what is open
    private bool _hasFragments; // elements come in several packets
    private bool _isStartInDoubt; // packets before the next one are missing

    /// <summary>Creates a depacketizer.</summary>
    /// <param name="codec">AAC, with its AudioSpecificConfig; null where only the packets can tell.</param>
    /// <param name="options">What all have in common.</param>
    /// <param name="format">The multiplex.</param>
    public LatmDepacketizer(Codec? codec, DepacketizerOptions options, LatmPayloadFormat format)
        : base(codec, options)
    {
        _isInBand = format.IsInBand;
        _config = format.Config;
        if (codec is not null && AudioSpecificConfig.TryParse(codec.Configuration.Span, out var audio))
            _audio = audio;
    }

    protected override void Take(long timestamp, bool marker, ReadOnlySpan<byte> payload)
    {
        if (_isOpen && timestamp != _timestamp)
            End(Frame.Span); // its marker never came
        if (!_isOpen)
        {
            (_isOpen, _timestamp) = (true, timestamp);
            _isDamaged = _isStartInDoubt && _hasFragments; // else it may pass for whole by accident
        }
        else
        {
            _hasFragments = true;
        }

        _isStartInDoubt = false;
        if (marker && Frame.Length == 0)
        {
            End(payload);
            return;
        }

        _isDamaged = _isDamaged || !Frame.TryAppend(payload);
        if (marker)
            End(Frame.Span);
    }

    protected override void OnInterrupted()
    {
        _isStartInDoubt = true;
        _isDamaged = _isOpen;
        Frame.Clear();
    }

    private void End(ReadOnlySpan<byte> elements)
    {
        _isOpen = false;
        if (_isDamaged || !TryWalk(elements, isTrial: true))
            DroppedFrames++;
        else
            TryWalk(elements, isTrial: false);
        _isDamaged = false;
        Frame.Clear();
    }

    // Once to see whether all fits, and once to deliver.
    private bool TryWalk(ReadOnlySpan<byte> elements, bool isTrial)
    {
        var config = _config;
        var isKnown = Codec is not null;
        var end = elements.Length * 8;
        var unit = 0;
        for (var position = 0; position < end;)
        {
            if (_isInBand && !ReadFlag(elements, ref position)) // useSameStreamMux
            {
                if (LatmConfig.Read(elements, ref position, mayBeCut: false, out config) is not null ||
                    !TryAccept(config, elements, isTrial))
                    return false;
                isKnown = true;
            }

            if (!isKnown)
                return false;
            for (var i = 0; i < config.SubFrames; i++, unit++)
            {
                if (!TryReadLength(elements, ref position, out var length))
                    return false;
                if (!isTrial && length > 0)
                    Deliver(elements, position, length, unit);
                position += length * 8;
            }

            if (config.OtherDataBits > end - position)
                return false;
            position = (position + config.OtherDataBits + 7) & ~7;
        }

        return true;
    }

    private void Deliver(ReadOnlySpan<byte> elements, int position, int length, int unit)
    {
        var buffer = Options.Pool.Rent(length);
        LatmConfig.CopyBits(elements, position, buffer.Span[..length]);
        var timestamp = _timestamp + Duration(unit);
        Deliver(buffer, length, timestamp, timestamp, isKeyframe: true);
    }

    // Of units of this many samples at the core coder's rate; the RTP clock may be that of its extension.
    private long Duration(int units) =>
        _audio is null ? 0 : MediaTime.Rescale((long)units * _audio.FrameLength, _audio.SampleRate, Options.ClockRate);

    // A configuration comes again and again: what is the same costs no memory, and stays the same codec.
    private bool TryAccept(LatmConfig config, ReadOnlySpan<byte> elements, bool isTrial)
    {
        var bytes = config.CopyAudioConfig(elements, stackalloc byte[LatmConfig.MaxAudioLength]);
        if (Codec is null || !bytes.SequenceEqual(Codec.Configuration.Span))
        {
            if (!AudioSpecificConfig.TryParse(bytes, out var audio))
                return false;
            if (!isTrial)
            {
                _audio = audio;
                Codec = Codec.Aac(bytes);
            }
        }

        if (!isTrial)
            _config = config;
        return true;
    }

    private static bool ReadFlag(ReadOnlySpan<byte> data, ref int position)
    {
        var flag = (data[position >> 3] & (0x80 >> (position & 7))) != 0;
        position++;
        return flag;
    }

    // PayloadLengthInfo, in bytes. False when it is cut, or says more than there is.
    private static bool TryReadLength(ReadOnlySpan<byte> data, ref int position, out int length)
    {
        var end = data.Length * 8;
        length = 0;
        Span<byte> part = stackalloc byte[1];
        do
        {
            if (position > end - 8)
                return false;
            LatmConfig.CopyBits(data, position, part);
            position += 8;
            length += part[0];
        }
        while (part[0] == byte.MaxValue);
        return length <= (end - position) / 8;
    }
}
