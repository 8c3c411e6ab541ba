using System.Buffers.Binary;
using System.Text;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Feeds a stream from FLV tags, or from RTMP messages, whose bodies are the same (FLV 10.1 §E.4, Enhanced RTMP v2). Frames of the codecs
/// of <see cref="FlvTagBody.Codecs"/> come out bare; the tags of other codecs pass as they are, unless they are multitrack: then they
/// are dropped. The default track is <c>video</c> or <c>audio</c>, others are <c>video1</c>, <c>audio2</c> and so on. What is kept
/// for late joiners beside codec parameters are tracks of data: <c>metadata</c> (<c>onMetaData</c>), <c>video-metadata</c>
/// (HDR's <c>colorInfo</c>), <c>audio-channels</c> (MultichannelConfig).
/// Total: any bytes are fed, ignored, or give an <see cref="FlvFormatException"/>. Not thread-safe.
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

    /// <summary>The most tracks of video, and of audio.</summary>
    public const int MaxTracks = 16;

    private const int MillisecondClock = 1000;
    private const int CommandFrame = 5;
    private const int EnhancedSoundFormat = 9;
    private const int Mp3At8KilohertzFormat = 14;

    private static readonly Codec DataCodec = new(MediaKind.Data, CodecNames.RtmpData, MillisecondClock);

    private readonly List<FlvTrack> _video = [];
    private readonly List<FlvTrack> _audio = [];
    private long _droppedFrames;

    /// <summary>Frames that were dropped because no parameters had come yet, or because they were malformed.</summary>
    public long DroppedFrames => _droppedFrames + _video.Sum(t => t.DroppedFrames) + _audio.Sum(t => t.DroppedFrames);

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
        try
        {
            if (length == 0)
                return true; // some encoders keep the connection alive by it; of sound it says silence
            var tag = new Tag(milliseconds, body, offset, length);
            return type switch
            {
                FlvTagType.Video when (tag.Bytes[0] & 0x80) != 0 => WriteEnhanced(tag, MediaKind.Video),
                FlvTagType.Video => WriteVideo(tag),
                FlvTagType.Audio when tag.Bytes[0] >> 4 == EnhancedSoundFormat => WriteEnhanced(tag, MediaKind.Audio),
                FlvTagType.Audio => WriteAudio(tag),
                FlvTagType.Script => WriteScript(tag),
                _ => true,
            };
        }
        finally
        {
            body.Release();
        }
    }

    // ---- FLV 10.1 ---------------------------------------------------------------------------------------------------------

    private bool WriteVideo(in Tag tag)
    {
        var (frameType, codecId) = (tag.Bytes[0] >> 4, tag.Bytes[0] & 0xF);
        if (frameType == CommandFrame)
            return true; // nothing to decode
        var track = TrackOf(MediaKind.Video, 0);
        if (FlvCodec.FindLegacy(MediaKind.Video, codecId) is not { } known)
        {
            var name = FlvCodec.OpaqueName(MediaKind.Video, codecId);
            return track.WriteOpaque(name, tag.Milliseconds, tag.Buffer, tag.Offset, tag.Length, isParameters: false, IsKeyframe(frameType));
        }

        if (tag.Length < 5)
            throw new FlvFormatException($"A tag of {known.Name} is shorter than its header.");
        switch (tag.Bytes[1])
        {
            case 0:
                track.SetParameters(known, tag.Bytes[5..]);
                return true;
            case 1:
                var time = new FlvTime(tag.Milliseconds, ReadInt24(tag.Bytes[2..]), 0);
                return track.WriteFrame(known, time, tag.Buffer, tag.Offset + 5, tag.Length - 5, IsKeyframe(frameType));
            default:
                return true; // end of sequence
        }
    }

    private bool WriteAudio(in Tag tag)
    {
        var format = tag.Bytes[0] >> 4;
        var track = TrackOf(MediaKind.Audio, 0);
        if (FlvCodec.FindLegacy(MediaKind.Audio, format == Mp3At8KilohertzFormat ? 2 : format) is not { } known)
        {
            var name = FlvCodec.OpaqueName(MediaKind.Audio, format);
            return track.WriteOpaque(name, tag.Milliseconds, tag.Buffer, tag.Offset, tag.Length, isParameters: false, isKeyframe: true);
        }

        var head = 1;
        if (known.Name == CodecNames.Aac)
        {
            if (tag.Length < 2)
                throw new FlvFormatException("An AAC tag is shorter than its header.");
            if (tag.Bytes[1] == 0)
            {
                track.SetParameters(known, tag.Bytes[2..]);
                return true;
            }

            head = 2;
        }

        return track.WriteFrame(
            known, new FlvTime(tag.Milliseconds, 0, 0), tag.Buffer, tag.Offset + head, tag.Length - head, isKeyframe: true,
            isStereo: (tag.Bytes[0] & 1) != 0);
    }

    private bool WriteScript(in Tag tag)
    {
        // onMetaData describes the stream and is kept for late joiners; anything else is of its moment.
        var isMetadata = ReadName(tag.Bytes) == "onMetaData";
        if (isMetadata)
        {
            PromiseIfNamed(tag, MediaKind.Video, "\0\u000Cvideocodecid"u8);
            PromiseIfNamed(tag, MediaKind.Audio, "\0\u000Caudiocodecid"u8);
        }

        if (isMetadata && tag.Length > maxParameterBytes)
        {
            _droppedFrames++;
            return true;
        }

        var id = isMetadata ? "metadata" : "data";
        var track = feed.Tracks.FirstOrDefault(t => t.Track.Id == id) ?? feed.AddTrack(Track.Of(DataCodec, id));
        tag.Buffer.Retain();
        return track.Write(tag.Buffer, tag.Offset, tag.Length, DataCodec, tag.Milliseconds, tag.Milliseconds, isKeyframe: isMetadata);
    }

    // ---- Enhanced RTMP ----------------------------------------------------------------------------------------------------

    private bool WriteEnhanced(in Tag tag, MediaKind kind)
    {
        var reader = new EnhancedTagReader(tag.Bytes, kind == MediaKind.Video);
        var isFed = true;
        for (var parts = 0; isFed && reader.TryRead(out var part); parts++)
        {
            if (parts == MaxTracks)
                throw new FlvFormatException($"A tag has more than {MaxTracks} parts.");
            isFed = WritePart(tag, kind, reader, part);
        }

        return isFed;
    }

    private bool WritePart(in Tag tag, MediaKind kind, in EnhancedTagReader reader, EnhancedTagReader.Part part)
    {
        var isKeyframe = kind == MediaKind.Audio || IsKeyframe(reader.FrameType);
        var data = tag.Bytes.Slice(part.Offset, part.Length);
        if (FlvCodec.Find(kind, part.FourCc) is not { } known)
        {
            if (reader.IsMultitrack)
            {
                _droppedFrames++;
                return true;
            }

            var isParameters = reader.PacketType == FlvPacketType.SequenceStart;
            return TrackOf(kind, 0).WriteOpaque(
                FlvCodec.OpaqueName(part.FourCc), tag.Milliseconds, tag.Buffer, tag.Offset, tag.Length, isParameters, isKeyframe);
        }

        switch (reader.PacketType)
        {
            case FlvPacketType.SequenceStart:
                TrackOf(kind, part.TrackId).SetParameters(known, data);
                return true;
            case FlvPacketType.Mpeg2TsSequenceStart when kind == MediaKind.Video:
                if (known.Name != CodecNames.Av1)
                    return true;
                if (!Codecs.Av1SequenceHeader.TryConvertDescriptor(data, out var record))
                    throw new FlvFormatException("A tag has a malformed descriptor of AV1.");
                TrackOf(kind, part.TrackId).SetParameters(known, record);
                return true;
            case FlvPacketType.CodedFrames:
            case FlvPacketType.CodedFramesX when kind == MediaKind.Video:
                var hasCompositionTime = reader.PacketType == FlvPacketType.CodedFrames && known.HasCompositionTime;
                if (hasCompositionTime && data.Length < 3)
                    throw new FlvFormatException($"A tag of {known.Name} is shorter than its header.");
                var head = hasCompositionTime ? 3 : 0;
                if (data.Length == head)
                    return true;
                var time = new FlvTime(tag.Milliseconds, hasCompositionTime ? ReadInt24(data) : 0, reader.Nanoseconds);
                return TrackOf(kind, part.TrackId).WriteFrame(
                    known, time, tag.Buffer, tag.Offset + part.Offset + head, data.Length - head, isKeyframe);
            case FlvPacketType.Metadata: // or MultichannelConfig
                return TrackOf(kind, part.TrackId).WriteSideData(
                    part.FourCc, tag.Milliseconds, tag.Buffer, tag.Offset + part.Offset, part.Length);
            case FlvPacketType.SequenceEnd:
                return true; // another one begins, or the feed ends
            default:
                return true; // of a later version
        }
    }

    private FlvTrack TrackOf(MediaKind kind, int id)
    {
        var tracks = kind == MediaKind.Video ? _video : _audio;
        foreach (var track in tracks)
        {
            if (track.Id == id)
                return track;
        }

        if (tracks.Count == MaxTracks)
            throw new FlvFormatException($"There are more than {MaxTracks} tracks of {Track.Name(kind)}.");
        var added = new FlvTrack(feed, kind, id, maxParameterBytes);
        tracks.Add(added);
        return added;
    }

    // Key frame, or one that a server generated.
    private static bool IsKeyframe(int frameType) => frameType is 1 or 4;

    private static int ReadInt24(ReadOnlySpan<byte> bytes) => ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8)) >> 8;

    // A body that starts with another type than a string has no name.
    private static string ReadName(ReadOnlySpan<byte> body)
    {
        if (body is not [2, var high, var low, ..])
            return "";
        var length = Math.Min((high << 8) | low, body.Length - 3);
        return Encoding.UTF8.GetString(body.Slice(3, Math.Min(length, 64)));
    }

    // Tracks of a kind will come where metadata have a property of that name whose value, a number or a FourCC, names a codec.
    private void PromiseIfNamed(in Tag metadata, MediaKind kind, ReadOnlySpan<byte> name)
    {
        var at = metadata.Bytes.IndexOf(name);
        var isNamed = at >= 0 && metadata.Bytes[(at + name.Length)..] switch
        {
            [0, .. { Length: >= 8 } number] => BinaryPrimitives.ReadDoubleBigEndian(number) > 0,
            [2, var high, var low, ..] => high + low > 0,
            _ => false,
        };
        if (isNamed)
            feed.Promise(kind);
    }

    private readonly ref struct Tag(long milliseconds, PooledBuffer buffer, int offset, int length)
    {
        public long Milliseconds { get; } = milliseconds;

        public PooledBuffer Buffer { get; } = buffer;

        public int Offset { get; } = offset;

        public int Length { get; } = length;

        public ReadOnlySpan<byte> Bytes { get; } = buffer.Span.Slice(offset, length);
    }
}
