using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Security;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Server;

/// <summary>The requests that need no session (RFC 2326 §10), and what all have in common.</summary>
internal sealed partial class RtspConnection
{
    private const string ServerName = "MediaGraph";
    private const string SdpType = "application/sdp";
    private const int MaxReasonLength = 200;

    private const string PublicMethods =
        "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, GET_PARAMETER, SET_PARAMETER, TEARDOWN";

    // What a request may require (§12.32).
    private static readonly FrozenSet<string> Features = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, RtspFeatures.Backchannel);

    // What was described last: SETUP is for its tracks.
    private (MediaStream Stream, ImmutableArray<RtpOffer> Offers, Backchannel? Backchannel)? _described;

    // Keeps the sources of what was described last running, until something else is described or the session ends.
    private StreamLease? _lease;
    private SdpSession? _announced;
    private string _announcedUri = "";

    // Whom the authorizer let do what: a request without credentials goes on as who the last one was, for the same action.
    private readonly Dictionary<StreamAction, (string Stream, Peer Peer)> _authorized = [];

    // Returns why the connection must end, or null.
    private async ValueTask<CloseReason?> ObeyAsync(RtspRequest request)
    {
        if (request.Version != RtspMessage.Rtsp10)
            return Reply(request, RtspStatus.VersionNotSupported);
        var unsupported = request.Headers.GetList(RtspHeaderNames.Require).Where(feature => !Features.Contains(feature)).ToArray();
        if (unsupported.Length > 0)
        {
            var response = new RtspResponse(RtspStatus.OptionNotSupported);
            response.Headers.Add(RtspHeaderNames.Unsupported, string.Join(", ", unsupported));
            return Send(response, request.CSeq);
        }

        if (request.Headers[RtspHeaderNames.Session] is { } header
            && (!RtspSessionId.TryParse(header, out var session) || session.Id != _sessionId))
            return Reply(request, RtspStatus.SessionNotFound);

        using var late = new CancellationTokenSource(_parts.Options.RequestTimeout, _parts.Time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closing.Token);
        if (request.Method is RtspMethods.Describe or RtspMethods.Announce or RtspMethods.Setup)
            Volatile.Write(ref _sessionEnded, 0); // it begins anew, and may wait for a source longer than a client that does not
        return request.Method switch
        {
            RtspMethods.Options => ReplyOptions(request),
            RtspMethods.Describe => await DescribeAsync(request, deadline.Token).ConfigureAwait(false),
            RtspMethods.Announce => await AnnounceAsync(request, deadline.Token).ConfigureAwait(false),
            RtspMethods.Setup => await SetUpAsync(request, deadline.Token).ConfigureAwait(false),
            RtspMethods.Play => await PlayAsync(request, deadline.Token).ConfigureAwait(false),
            RtspMethods.Pause => Pause(request),
            RtspMethods.Record => await RecordAsync(request, deadline.Token).ConfigureAwait(false),
            RtspMethods.Teardown => await TearDownAsync(request).ConfigureAwait(false),
            // Without a body they only say that the client is there.
            RtspMethods.GetParameter or RtspMethods.SetParameter =>
                Reply(request, request.Body.IsEmpty ? RtspStatus.Ok : RtspStatus.InvalidParameter),
            RtspMethods.Redirect => Reply(request, RtspStatus.MethodNotAllowed),
            _ => Reply(request, RtspStatus.NotImplemented),
        };
    }

    private CloseReason? ReplyOptions(RtspRequest request)
    {
        var response = new RtspResponse(RtspStatus.Ok);
        response.Headers.Add(RtspHeaderNames.Public, PublicMethods);
        return Send(response, request.CSeq);
    }

    private async ValueTask<CloseReason?> DescribeAsync(RtspRequest request, CancellationToken deadline)
    {
        var accept = request.Headers.GetList(RtspHeaderNames.Accept).Select(type => type.Split(';')[0].Trim()).ToArray();
        if (accept.Length > 0 && !accept.Any(IsSdpOrAll))
            return Reply(request, RtspStatus.NotAcceptable);
        if (Resolve(request.Uri) is not { } address)
            return ReplyRefusal(request, StreamAction.Play, InvalidName);
        var (peer, refusal) = await AuthorizeAsync(request, StreamAction.Play, address, deadline).ConfigureAwait(false);
        if (peer is null)
            return refusal;
        var wantsTalk = WantsTalk(request, address);
        var (stream, offers, refused) = await FindAsync(address, wantsTalk, deadline).ConfigureAwait(false);
        if (stream is null)
            return ReplyRefusal(request, StreamAction.Play, refused);

        // Beside a loudspeaker all others say, in the client's view too, which way they go.
        var backchannel = wantsTalk ? Backchannel.Of(stream, offers) : null;
        _described = (stream, offers, backchannel);
        var direction = backchannel is null ? SdpDirection.None : SdpDirection.ReceiveOnly;
        var medias = offers
            .Select(offer => new SdpOffer([(offer.PayloadType, offer.Codec)], RtspControl.OfTrack(offer.Index), direction)).ToList();
        if (backchannel is not null)
            medias.Add(backchannel.Offer);
        var response = new RtspResponse(RtspStatus.Ok)
        {
            Body = SdpWriter.Write(address.Name, (ulong)Math.Max(1, stream.Origin?.ToUnixTimeMilliseconds() ?? 1), medias),
        };
        response.Headers.Add(RtspHeaderNames.ContentBase, address.Presentation + "/");
        response.Headers.Add(RtspHeaderNames.ContentType, SdpType);
        return Send(response, request.CSeq);
    }

    // The loudspeaker is described to clients that require it (ONVIF Streaming Specification §5.3) or ask by query.
    private static bool WantsTalk(RtspRequest request, Address address) =>
        RtspTrackQuery.Parse(address.Query).HasBackchannel
        || request.Headers.GetList(RtspHeaderNames.Require).Contains(RtspFeatures.Backchannel, StringComparer.OrdinalIgnoreCase);

    private static bool IsSdpOrAll(string type) =>
        type is "*/*" or "application/*" || type.Equals(SdpType, StringComparison.OrdinalIgnoreCase);

    // The stream and those of its tracks that can be sent and are wanted, or what to answer. Who wants to talk needs no track. Sources run
    // from here on.
    private async ValueTask<(MediaStream? Stream, ImmutableArray<RtpOffer> Offers, Refusal Refusal)> FindAsync(
        Address address, bool wantsTalk, CancellationToken deadline)
    {
        StreamLease? lease = null;
        try
        {
            var wanted = RtspTrackQuery.Parse(address.Query).Tracks;
            lease = _parts.Hub.Lease(address.Name, WantsOf(wanted, wantsTalk));
            await WaitAsync(lease, deadline).ConfigureAwait(false);
            var found = Choose(lease.Stream, wanted, wantsTalk);
            if (found.Stream is not null)
                (_lease, lease) = (lease, _lease); // the one before is let go behind it, so that a source that both want runs on
            return found;
        }
        catch (StreamException e)
        {
            return (null, [], new Refusal(StatusOf(e.Error), e.Message) { RetryAfter = e.RetryAfter });
        }
        finally
        {
            lease?.Dispose();
        }
    }

    // A publisher that keeps us waiting: what there is will do. How long sources may take is the hub's setting, not the request's.
    private async ValueTask WaitAsync(StreamLease lease, CancellationToken deadline)
    {
        try
        {
            await lease.WhenReadyAsync(lease.Stream.HasSources ? _closing.Token : deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_closing.IsCancellationRequested)
        {
        }
    }

    private static SourceMedia WantsOf(ImmutableArray<Track> tracks, bool wantsTalk)
    {
        var wants = wantsTalk ? SourceMedia.Talk : SourceMedia.None;
        if (tracks.IsEmpty || tracks.Any(track => track.Kind == MediaKind.Video))
            wants |= SourceMedia.Video;
        if (tracks.IsEmpty || tracks.Any(track => track.Kind == MediaKind.Audio))
            wants |= SourceMedia.Audio;
        return wants;
    }

    // Keeps of the described stream's sources only what is played, so that what was not set up need not come.
    private void Narrow(PlaySession session)
    {
        if (_lease is not { } lease || lease.Stream != session.Stream || lease.Wants == session.Wants)
            return;
        try
        {
            _lease = _parts.Hub.Lease(session.Name, session.Wants);
            lease.Dispose();
        }
        catch (StreamException)
        {
            // It was removed: the session's end is on its way.
        }
    }

    private void ReleaseLease()
    {
        _lease?.Dispose();
        (_lease, _described) = (null, null);
    }

    private static (MediaStream? Stream, ImmutableArray<RtpOffer> Offers, Refusal Refusal) Choose(
        MediaStream stream, ImmutableArray<Track> wanted, bool wantsTalk)
    {
        var offers = RtpOffer.Of(stream);
        if (offers.IsEmpty)
        {
            if (wantsTalk && Backchannel.Of(stream, offers) is not null)
                return (stream, offers, default);
            var reasons = stream.Receivers.Select(receiver => receiver.Codec).OfType<Codec>()
                .Where(codec => codec.Kind != MediaKind.Data) // that a protocol's own data goes nowhere else is no news
                .Select(SdpCodecs.WhyNot).OfType<string>().ToArray();
            return reasons.Length == 0
                ? (null, [], new Refusal(RtspStatus.NotFound, "The stream has no media yet"))
                : (null, [], new Refusal(RtspStatus.UnsupportedMediaType, string.Join("; ", reasons.Distinct())));
        }

        if (wanted.IsEmpty)
            return (stream, offers, default);
        var tracks = offers.Select(offer => Track.Of(offer.Codec, offer.Receiver.Track.Id)).ToArray();
        if (!TrackMatch.TryMatch(tracks, wanted, out var matches, out var failure))
            return (null, [], new Refusal(RtspStatus.UnsupportedMediaType, failure));
        return (stream, [.. offers.Where((_, i) => matches.Any(match => ReferenceEquals(match.Offered, tracks[i])))], default);
    }

    private async ValueTask<CloseReason?> AnnounceAsync(RtspRequest request, CancellationToken deadline)
    {
        if (_session is not null)
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        if (Resolve(request.Uri) is not { } address)
            return ReplyRefusal(request, StreamAction.Publish, InvalidName);
        var type = (request.Headers[RtspHeaderNames.ContentType] ?? SdpType).Split(';')[0].Trim();
        if (!type.Equals(SdpType, StringComparison.OrdinalIgnoreCase))
            return Reply(request, RtspStatus.UnsupportedMediaType);
        var (peer, refusal) = await AuthorizeAsync(request, StreamAction.Publish, address, deadline).ConfigureAwait(false);
        if (peer is null)
            return refusal;
        if (!SdpSession.TryParse(request.Body.Span, _parts.Options.Limits, out var description, out var error))
            return Reply(request, RtspStatus.BadRequest, error);
        (_announced, _announcedUri) = (description, request.Uri);
        return Reply(request, RtspStatus.Ok);
    }

    // ---- Who it is ---------------------------------------------------------------------------------------------------------

    // The peer that may do it, or null: then the answer has been sent, and the reason is why the connection must end, or null.
    private async ValueTask<(Peer? Peer, CloseReason? Refusal)> AuthorizeAsync(
        RtspRequest request, StreamAction action, Address address, CancellationToken deadline)
    {
        var peer = new Peer(_protocol) { RemoteEndPoint = RemoteEndPoint };
        if (_parts.Hub.Options.Authorizer is null)
            return (peer, null);
        if (_parts.Hub.IsBlocked(peer))
        {
            Reply(request, RtspStatus.Forbidden);
            return (null, Refuse(action, "too many refusals"));
        }

        var outcome = _authentication.Read(request, out var credentials);
        if (outcome is RtspAuthenticationOutcome.Stale or RtspAuthenticationOutcome.Unusable)
            return (null, Challenge(request, isStale: outcome == RtspAuthenticationOutcome.Stale));
        if (outcome == RtspAuthenticationOutcome.Missing && _authorized.TryGetValue(action, out var known) && known.Stream == address.Name)
            peer = known.Peer;
        else
            peer = peer with { Credentials = credentials with { Parameters = ParametersOf(address.Query) } };
        try
        {
            var isFirstAsk = outcome == RtspAuthenticationOutcome.Missing;
            peer = await _parts.Hub.AuthorizeAsync(action, address.Name, peer, isFirstAsk, deadline).ConfigureAwait(false);
        }
        catch (StreamException e)
        {
            if (outcome == RtspAuthenticationOutcome.Given)
                WarnOfRefusal(action, e.Message);
            return (null, Challenge(request, isStale: false));
        }

        _authorized[action] = (address.Name, peer);
        return (peer, null);
    }

    private CloseReason? Challenge(RtspRequest request, bool isStale)
    {
        var response = new RtspResponse(RtspStatus.Unauthorized);
        _authentication.Challenge(response.Headers, isStale);
        return Send(response, request.CSeq);
    }

    private CloseReason Refuse(StreamAction action, string reason)
    {
        WarnOfRefusal(action, reason);
        return new CloseReason(CloseCode.Refused, $"{NameOf(action)} was refused: {reason}");
    }

    private void WarnOfRefusal(StreamAction action, string reason)
    {
        if (_parts.Connections.MayWarn())
            Log.Refused(_parts.Logger, Id, RemoteEndPoint, NameOf(action), reason);
    }

    private static Refusal InvalidName => new(RtspStatus.NotFound, "not a valid stream name");

    private CloseReason? ReplyRefusal(RtspRequest request, StreamAction action, Refusal refusal)
    {
        WarnOfRefusal(action, refusal.Reason ?? RtspStatus.ReasonOf(refusal.Status));
        var response = new RtspResponse(refusal.Status, Printable(refusal.Reason));
        if (refusal.RetryAfter is { } pause)
        {
            var seconds = Math.Max(1, Math.Ceiling(pause.TotalSeconds));
            response.Headers.Add(RtspHeaderNames.RetryAfter, seconds.ToString(CultureInfo.InvariantCulture));
        }

        return Send(response, request.CSeq);
    }

    private static string NameOf(StreamAction action) => action switch
    {
        StreamAction.Publish => "publish",
        StreamAction.Play => "play",
        _ => "talk",
    };

    // Tokens may stand in the query; which tracks are wanted is no secret, and no attempt to guess one.
    private static FrozenDictionary<string, Secret> ParametersOf(string query)
    {
        Dictionary<string, Secret> parameters = [];
        foreach (var (name, value) in UrlQuery.Read(query))
        {
            if (name.ToUpperInvariant() is not ("VIDEO" or "AUDIO" or "BACKCHANNEL"))
                parameters.TryAdd(name, new Secret(value));
        }

        return parameters.ToFrozenDictionary();
    }

    // ---- Addresses and answers ---------------------------------------------------------------------------------------------

    // Null for what names no stream.
    private static Address? Resolve(string uri)
    {
        var (presentation, track) = RtspControl.Split(uri);
        return RtspUrl.TryParse(presentation, out var url) && url.Path.Trim('/') is var name && StreamName.IsValid(name)
            ? new Address(name, url.Query, presentation, track)
            : null;
    }

    private CloseReason? Reply(RtspRequest request, int status, string? reason = null) =>
        Send(new RtspResponse(status, Printable(reason)), request.CSeq);

    // Always null, for who returns what it returns.
    private CloseReason? Send(RtspResponse response, uint? cseq)
    {
        var headers = new RtspHeaders();
        if (cseq is { } number)
            headers.Add(RtspHeaderNames.CSeq, number.ToString(CultureInfo.InvariantCulture));
        headers.Add(RtspHeaderNames.Server, ServerName);
        if (_session is not null)
            headers.Add(RtspHeaderNames.Session, new RtspSessionId(_sessionId!, _parts.Options.SessionTimeout).ToString());
        foreach (var (name, value) in response.Headers)
            headers.Add(name, value);
        _writer.Send(new RtspResponse(response.Status, response.Reason) { Headers = headers, Body = response.Body }.ToArray());
        return null;
    }

    // An authorizer's words, for instance, are not ours.
    private static string? Printable(string? reason) =>
        reason is null
            ? null
            : string.Concat(
                reason.Replace("⇒", "=>", StringComparison.Ordinal).Take(MaxReasonLength).Select(c => c is >= ' ' and <= '~' ? c : '?'));

    // Of a session's request, whose address was checked.
    private static Address AddressOf(RtspRequest request, ServerSession session) =>
        new(session.Name, RtspUrl.TryParse(request.Uri, out var url) ? url.Query : "", request.Uri, null);

    private readonly record struct Refusal(int Status, string? Reason)
    {
        public TimeSpan? RetryAfter { get; init; }
    }

    private sealed record Address(string Name, string Query, string Presentation, int? Track);
}
