using System.Collections.Frozen;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>How one viewer is sent a stream: each track that it has set up in its own way, others not.</summary>
internal sealed class RtpWireFormat(IReadOnlyDictionary<string, WireFormat> tracks) : WireFormat
{
    private readonly FrozenDictionary<string, WireFormat> _tracks = tracks.ToFrozenDictionary();

    /// <inheritdoc/>
    public override string CodecNames => string.Join(", ", _tracks.Values.Select(track => track.CodecNames));

    /// <inheritdoc/>
    public override bool CanCarry(Codec codec) => false; // only a track's own format can

    /// <inheritdoc/>
    public override WireFormat? ForTrack(Track track) => _tracks.GetValueOrDefault(track.Id);

    /// <inheritdoc/>
    public override ImageFormat ImageOf(Codec codec, bool withParameters) => throw new NotSupportedException("Ask a track's format.");
}
