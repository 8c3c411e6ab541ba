using System.Buffers.Binary;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;

namespace MediaGraph.Containers.Flv;

/// <summary>One track of what an <see cref="FlvFeedWriter"/> feeds: its codec now, and what is kept beside its frames.</summary>
/// <param name="feed">What is fed.</param>
/// <param name="kind">Video or audio.</param>
/// <param name="id">The track's number.</param>
/// <param name="maxParameterBytes">See <see cref="FlvFeedWriter"/>.</param>
internal sealed class FlvTrack(Feed feed, MediaKind kind, int id, int maxParameterBytes)
{
    private const int MillisecondClock = 1000;

    private readonly string _id = Track.Name(kind) + (id == 0 ? "" : $"{id}");
    private FeedTrack? _track;
    private Codec? _codec;
    private int _nalLengthSize = NalUnits.LengthSize;
    private FeedTrack? _sideTrack;
    private Codec? _sideCodec;

    public int Id => id;

    /// <summary>Frames that were dropped because no parameters had come yet, or because they were malformed.</summary>
    public long DroppedFrames { get; private set; }

    /// <summary>Takes a codec's parameters.</summary>
    /// <exception cref="FlvFormatException">They are malformed, or too long.</exception>
    public void SetParameters(FlvCodec known, ReadOnlySpan<byte> parameters)
    {
        if (parameters.IsEmpty || !known.HasParameters)
            return;
        if (parameters.Length > maxParameterBytes || ParseParameters(known.Name, parameters) is not { } codec)
            throw new FlvFormatException($"A tag has malformed parameters of {known.Name}.");
        Announce(codec);
    }

    /// <summary>Feeds one frame.</summary>
    /// <param name="known">The codec that the tag says.</param>
    /// <param name="time">When it is decoded.</param>
    /// <param name="buffer">The caller keeps its reference.</param>
    /// <param name="offset">Where the frame starts.</param>
    /// <param name="length">The frame's length.</param>
    /// <param name="isKeyframe">As the tag says.</param>
    /// <param name="isStereo">As the tag of G.711 says.</param>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool WriteFrame(
        FlvCodec known, in FlvTime time, PooledBuffer buffer, int offset, int length, bool isKeyframe, bool isStereo = false)
    {
        if (length == 0)
            return true;
        var frame = buffer.Span.Slice(offset, length);
        if (ReadCodec(known, frame, isStereo) is { } codec)
            Announce(codec);
        if (_track is null || _codec is null || _codec.IsOpaque || _codec.Name != known.Name || length > FlvTagBody.MaxPayloadLength)
        {
            DroppedFrames++;
            return true;
        }

        var presentationTime = time.Presentation(_codec.ClockRate);
        var decodeTime = known.HasCompositionTime ? time.Decode(_codec.ClockRate) : presentationTime;
        if (_nalLengthSize == NalUnits.LengthSize || known.Name is not (CodecNames.H264 or CodecNames.H265))
        {
            var (kept, start) = Keep(buffer, offset, length);
            return _track.Write(kept, start, length, _codec, decodeTime, presentationTime, isKeyframe);
        }

        if (!NalUnits.TryMeasureLengthPrefixed(frame, _nalLengthSize, out var newLength) || newLength > FlvTagBody.MaxPayloadLength)
        {
            DroppedFrames++;
            return true;
        }

        var converted = feed.Pool.Rent(newLength);
        NalUnits.ConvertLengthPrefixed(frame, _nalLengthSize, converted.Span);
        return _track.Write(converted, 0, newLength, _codec, decodeTime, presentationTime, isKeyframe);
    }

    /// <summary>Feeds a whole body of a codec that is only passed on, or takes it as its parameters.</summary>
    /// <inheritdoc cref="WriteFrame"/>
    public bool WriteOpaque(
        string name, long milliseconds, PooledBuffer buffer, int offset, int length, bool isParameters, bool isKeyframe)
    {
        if (isParameters && length > maxParameterBytes)
            throw new FlvFormatException("A tag has too long parameters.");
        if (isParameters || _codec is not { IsOpaque: true } || _codec.Name != name)
        {
            Announce(new Codec(
                kind, name, MillisecondClock, 0, isParameters ? buffer.Span.Slice(offset, length) : [], form: PayloadForm.FlvTag));
        }

        if (isParameters)
            return true;
        var (kept, start) = Keep(buffer, offset, length);
        return _track!.Write(kept, start, length, _codec!, milliseconds, milliseconds, isKeyframe);
    }

    /// <summary>
    /// Feeds what describes the track beside its codec. It is a track of its own, so that its last packet is kept for late joiners.
    /// </summary>
    /// <param name="fourCc">The codec that it belongs to.</param>
    /// <inheritdoc cref="WriteOpaque"/>
    public bool WriteSideData(uint fourCc, long milliseconds, PooledBuffer buffer, int offset, int length)
    {
        if (length == 0)
            return true;
        if (length > maxParameterBytes)
        {
            DroppedFrames++;
            return true;
        }

        if (_sideCodec is null || FourCcOf(_sideCodec) != fourCc)
        {
            Span<byte> configuration = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(configuration, fourCc);
            var name = kind == MediaKind.Video ? CodecNames.RtmpVideoMetadata : CodecNames.RtmpChannels;
            _sideCodec = new Codec(MediaKind.Data, name, MillisecondClock, configuration: configuration);
        }

        var suffix = kind == MediaKind.Video ? FlvTagBody.MetadataSuffix : FlvTagBody.ChannelsSuffix;
        _sideTrack ??= feed.AddTrack(Track.Of(_sideCodec, _id + suffix));
        var (kept, start) = Keep(buffer, offset, length);
        return _sideTrack.Write(kept, start, length, _sideCodec, milliseconds, milliseconds, isKeyframe: true);
    }

    // A packet shares the message's memory, unless it is a small part of it: that is copied, so that it does not keep all of it.
    private (PooledBuffer Buffer, int Offset) Keep(PooledBuffer buffer, int offset, int length)
    {
        if (length >= buffer.Capacity / 4)
        {
            buffer.Retain();
            return (buffer, offset);
        }

        var copy = feed.Pool.Rent(length);
        buffer.Span.Slice(offset, length).CopyTo(copy.Span);
        return (copy, 0);
    }

    private static uint FourCcOf(Codec sideCodec) => BinaryPrimitives.ReadUInt32BigEndian(sideCodec.Configuration.Span);

    // Null for what cannot be parameters of the codec. Those of VP8, VP9 and H266 say nothing that is needed here.
    private Codec? ParseParameters(string name, ReadOnlySpan<byte> parameters)
    {
        switch (name)
        {
            case CodecNames.H264 when AvcConfiguration.TryParse(parameters, out var avc):
                _nalLengthSize = avc.NalLengthSize;
                return Codec.FromAvcConfiguration(parameters);
            case CodecNames.H265 when HevcConfiguration.TryParse(parameters, out var hevc):
                _nalLengthSize = hevc.NalLengthSize;
                return Codec.FromHevcConfiguration(parameters);
            case CodecNames.Av1 when Av1SequenceHeader.IsRecord(parameters):
            case CodecNames.Vp8 or CodecNames.Vp9 or CodecNames.H266:
                return new Codec(MediaKind.Video, name, Codec.VideoClockRate, configuration: parameters);
            case CodecNames.Aac when AudioSpecificConfig.TryParse(parameters, out _):
                return Codec.Aac(parameters);
            case CodecNames.Opus when OpusHead.TryParse(parameters, out var opus):
                return new Codec(MediaKind.Audio, name, OpusHead.ClockRate, opus.Channels, parameters);
            case CodecNames.Opus when parameters.StartsWith("OpusTags"u8):
                return _codec; // the comment header says nothing about the sound
            case CodecNames.Flac when FlacStreamInfo.TryParse(parameters, out var flac, out var block):
                return new Codec(MediaKind.Audio, name, flac.SampleRate, flac.Channels, block);
            default:
                return null;
        }
    }

    // The codec of a frame that says itself what it is, when it is another one than before; null while nothing changes.
    private Codec? ReadCodec(FlvCodec known, ReadOnlySpan<byte> frame, bool isStereo)
    {
        var isSame = _codec is { IsOpaque: false } && _codec.Name == known.Name;
        switch (known.Name)
        {
            case CodecNames.Av1 or CodecNames.Vp8 or CodecNames.Vp9:
                return isSame ? null : new Codec(MediaKind.Video, known.Name, Codec.VideoClockRate);
            case CodecNames.Opus:
                return isSame ? null : new Codec(MediaKind.Audio, known.Name, OpusHead.ClockRate, channels: 2);
            case CodecNames.Pcma or CodecNames.Pcmu:
                return Sound(8000, isStereo ? 2 : 1);
            case CodecNames.Mp3 when Mp3Header.TryParse(frame, out var mp3):
                return Sound(mp3.SampleRate, mp3.Channels);
            case CodecNames.Ac3 or CodecNames.EAc3 when Ac3Header.TryParse(frame, out var ac3):
                return Sound(ac3.SampleRate, ac3.Channels);
            default:
                return null;
        }

        Codec? Sound(int clockRate, int channels) => isSame && _codec!.ClockRate == clockRate && _codec.Channels == channels
            ? null
            : new Codec(MediaKind.Audio, known.Name, clockRate, channels);
    }

    // A repeated announcement is no change.
    private void Announce(Codec announced)
    {
        if (_codec is not null && _codec.HasSameParameters(announced))
            return;
        _codec = announced;
        if (_sideCodec is not null && (FlvCodec.Find(announced)?.FourCc ?? 0) != FourCcOf(_sideCodec))
            _sideTrack?.Forget(); // it described another codec's pictures, or sound
        if (_track is null)
            _track = feed.AddTrack(Track.Of(announced, _id));
        else
            _track.Announce(announced);
        if (feed.Tracks.Any(track => track.Track.Kind == MediaKind.Video) && feed.Tracks.Any(track => track.Track.Kind == MediaKind.Audio))
            feed.Settle(); // one of each is what encoders send
    }
}
