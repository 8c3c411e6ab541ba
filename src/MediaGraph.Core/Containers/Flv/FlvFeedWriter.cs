using System.Text;
using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Feeds a stream from FLV tags, or from RTMP messages, whose bodies are the same. H264 and AAC are understood; the tags of other
/// codecs pass as they are. Total: any bytes are fed, ignored, or give an <see cref="FlvFormatException"/>. Not thread-safe.
/// </summary>
/// <param name="feed">What is fed. The caller owns it.</param>
/// <param name="maxParameterBytes">
/// Longest parameters, or metadata, that are kept for late joiners, in bytes. Longer metadata is left out, longer parameters are an
/// <see cref="FlvFormatException"/>.
/// </param>
public sealed class FlvFeedWriter(Feed feed, int maxParameterBytes = FlvFeedWriter.DefaultMaxParameterBytes)
{
    /// <summary>Longest parameters, or metadata, that are kept for late joiners by default, in bytes.</summary>
    public const int DefaultMaxParameterBytes = 64 << 10;

    private const int MillisecondClock = 1000;

    private static readonly Codec DataCodec = new(MediaKind.Data, CodecNames.RtmpData, MillisecondClock);

    private FeedTrack? _video;
    private FeedTrack? _audio;
    private Codec? _videoCodec;
    private Codec? _audioCodec;
    private int _nalLengthSize = NalUnits.LengthSize;

    /// <summary>Frames that were dropped because no parameters had come yet, or because they were malformed.</summary>
    public long DroppedFrames { get; private set; }

    /// <summary>Feeds one tag.</summary>
    /// <param name="type">The tag's type; others than those of <see cref="FlvTagType"/> are ignored.</param>
    /// <param name="milliseconds">The tag's time, unwrapped.</param>
    /// <param name="body">Its one reference passes to the writer.</param>
    /// <param name="offset">Where the body starts in the buffer.</param>
    /// <param name="length">The body's length in bytes.</param>
    /// <returns>False when the feed has ended or was revoked.</returns>
    /// <exception cref="FlvFormatException">The body cannot be what its type says.</exception>
    public bool Write(FlvTagType type, long milliseconds, PooledBuffer body, int offset, int length)
    {
        ArgumentNullException.ThrowIfNull(body);
        var owned = body;
        try
        {
            var bytes = body.Span.Slice(offset, length);
            if (bytes.IsEmpty)
                return true; // some encoders keep the connection alive by it
            return type switch
            {
                FlvTagType.Video => WriteVideo(milliseconds, bytes, ref owned, offset),
                FlvTagType.Audio => WriteAudio(milliseconds, bytes, ref owned, offset),
                FlvTagType.Script => WriteScript(milliseconds, bytes, ref owned, offset),
                _ => true,
            };
        }
        finally
        {
            owned?.Release();
        }
    }

    private bool WriteVideo(long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset)
    {
        var isEnhanced = (body[0] & 0x80) != 0;
        var frameType = (body[0] >> 4) & 0x7;
        if (frameType == 5)
            return true; // an information or command frame: nothing to decode
        if (isEnhanced)
            return WriteOpaqueVideo(time, body, ref owned, offset, EnhancedName(body), (body[0] & 0xF) == 0, frameType == 1);
        var codecId = body[0] & 0xF;
        if (codecId != FlvTagBody.AvcCodecId)
        {
            var isParameters = codecId == 12 && body is [_, 0, ..]; // H265 the way some encoders send it
            return WriteOpaqueVideo(time, body, ref owned, offset, VideoName(codecId), isParameters, frameType is 1 or 4);
        }

        if (body.Length < 5)
            throw new FlvFormatException("An H264 tag is shorter than its header.");
        switch (body[1])
        {
            case 0:
                SetVideoCodec(body[5..]);
                return true;
            case 1:
                return WriteAvc(time, body, ref owned, offset, frameType is 1 or 4);
            default:
                return true; // end of sequence
        }
    }

    private void SetVideoCodec(ReadOnlySpan<byte> configuration)
    {
        if (configuration.IsEmpty)
            return;
        if (configuration.Length > maxParameterBytes || !AvcConfiguration.TryParse(configuration, out var parsed))
            throw new FlvFormatException("An H264 tag has malformed parameters.");
        _nalLengthSize = parsed.NalLengthSize;
        Announce(Codec.FromAvcConfiguration(configuration), ref _video, ref _videoCodec);
    }

    private bool WriteAvc(long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset, bool isKeyframe)
    {
        if (_video is null || _videoCodec is not { IsOpaque: false } codec)
        {
            DroppedFrames++;
            return true;
        }

        var compositionTime = ((body[2] << 24) | (body[3] << 16) | (body[4] << 8)) >> 8; // signed, 24 bits
        var ticks = codec.ClockRate / MillisecondClock;
        var (decodeTime, presentationTime) = (time * ticks, (time + compositionTime) * ticks);
        var frame = body[5..];
        if (_nalLengthSize == NalUnits.LengthSize)
            return _video.Write(Take(ref owned), offset + 5, frame.Length, codec, decodeTime, presentationTime, isKeyframe);
        if (!NalUnits.TryMeasureLengthPrefixed(frame, _nalLengthSize, out var length) || length > FlvTagBody.MaxPayloadLength)
        {
            DroppedFrames++;
            return true;
        }

        var converted = _video.Feed.Pool.Rent(length);
        NalUnits.ConvertLengthPrefixed(frame, _nalLengthSize, converted.Span);
        return _video.Write(converted, 0, length, codec, decodeTime, presentationTime, isKeyframe);
    }

    private bool WriteAudio(long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset)
    {
        var format = body[0] >> 4;
        if (format != FlvTagBody.AacSoundFormat)
        {
            var isParameters = format == FlvTagBody.EnhancedSoundFormat && (body[0] & 0xF) == 0;
            var name = format == FlvTagBody.EnhancedSoundFormat ? EnhancedName(body) : AudioName(format);
            return WriteOpaque(time, body, ref owned, offset, MediaKind.Audio, name, isParameters, isKeyframe: true, ref _audio, ref _audioCodec);
        }

        if (body.Length < 2)
            throw new FlvFormatException("An AAC tag is shorter than its header.");
        if (body[1] == 0)
        {
            SetAudioCodec(body[2..]);
            return true;
        }

        if (_audio is null || _audioCodec is not { IsOpaque: false } codec)
        {
            DroppedFrames++;
            return true;
        }

        var ticks = MediaTime.Rescale(time, MillisecondClock, codec.ClockRate);
        return _audio.Write(Take(ref owned), offset + 2, body.Length - 2, codec, ticks, ticks, isKeyframe: true);
    }

    private void SetAudioCodec(ReadOnlySpan<byte> configuration)
    {
        if (configuration.IsEmpty)
            return;
        if (configuration.Length > maxParameterBytes || !AudioSpecificConfig.TryParse(configuration, out _))
            throw new FlvFormatException("An AAC tag has malformed parameters.");
        Announce(Codec.Aac(configuration), ref _audio, ref _audioCodec);
    }

    private bool WriteScript(long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset)
    {
        // onMetaData describes the stream and is kept for late joiners; anything else is of its moment.
        var isMetadata = ReadName(body) == "onMetaData";
        if (isMetadata && body.Length > maxParameterBytes)
        {
            DroppedFrames++;
            return true;
        }

        var id = isMetadata ? "metadata" : "data";
        var track = feed.Tracks.FirstOrDefault(t => t.Track.Id == id) ?? feed.AddTrack(Track.Of(DataCodec, id));
        return track.Write(Take(ref owned), offset, body.Length, DataCodec, time, time, isKeyframe: isMetadata);
    }

    private bool WriteOpaqueVideo(
        long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset, string name, bool isParameters, bool isKeyframe) =>
        WriteOpaque(time, body, ref owned, offset, MediaKind.Video, name, isParameters, isKeyframe, ref _video, ref _videoCodec);

    // The whole body is the payload, or the parameters, of a codec that is only passed on.
    private bool WriteOpaque(
        long time, ReadOnlySpan<byte> body, ref PooledBuffer? owned, int offset, MediaKind kind, string name, bool isParameters,
        bool isKeyframe, ref FeedTrack? track, ref Codec? codec)
    {
        if (isParameters && body.Length > maxParameterBytes)
            throw new FlvFormatException("A tag has too long parameters.");
        if (isParameters || codec is not { IsOpaque: true } || codec.Name != name)
            Announce(new Codec(kind, name, MillisecondClock, 0, isParameters ? body : [], isOpaque: true), ref track, ref codec);
        return isParameters
            || track!.Write(Take(ref owned), offset, body.Length, codec!, time, time, isKeyframe);
    }

    // A repeated announcement is no change.
    private void Announce(Codec announced, ref FeedTrack? track, ref Codec? codec)
    {
        if (codec is not null && codec.HasSameParameters(announced))
            return;
        codec = announced;
        if (track is null)
            track = feed.AddTrack(Track.Of(announced));
        else
            track.Announce(announced);
    }

    private static PooledBuffer Take(ref PooledBuffer? owned)
    {
        var taken = owned!;
        owned = null;
        return taken;
    }

    // A body that starts with another type than a string has no name.
    private static string ReadName(ReadOnlySpan<byte> body)
    {
        if (body is not [2, var high, var low, ..])
            return "";
        var length = Math.Min((high << 8) | low, body.Length - 3);
        return Encoding.UTF8.GetString(body.Slice(3, Math.Min(length, 64)));
    }

    private static string EnhancedName(ReadOnlySpan<byte> body)
    {
        if (body.Length < 5)
            throw new FlvFormatException("An enhanced tag is shorter than its header.");
        return body.Slice(1, 4).ContainsAnyExceptInRange((byte)' ', (byte)'~')
            ? "unknown"
            : Encoding.ASCII.GetString(body.Slice(1, 4));
    }

    private static string VideoName(int codecId) => codecId switch
    {
        2 => "H263",
        3 or 6 => "ScreenVideo",
        4 or 5 => "VP6",
        12 => CodecNames.H265,
        _ => $"FLV-VIDEO-{codecId}",
    };

    private static string AudioName(int format) => format switch
    {
        2 or 14 => CodecNames.Mp3,
        7 => CodecNames.Pcma,
        8 => CodecNames.Pcmu,
        11 => "Speex",
        _ => $"FLV-AUDIO-{format}",
    };
}
