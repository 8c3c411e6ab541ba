using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;
using MediaGraph.Talk;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// The loudspeaker of a camera that is pulled from. Each talk is a session of its own, on a connection of its own: what is viewed is
/// never touched, and a camera hears of it only while somebody talks.
/// </summary>
internal sealed class RtspSpeaker : ISpeaker
{
    private readonly RtspClient _client;
    private readonly RtspUrl _url;
    private readonly RtspUrlTransport _carrier;
    private readonly string _stream;

    private RtspSpeaker(RtspClient client, RtspUrl url, RtspUrlTransport carrier, string stream, Track track)
    {
        _client = client;
        _url = url;
        _carrier = carrier;
        _stream = stream;
        Track = track;
    }

    public Track Track { get; }

    /// <summary>The one that a description shows; null when it takes nothing that can be sent.</summary>
    /// <param name="media">See <see cref="SdpSession.FindBackchannel"/>. Its order is the camera's preference (RFC 8866 §5.14).</param>
    /// <param name="client">Makes the sessions.</param>
    /// <param name="url">The camera.</param>
    /// <param name="carrier">How its media come, and so how they go.</param>
    /// <param name="stream">The hub's stream.</param>
    public static RtspSpeaker? Of(SdpMedia media, RtspClient client, RtspUrl url, RtspUrlTransport carrier, string stream)
    {
        var codecs = media.Formats.Where(CanSend).Select(format => format.Codec!).ToList();
        return codecs.Count == 0
            ? null
            : new RtspSpeaker(client, url, carrier, stream, new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, [.. codecs]));
    }

    public async ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
    {
        try
        {
            var (connection, _) = await _client.OpenAsync(
                (transport, id, url, carrier) => new RtspTalk(_client, transport, id, url, _stream, carrier, codec), _url, _carrier, _stream,
                cancellationToken).ConfigureAwait(false);
            return new Line((RtspTalk)connection);
        }
        catch (RtspClientException e)
        {
            throw new StreamException(StreamError.Ended, e.Reason.Text);
        }
    }

    /// <summary>Whether there is a payload format that we can send, and all that it needs was said.</summary>
    public static bool CanSend(SdpFormat format) =>
        format is { Codec: { Form: PayloadForm.Frame } codec, LacksParameters: false } && SdpCodecs.WhyNot(codec) is null &&
        format.Aac is null or { SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3 };

    private sealed class Line(RtspTalk talk) : ITalkLine
    {
        public ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
        {
            talk.Send(packet);
            return ValueTask.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            talk.RequestClose(Graph.CloseReason.Requested);
            await talk.Completion.ConfigureAwait(false);
        }
    }
}
