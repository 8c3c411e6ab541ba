using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Security;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// The requests that make, run and end the connection's session (RFC 2326 §10, appendix A). A connection has one at a time, all of the
/// same identifier, which is worth nothing elsewhere; so requests need not repeat it.
/// </summary>
internal sealed partial class RtspConnection
{
    private const int FirstFreePort = 1024; // those below belong to services

    private string? _sessionId; // 128 random bits; null before the first session

    // ---- SETUP -------------------------------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> SetUpAsync(RtspRequest request, CancellationToken deadline)
    {
        if (_session is { IsRunning: true } && (_session is not PlaySession || !IsBackchannel(request)))
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        var transports = RtspTransport.ParseAll(request.Headers[RtspHeaderNames.Transport]);
        if (transports.Count == 0)
            return Reply(request, RtspStatus.UnsupportedTransport);
        if (_announced is not null || _session is RecordSession)
            return await SetUpRecordAsync(request, transports, deadline).ConfigureAwait(false);
        if (transports.All(transport => transport.IsRecord))
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        return await SetUpPlayAsync(request, transports, deadline).ConfigureAwait(false);
    }

    private async ValueTask<CloseReason?> SetUpPlayAsync(
        RtspRequest request, IReadOnlyList<RtspTransport> transports, CancellationToken deadline)
    {
        if (Resolve(request.Uri) is not { } address)
            return ReplyRefusal(request, StreamAction.Play, InvalidName);
        if (_session is { } existing && existing.Name != address.Name)
            return Reply(request, RtspStatus.AggregateOperationNotAllowed);
        var isTalk = address.Track == Backchannel.Key;
        var action = isTalk ? StreamAction.Talk : StreamAction.Play;
        var (peer, refusal) = await AuthorizeAsync(request, action, address, deadline).ConfigureAwait(false);
        if (peer is null)
            return refusal;

        if (_described is not { } described || described.Stream != _parts.Hub.Find(address.Name))
        {
            var (stream, offers, refused) = await FindAsync(address, isTalk, deadline).ConfigureAwait(false);
            if (stream is null)
                return ReplyRefusal(request, action, refused);
            described = (stream, offers, null);
            _described = described;
        }

        if (isTalk)
            return await SetUpTalkAsync(request, peer, described, transports).ConfigureAwait(false);
        var key = address.Track ?? (described.Offers is [var only] ? only.Index : null as int?);
        if (key is null)
            return Reply(request, RtspStatus.AggregateOperationNotAllowed);
        var known = (_session as PlaySession)?.Offers ?? described.Offers; // a description since may be of other tracks
        if (known.All(offer => offer.Index != key))
            return Reply(request, RtspStatus.NotFound);
        var session = _session ?? new PlaySession(_parts, _writer, described.Stream, described.Offers, OnWriterFailed);
        return await SetUpAsync(request, session, key.Value, transports).ConfigureAwait(false);
    }

    // Also while the client views: then PLAY, which changes nothing of what plays, lets it talk.
    private async ValueTask<CloseReason?> SetUpTalkAsync(
        RtspRequest request, Peer peer, (MediaStream Stream, ImmutableArray<RtpOffer> Offers, Backchannel? Backchannel) described,
        IReadOnlyList<RtspTransport> transports)
    {
        if ((described.Backchannel ?? Backchannel.Of(described.Stream, described.Offers)) is not { } backchannel)
            return Reply(request, RtspStatus.NotFound, "This stream has no speaker");
        var session = _session as PlaySession
            ?? new PlaySession(_parts, _writer, described.Stream, described.Offers, OnWriterFailed);
        return await SetUpAsync(request, session, Backchannel.Key, transports, () => session.OpenTalk(
            () => new TalkTrack(_parts, session.Name, peer, backchannel, Id, OnTalkEnded))).ConfigureAwait(false);

        // Who views goes on.
        void OnTalkEnded(CloseReason reason)
        {
            if (!session.HasMedia)
                NoteSessionEnd(session, reason);
        }
    }

    private static bool IsBackchannel(RtspRequest request) => Resolve(request.Uri)?.Track == Backchannel.Key;

    private async ValueTask<CloseReason?> SetUpRecordAsync(
        RtspRequest request, IReadOnlyList<RtspTransport> transports, CancellationToken deadline)
    {
        if (Resolve(_announcedUri) is not { } address)
            return Reply(request, RtspStatus.NotFound);
        var (peer, refusal) = await AuthorizeAsync(request, StreamAction.Publish, address, deadline).ConfigureAwait(false);
        if (peer is null)
            return refusal;

        var session = _session as RecordSession ?? new RecordSession(_parts, _writer, address.Name, _announced!);
        var medias = session.Description.Medias;
        var key = -1;
        for (var i = 0; i < medias.Length && key < 0; i++)
        {
            if (IsSame(request.Uri, RtspControl.Resolve(_announcedUri, medias[i].Control)))
                key = i;
        }

        if (key < 0)
            return Reply(request, RtspStatus.NotFound);
        if (medias[key].Format is null)
        {
            return ReplyRefusal(
                request, StreamAction.Publish,
                new Refusal(RtspStatus.UnsupportedMediaType, medias[key].Formats.Select(format => format.Problem).FirstOrDefault()));
        }

        return await SetUpAsync(request, session, key, transports).ConfigureAwait(false);
    }

    private async ValueTask<CloseReason?> SetUpAsync(
        RtspRequest request, ServerSession session, int key, IReadOnlyList<RtspTransport> transports, Action? prepare = null)
    {
        var isRecord = session is RecordSession;
        var track = session.Tracks.FirstOrDefault(track => track.Key == key);
        var isKept = transports.Any(transport => transport.IsTcp == session.IsTcp); // the way over TCP, or that over UDP
        var mayChange = session is PlaySession { IsRunning: false };
        if (track is not null && !isKept && !mayChange)
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        if (track is null || (mayChange && !IsAsked(track.Transport, transports)))
        {
            // RFC 2326 §10.4: a client may change how a track goes. ffmpeg does so when nothing comes over UDP: it pauses, and sets up over
            // TCP. As all tracks go the same way, the others must then be set up again too.
            var others = track is null ? session.Tracks : isKept ? session.Tracks.Remove(track) : [];
            if (others.Length >= _parts.Options.MaxSetups)
                return Reply(request, RtspStatus.NotEnoughBandwidth, "Too many tracks");
            if (Choose(others, transports) is not { } transport)
                return Reply(request, RtspStatus.UnsupportedTransport);
            try
            {
                foreach (var old in session.Tracks.RemoveRange(others))
                    await session.RemoveAsync(old).ConfigureAwait(false);
                prepare?.Invoke();
                track = session.SetUp(
                    key, request.Uri, transport with { IsRecord = isRecord }, AddressOf(_transport.LocalEndPoint) ?? IPAddress.Any,
                    AddressOf(RemoteEndPoint) ?? IPAddress.None, NoteLife);
                Begin(session);
            }
            catch (IOException e)
            {
                return Reply(request, RtspStatus.ServiceUnavailable, e.Message);
            }
            catch (StreamException e)
            {
                WarnOfRefusal(StreamAction.Talk, e.Message);
                return Reply(request, StatusOf(e.Error), e.Message);
            }
            finally
            {
                if (_session is null)
                    await session.EndAsync(CloseReason.Requested, saysGoodbye: false).ConfigureAwait(false);
                else if (session.Tracks.IsEmpty)
                    await EndSessionAsync(session, CloseReason.Requested, isByClient: true).ConfigureAwait(false);
            }
        }

        // A track that is set up again stays as it was where nothing else is asked for, and while media flow: what is answered counts.
        var response = new RtspResponse(RtspStatus.Ok);
        response.Headers.Add(RtspHeaderNames.Transport, track.Transport.ToString());
        return Send(response, request.CSeq);
    }

    private void NoteLife() => Volatile.Write(ref _lastHeard, _parts.Time.GetTimestamp());

    private void Begin(ServerSession session)
    {
        _sessionId ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        _session = session;
        Volatile.Write(ref _sessionEnded, 0);
        if (session.IsTcp != true)
            return;
        _reader.SkipsGarbage = true; // some senders write wrong lengths
        _reader.Channels = 1 + session.Tracks.Max(t => Math.Max(t.Transport.Interleaved!.Value.Rtp, t.Transport.Interleaved.Value.Rtcp));
    }

    // Whether a track goes in one of the ways that are offered.
    private static bool IsAsked(RtspTransport set, IReadOnlyList<RtspTransport> transports) => transports.Any(transport =>
        transport.IsTcp == set.IsTcp && (set.IsTcp
            ? transport.Interleaved is null || transport.Interleaved == set.Interleaved
            : transport.ClientPorts == set.ClientPorts));

    // The first way that suits beside the other tracks, with channels; null when none does.
    private RtspTransport? Choose(ImmutableArray<SessionTrack> others, IReadOnlyList<RtspTransport> transports)
    {
        foreach (var transport in transports)
        {
            if (transport.IsMulticast || transport.Profile != "AVP" || others.Any(other => other.Transport.IsTcp != transport.IsTcp))
                continue;
            if (transport.IsTcp && ChooseChannels(others, transport.Interleaved) is { } channels)
                return new RtspTransport { IsTcp = true, Interleaved = channels };
            if (!transport.IsTcp && IsSafe(transport))
                return new RtspTransport { ClientPorts = transport.ClientPorts };
        }

        return null;
    }

    private static PortPair? ChooseChannels(ImmutableArray<SessionTrack> others, PortPair? wanted)
    {
        if (wanted is { } pair)
            return pair.Rtp != pair.Rtcp && IsFree(pair) ? pair : null;
        for (var channel = 0; channel < 255; channel += 2)
        {
            if (IsFree(new PortPair(channel, channel + 1)))
                return new PortPair(channel, channel + 1);
        }

        return null;

        bool IsFree(PortPair channels) => !others.Any(t => t.UsesChannel(channels.Rtp) || t.UsesChannel(channels.Rtcp));
    }

    // Datagrams go to nobody but the client, and to no service on it.
    private bool IsSafe(RtspTransport transport) =>
        _parts.Options.EnableUdp && !IsSecure && AddressOf(RemoteEndPoint) is { } client
        && transport.ClientPorts is { } ports && ports.Rtp >= FirstFreePort && ports.Rtcp >= FirstFreePort && ports.Rtp != ports.Rtcp
        && (transport.Destination is null || (IPAddress.TryParse(transport.Destination, out var address) && address.Equals(client)));

    // ---- PLAY, PAUSE, RECORD, TEARDOWN -------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> PlayAsync(RtspRequest request, CancellationToken deadline)
    {
        if (_session is not PlaySession session)
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        if (CheckAddress(request, session) is { } status)
            return Reply(request, status);
        // An end is of no account: a live stream has none that is known, and what is answered counts.
        if (request.Headers[RtspHeaderNames.Range] is { } header
            && (!RtspRange.TryParse(header, out var range) || range.Start > TimeSpan.Zero))
            return Reply(request, RtspStatus.InvalidRange);
        if (session.IsRunning)
        {
            session.PlayTalk(); // it may have been set up since
            return ReplyPlaying(request, null);
        }

        var action = session.HasMedia ? StreamAction.Play : StreamAction.Talk; // who does both was asked for talk at SETUP
        var (peer, refusal) = await AuthorizeAsync(request, action, AddressOf(request, session), deadline).ConfigureAwait(false);
        if (peer is null)
            return refusal;
        try
        {
            session.Play(peer, reason => NoteSessionEnd(session, reason), infos => ReplyPlaying(request, infos));
        }
        catch (StreamException e)
        {
            return Reply(request, StatusOf(e.Error), e.Message);
        }

        Narrow(session);
        Remember(session.HasMedia ? "player" : "talker", session.Name);
        if (session.HasMedia)
            Log.Played(_parts.Logger, session.Name, RemoteEndPoint, Id);
        return null;
    }

    private CloseReason? ReplyPlaying(RtspRequest request, IEnumerable<RtpInfo>? infos)
    {
        var response = new RtspResponse(RtspStatus.Ok);
        response.Headers.Add(RtspHeaderNames.Range, RtspRange.Now.ToString());
        if (infos is not null)
            response.Headers.Add(RtspHeaderNames.RtpInfo, RtpInfo.Format(infos));
        return Send(response, request.CSeq);
    }

    // A publisher that pauses sends nothing, which is its own affair until it is missed.
    private CloseReason? Pause(RtspRequest request)
    {
        if (_session is null && Volatile.Read(ref _sessionEnded) != 0)
            return Reply(request, RtspStatus.Ok); // what ended by itself is still already: GStreamer fails when it is told that it erred
        if (_session is not { } session || (session is RecordSession && !session.IsRunning))
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        if (CheckAddress(request, session) is { } status)
            return Reply(request, status);
        if (session is PlaySession { IsRunning: true } play)
            play.Pause();
        return Reply(request, RtspStatus.Ok);
    }

    private async ValueTask<CloseReason?> RecordAsync(RtspRequest request, CancellationToken deadline)
    {
        if (_session is not RecordSession session)
            return Reply(request, RtspStatus.MethodNotValidInThisState);
        if (CheckAddress(request, session) is { } status)
            return Reply(request, status);
        if (session.IsRunning)
            return Reply(request, RtspStatus.Ok);
        var (peer, refusal) = await AuthorizeAsync(request, StreamAction.Publish, AddressOf(request, session), deadline)
            .ConfigureAwait(false);
        if (peer is null)
            return refusal;
        try
        {
            session.Record(peer, reason => NoteSessionEnd(session, reason));
        }
        catch (StreamException e)
        {
            WarnOfRefusal(StreamAction.Publish, e.Message);
            return Reply(request, StatusOf(e.Error), e.Message);
        }

        Remember("publisher", session.Name);
        Log.Published(_parts.Logger, session.Name, RemoteEndPoint, Id);
        return Reply(request, RtspStatus.Ok);
    }

    // A session is torn down whole, whatever part of it is named. Doing it again does nothing.
    private async ValueTask<CloseReason?> TearDownAsync(RtspRequest request)
    {
        var isKnown = _session is not null || _announced is not null || _sessionId is not null;
        _announced = null;
        ReleaseLease(); // of a description without a session too
        if (_session is { } session)
        {
            var reason = new CloseReason(CloseCode.PeerClosed, "the peer ended the session");
            await EndSessionAsync(session, reason, isByClient: true).ConfigureAwait(false);
        }

        return Reply(request, isKnown ? RtspStatus.Ok : RtspStatus.MethodNotValidInThisState);
    }

    // Null when the address is the session's, or that of its only track.
    private static int? CheckAddress(RtspRequest request, ServerSession session)
    {
        if (Resolve(request.Uri) is { } address && address.Name == session.Name && address.Track is null)
            return null;
        if (!session.Tracks.Any(track => IsSame(track.Url, request.Uri)))
            return RtspStatus.NotFound;
        return session.Tracks.Length == 1 ? null : RtspStatus.OnlyAggregateOperationAllowed;
    }

    private static bool IsSame(string url, string other) =>
        url.TrimEnd('/').Equals(other.TrimEnd('/'), StringComparison.Ordinal);

    private static int StatusOf(StreamError error) => error switch
    {
        StreamError.AlreadyPublished or StreamError.Unauthorized => RtspStatus.Forbidden,
        StreamError.CodecsNotMatched => RtspStatus.UnsupportedMediaType,
        StreamError.Busy => RtspStatus.NotEnoughBandwidth,
        StreamError.Stopping or StreamError.Unavailable => RtspStatus.ServiceUnavailable,
        _ => RtspStatus.NotFound,
    };

    private void Remember(string role, string streamName)
    {
        _roles.Add(role);
        if (_streamNames.Count < MaxStreamNames)
            _streamNames.Add(streamName);
    }
}
