using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>A session that offers a stream of the hub's to a server.</summary>
internal sealed class RtspPush : RtspClientConnection
{
    private readonly MediaStream _stream;
    private readonly ImmutableArray<RtpOffer> _offers;
    private readonly RtpOutput _output;
    private readonly Func<SubscribeRequest, PacketQueue, WireFormat, Subscription> _subscribe;
    private readonly List<(RtpOffer Offer, UdpPath? Path, int Channel)> _tracks = []; // written before the sweep looks
    private readonly DatagramWriter? _datagrams;
    private Subscription? _subscription;
    private bool _isRecording; // read by the sweep
    private long? _lastReport;

    /// <param name="client">The client.</param>
    /// <param name="transport">Connected.</param>
    /// <param name="id">Its number.</param>
    /// <param name="url">Where the stream goes.</param>
    /// <param name="carrier">How media go.</param>
    /// <param name="stream">The hub's stream.</param>
    /// <param name="offers">Its tracks, one at least.</param>
    /// <param name="subscribe">Subscribes them.</param>
    public RtspPush(
        RtspClient client, ITransport transport, long id, RtspUrl url, RtspUrlTransport carrier, MediaStream stream,
        ImmutableArray<RtpOffer> offers, Func<SubscribeRequest, PacketQueue, WireFormat, Subscription> subscribe)
        : base(client, transport, id, url, stream.Name, carrier)
    {
        _stream = stream;
        _offers = offers;
        _subscribe = subscribe;
        _output = new RtpOutput(Hub.Pool, $"mediagraph-{id}");
        _datagrams = carrier == RtspUrlTransport.Udp ? new DatagramWriter(Hub.Pool, RequestClose, Options.Queue, Time) : null;
    }

    protected override async Task ServeAsync()
    {
        await AskOptionsAsync().ConfigureAwait(false);
        await AnnounceAsync().ConfigureAwait(false);
        foreach (var offer in _offers)
            await SetUpAsync(offer).ConfigureAwait(false);
        Require(await CallAsync(RtspMethods.Record, ControlUri, default, (RtspHeaderNames.Range, "npt=0.000-")).ConfigureAwait(false));
        Begin();
        await RunJobsAsync().ConfigureAwait(false);
    }

    protected override void OnFrame(byte channel, ReadOnlySpan<byte> packet)
    {
        // A receiver report: says nothing that TCP does not.
    }

    // A report at once, when something was sent, and then in intervals: receivers lay sound and picture on one time by it.
    protected override void OnSecond(long now)
    {
        if (!Volatile.Read(ref _isRecording) || (_lastReport is { } last && Time.GetElapsedTime(last, now) < ReportInterval))
            return;
        if (SendReports(isLeaving: false))
            _lastReport = now;
    }

    protected override void OnEnding(CloseReason reason)
    {
        if (_subscription is null)
            return;
        SendReports(isLeaving: true); // while the graph still has what counts the packets
        _subscription.Close(CloseReason.Requested);
    }

    protected override async ValueTask ReleaseAsync()
    {
        if (_datagrams is not null)
            await _datagrams.DisposeAsync().ConfigureAwait(false);
        foreach (var (_, path, _) in _tracks)
        {
            if (path is not null)
                await path.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task AnnounceAsync()
    {
        var medias = _offers.Select(offer => new SdpOffer([(offer.PayloadType, offer.Codec)], RtspControl.OfTrack(offer.Index))).ToList();
        var description = SdpWriter.Write(Name, (ulong)Id, medias);
        Require(await CallAsync(
            RtspMethods.Announce, Url.RequestUri, description, (RtspHeaderNames.ContentType, "application/sdp")).ConfigureAwait(false));
    }

    private async Task SetUpAsync(RtpOffer offer)
    {
        var uri = RtspControl.Resolve(Url.RequestUri, RtspControl.OfTrack(offer.Index));
        var (transport, path) = await SetUpAsync(uri, 2 * _tracks.Count, isRecord: true, null, null).ConfigureAwait(false);
        _tracks.Add((offer, path, transport.Interleaved?.Rtcp ?? 0));
        if (path is not null)
            _output.Add(offer, path);
        else
            _output.Add(offer, (byte)transport.Interleaved!.Value.Rtp);
    }

    private void Begin()
    {
        try
        {
            _subscription = _subscribe(
                new SubscribeRequest(Name) { Peer = Peer, OnStateChanged = OnStateChanged },
                (PacketQueue?)_datagrams ?? Writer, _output.Format);
        }
        catch (StreamException e)
        {
            throw new RtspClientException(
                new CloseReason(e.Error == StreamError.CodecsNotMatched ? CloseCode.CodecMismatch : CloseCode.Refused, e.Message));
        }

        _subscription.Start();
        Volatile.Write(ref _isRecording, true);
        Log.Pushed(Client.Logger, Name, Url, Id);
    }

    // Called by whichever thread changed the state. While the hub's stream waits for a publisher, so does the server's.
    private void OnStateChanged(SubscriptionState state, CloseReason? reason)
    {
        if (state == SubscriptionState.Ended && reason is { Code: not CloseCode.Requested })
            RequestClose(reason);
    }

    private bool SendReports(bool isLeaving)
    {
        var isSent = false;
        Span<byte> report = stackalloc byte[MaxReportLength];
        foreach (var (offer, path, channel) in _tracks)
        {
            var length = _output.WriteReport(offer, _stream, Time.GetUtcNow(), ReportSpan(report), isLeaving);
            SendReport(report, length, path, channel);
            isSent |= length > 0;
        }

        return isSent;
    }
}
