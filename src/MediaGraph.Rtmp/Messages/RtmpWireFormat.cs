using MediaGraph.Containers.Flv;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// How one peer gets the packets of one message stream: which codecs it takes is its own, the images are shared. Those of
/// H264, AAC and what else is always written as FLV 10.1 has it are the same for all.
/// </summary>
internal sealed class RtmpWireFormat : WireFormat
{
    private readonly RtmpImages _images;
    private readonly RtmpCapabilities _peer;
    private readonly byte _trackId;
    private readonly RtmpImages.Pair _common;
    private readonly RtmpImages.Pair _h265;
    private readonly RtmpImages.Pair _enhanced; // of codecs that have only a four-character code

    public RtmpWireFormat(RtmpImages images, RtmpCapabilities peer, byte trackId = 0)
    {
        _images = images;
        _peer = peer;
        _trackId = trackId;
        var hasNanoseconds = peer.CapsEx.HasFlag(RtmpCapsEx.TimestampNanoOffset);
        _common = images[new FlvForm { TrackId = trackId }];
        _enhanced = images[new FlvForm { TrackId = trackId, HasNanosecondOffsets = hasNanoseconds }];
        _h265 = trackId == 0 && peer.HasLegacyH265 ? images[new FlvForm { HasLegacyH265 = true }] : _enhanced;
    }

    public override string CodecNames => _peer.CodecNames;

    public override bool CanCarry(Codec codec) => _peer.CanCarry(codec, _trackId);

    public override ImageFormat ImageOf(Codec codec, bool withParameters)
    {
        var pair = PairOf(codec);
        return withParameters ? pair.WithParameters : pair.Alone;
    }

    public override WireFormat? ForTrack(Track track)
    {
        var trackId = FlvTagBody.TrackIdOf(track);
        if (trackId == _trackId)
            return this;
        return _peer.CapsEx.HasFlag(RtmpCapsEx.Multitrack) ? new RtmpWireFormat(_images, _peer, trackId) : null;
    }

    public override PooledBuffer? WriteParameters(PacketPool pool, Codec codec, TimeSpan time, out int length) =>
        PairOf(codec).Alone.WriteParameters(pool, codec, time, out length);

    // Asked for each packet and viewer: most viewers take one form of everything.
    private RtmpImages.Pair PairOf(Codec codec)
    {
        if (ReferenceEquals(_common, _enhanced) && ReferenceEquals(_common, _h265))
            return _common;
        if (codec.IsOpaque || codec.Kind == MediaKind.Data)
            return _common;
        return codec.Name switch
        {
            Media.CodecNames.H265 => _h265,
            Media.CodecNames.H264 or Media.CodecNames.Aac or Media.CodecNames.Mp3 or Media.CodecNames.Pcma or Media.CodecNames.Pcmu
                when _trackId == 0 => _common,
            _ => _enhanced,
        };
    }
}
