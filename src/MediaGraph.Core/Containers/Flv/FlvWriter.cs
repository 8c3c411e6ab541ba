using System.Buffers.Binary;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Containers.Flv;

/// <summary>
/// Writes packets as an FLV file (FLV 10.1 §E.2 and §E.3, Enhanced RTMP v2), which <see cref="FlvReader"/> and <see cref="FlvFeedWriter"/>
/// read back. The first packet is at time 0; what is decoded before it, but comes later, too. Not thread-safe.
/// </summary>
/// <param name="file">Where the file's bytes go, from its start. The caller owns it; it need not be seekable.</param>
/// <param name="form">
/// Which forms the file's readers take; <see cref="FlvForm.TrackId"/> comes from the packets' tracks.
/// </param>
/// <param name="metadata">The file's first tag: AMF0 values, <c>onMetaData</c> and its array. Empty for none.</param>
public sealed class FlvWriter(Stream file, FlvForm form = default, ReadOnlyMemory<byte> metadata = default)
{
    private const int TagHeaderLength = 11;
    private const int BackPointerLength = 4;

    private readonly Dictionary<string, Codec> _codecs = []; // by track: what the file says by now
    private readonly byte[] _head = new byte[TagHeaderLength + FlvTagBody.MaxHeadLength];
    private readonly byte[] _backPointer = new byte[BackPointerLength];
    private long? _origin;

    /// <summary>Writes a packet, behind its codec's parameters where the file does not have them yet.</summary>
    /// <param name="packet">The packet; the caller keeps its reference.</param>
    /// <param name="track">Whose packet it is. Numbered tracks (<c>video1</c>) are written as multitrack tags.</param>
    /// <param name="cancellationToken">Leaves the file torn; it ends at its last whole tag.</param>
    /// <exception cref="NotSupportedException">The codec does not travel in FLV.</exception>
    /// <exception cref="ArgumentException">The packet is longer than <see cref="FlvTagBody.MaxPayloadLength"/>.</exception>
    public async ValueTask WriteAsync(MediaPacket packet, Track track, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        ArgumentNullException.ThrowIfNull(track);
        var ownForm = form with { TrackId = FlvTagBody.TrackIdOf(track) };
        var codec = packet.Codec;
        if (!FlvTagBody.CanCarry(codec, ownForm))
            throw new NotSupportedException($"{codec.Name} does not travel in FLV.");
        if (packet.Length > FlvTagBody.MaxPayloadLength)
            throw new ArgumentException("The packet is too long for a tag.", nameof(packet));

        var time = FlvTagBody.Milliseconds(packet, ownForm);
        if (_origin is null)
            await WriteStartAsync(cancellationToken).ConfigureAwait(false);
        time = Math.Max(0, time - (_origin ??= time));
        var type = FlvTagBody.TypeOf(codec);
        if (!_codecs.TryGetValue(track.Id, out var known) || !ReferenceEquals(known, codec))
        {
            var parameters = new byte[FlvTagBody.MeasureParameters(codec, ownForm)]; // a change of codec is rare
            FlvTagBody.WriteParameters(codec, parameters, ownForm);
            if (parameters.Length > 0)
                await WriteTagAsync(type, time, headLength: 0, parameters, cancellationToken).ConfigureAwait(false);
            _codecs[track.Id] = codec;
        }

        var headLength = FlvTagBody.WriteHead(packet, _head.AsSpan(TagHeaderLength), ownForm);
        await WriteTagAsync(type, time, headLength, packet.Payload, cancellationToken).ConfigureAwait(false);
    }

    // Both kinds are announced: which of them come is not known yet.
    private async ValueTask WriteStartAsync(CancellationToken cancellationToken)
    {
        byte[] header = [.. "FLV"u8, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
        await file.WriteAsync(header, cancellationToken).ConfigureAwait(false);
        if (!metadata.IsEmpty)
            await WriteTagAsync(FlvTagType.Script, 0, headLength: 0, metadata, cancellationToken).ConfigureAwait(false);
    }

    // The body's head stands behind the tag's already.
    private async ValueTask WriteTagAsync(
        FlvTagType type, long time, int headLength, ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        var length = headLength + rest.Length;
        var head = _head.AsMemory(0, TagHeaderLength + headLength);
        BinaryPrimitives.WriteInt32BigEndian(head.Span, ((int)type << 24) | length);
        BinaryPrimitives.WriteUInt32BigEndian(head.Span[4..], (uint)(time << 8) | (uint)((time >> 24) & 0xFF)); // 24 bits, then 8 above
        head.Span[8..TagHeaderLength].Clear();
        BinaryPrimitives.WriteInt32BigEndian(_backPointer, TagHeaderLength + length);
        await file.WriteAsync(head, cancellationToken).ConfigureAwait(false);
        await file.WriteAsync(rest, cancellationToken).ConfigureAwait(false);
        await file.WriteAsync(_backPointer, cancellationToken).ConfigureAwait(false);
    }
}
