using System.Buffers;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Sessions;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtmp.Server;

/// <summary>A session of the server's: the commands (RTMP 1.0 §7.2) and their answers.</summary>
internal sealed class RtmpConnection : RtmpSession
{
    private const int MaxStreamNames = 64; // that the event at the end names
    private const RtmpCapsEx CapsEx =
        RtmpCapsEx.Reconnect | RtmpCapsEx.Multitrack | RtmpCapsEx.ModEx | RtmpCapsEx.TimestampNanoOffset;

    private readonly RtmpServerOptions _options;
    private readonly string _protocol; // rtmp or rtmps
    private readonly ConnectionGuard.Place _place;
    private readonly SortedSet<string> _roles = []; // what it has been, for the event at its end
    private readonly SortedSet<string> _streamNames = [];
    private RtmpAddress? _app; // null until connected
    private volatile RtmpCapabilities _player = RtmpCapabilities.Classic; // read by who asks to reconnect
    private string _tcUrlQuery = "";
    private long _lastPing;

    public RtmpConnection(
        RtmpSessions sessions, RtmpServerOptions options, ITransport transport, string protocol, ConnectionGuard.Place place, long id)
        : base(sessions, transport, id)
    {
        _options = options;
        _protocol = protocol;
        _place = place;
        _lastPing = Time.GetTimestamp();
    }

    /// <summary>Asks the peer to connect anew; false when it cannot. Called by anyone.</summary>
    public bool TryRequestReconnect(string? tcUrl)
    {
        if (!_player.CapsEx.HasFlag(RtmpCapsEx.Reconnect))
            return false;
        var output = new ArrayBufferWriter<byte>(256);
        var values = CommandMessage.WriteStart(output, "onStatus"u8, transactionId: 0);
        values.WriteNull();
        values.WriteValue(new AmfObject([
            new AmfProperty("level", CommandMessage.StatusLevel),
            new AmfProperty("code", "NetConnection.Connect.ReconnectRequest"),
            new AmfProperty("description", "The server asks to reconnect."),
            .. tcUrl is null ? [] : new[] { new AmfProperty("tcUrl", tcUrl) },
        ]));
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
        return true;
    }

    protected override bool AnswersPings => true;

    protected override string InactivityText => "neither published nor played";

    protected override void OnOpened()
    {
        Hub.Events.Publish(new ConnectionOpened(Time.GetUtcNow(), _protocol, Id, RemoteEndPoint));
        Sessions.Metrics.CountAccepted();
        Log.ConnectionOpened(Logger, Id, RemoteEndPoint);
    }

    protected override async Task HandshakeAsync()
    {
        var random = ArrayPool<byte>.Shared.Rent(RtmpHandshake.S0S1S2Length);
        try
        {
            var answer = random.AsMemory(0, RtmpHandshake.S0S1S2Length);
            await ReadExactlyAsync(RtmpHandshake.C0C1Length, c0c1 =>
                RtmpHandshake.AnswerClient(c0c1, answer.Span, (uint)Duration.TotalMilliseconds))
                .ConfigureAwait(false);
            Writer.Send(answer.Span);

            // C2 repeats S1; clients that do it wrong work all the same, so it is not compared.
            await ReadExactlyAsync(RtmpHandshake.BlockLength, static _ => { }).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(random);
        }
    }

    protected override async Task<CloseReason> ServeAsync()
    {
        _place.Established();
        return (await ReadAsync().ConfigureAwait(false))!;
    }

    protected override void OnSilentPlayer(long now, TimeSpan silence)
    {
        if (silence < _options.PingInterval || Time.GetElapsedTime(_lastPing, now) < _options.PingInterval)
            return;
        _lastPing = now;
        Send(output => ControlMessage.WritePingRequest(output, (uint)Duration.TotalMilliseconds));
    }

    protected override void SayStreamEnd(RtmpStream stream, CloseReason reason)
    {
        if (stream.Subscription is { State: not SubscriptionState.Ended })
            SendPlayEnd(stream.Id, reason);
        else if (stream.Feed is not null)
            SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Unpublish.Success", reason.Text);
    }

    protected override void OnClosed(CloseReason reason, long receivedBytes, long sentBytes)
    {
        try
        {
            Sessions.Metrics.CountClosed(reason.Code, receivedBytes, sentBytes);
            if (reason.Code is CloseCode.ProtocolError or CloseCode.LimitExceeded or CloseCode.Deadline && Sessions.MayWarn())
                Log.ConnectionCut(Logger, Id, RemoteEndPoint, reason);
            else
                Log.ConnectionClosed(Logger, Id, Duration, reason);
            Hub.Events.Publish(new ConnectionClosed(
                Time.GetUtcNow(), _protocol, Id, RemoteEndPoint, string.Join('+', _roles), [.. _streamNames], Duration, reason));
        }
        finally
        {
            _place.Dispose();
        }
    }

    // ---- Commands ---------------------------------------------------------------------------------------------------------

    protected override async ValueTask<CloseReason?> HandleCommandAsync(RtmpCommand command)
    {
        if (_app is null && command.Name != "connect")
            throw new RtmpProtocolException($"The command '{command.PrintableName}' comes before connect.");
        switch (command.Name)
        {
            case "connect":
                return Connect(command);
            case "createStream":
                CreateStream(command);
                return null;
            case "publish":
                return await PublishAsync(command).ConfigureAwait(false);
            case "play":
                return await PlayAsync(command, command.Argument(0).AsString ?? "").ConfigureAwait(false);
            case "play2":
                return await PlayAsync(command, command.Argument(0).AsObject?["streamName"].AsString ?? "").ConfigureAwait(false);
            case "pause":
                return await PauseAsync(command).ConfigureAwait(false);
            case "seek":
                SendStatus(command.StreamId, CommandMessage.ErrorLevel, "NetStream.Seek.Failed", "A live stream has no past.");
                return null;
            case "deleteStream":
                DeleteStream((uint)(command.Argument(0).AsNumber ?? 0));
                return null;
            case "closeStream":
                if (FindStream(command.StreamId) is { } closed)
                    CloseStream(closed);
                return null;
            case "FCPublish":
                SendResult(command, AmfValue.Null, AmfValue.Undefined);
                SendCommand("onFCPublish"u8, "NetStream.Publish.Start");
                return null;
            case "FCUnpublish":
                SendResult(command, AmfValue.Null, AmfValue.Undefined);
                Unpublish(command.Argument(0).AsString ?? "");
                SendCommand("onFCUnpublish"u8, "NetStream.Unpublish.Success");
                return null;
            case "FCSubscribe":
                SendResult(command, AmfValue.Null, AmfValue.Undefined);
                SendCommand("onFCSubscribe"u8, "NetStream.Play.Start");
                return null;
            case "releaseStream" or "_checkbw" or "FCUnsubscribe":
                SendResult(command, AmfValue.Null, AmfValue.Undefined);
                return null;
            case "getStreamLength":
                SendResult(command, AmfValue.Null, 0d);
                return null;
            case "receiveAudio" or "receiveVideo":
                SendError(command, "NetConnection.Call.Failed", "Tracks cannot be turned off.");
                return null;
            case "close":
                return new CloseReason(CloseCode.PeerClosed, "the peer closed the connection");
            case "_result" or "_error" or "onStatus":
                return null; // answers to what was never asked
            default:
                Log.UnknownCommand(Logger, Id, command.PrintableName);
                SendError(command, "NetConnection.Call.Failed", "The command is not known.");
                return null;
        }
    }

    // ---- The connection ---------------------------------------------------------------------------------------------------

    private CloseReason? Connect(RtmpCommand command)
    {
        var properties = command.Properties.AsObject;
        if (_app is not null || properties?["app"].AsString is not { } app)
        {
            SendError(command, "NetConnection.Connect.Rejected", _app is null ? "The application is missing." : "Connected already.");
            return new CloseReason(CloseCode.Refused, _app is null ? "connect without an application" : "a second connect");
        }

        _app = RtmpAddress.Parse(app);
        _player = RtmpCapabilities.Parse(properties, _options.AssumedFourCcs);
        var tcUrl = properties["tcUrl"].AsString ?? "";
        _tcUrlQuery = RtmpAddress.Parse(tcUrl).Query;
        Send(output =>
        {
            ControlMessage.WriteWindowAcknowledgementSize(output, AnnouncedWindow);
            ControlMessage.WriteSetPeerBandwidth(output, AnnouncedWindow, PeerBandwidthLimit.Dynamic);
            ControlMessage.WriteSetChunkSize(output, _options.ChunkSize);
        });
        HasAnnouncedChunkSize = true;
        SendResult(
            command,
            new AmfObject(new AmfProperty("fmsVer", "FMS/3,0,1,123"), new AmfProperty("capabilities", 31d)),
            new AmfObject([
                new AmfProperty("level", CommandMessage.StatusLevel),
                new AmfProperty("code", "NetConnection.Connect.Success"),
                new AmfProperty("description", "Connection succeeded."),
                new AmfProperty("objectEncoding", 0d),
                .. RtmpCapabilities.Announce(CapsEx),
            ]));
        return null;
    }

    private void CreateStream(RtmpCommand command)
    {
        var streams = Streams.ToArray();
        var index = Array.IndexOf(streams, null);
        if (index < 0)
        {
            index = streams.Length;
            if (index == _options.MaxMessageStreams)
            {
                SendError(command, "NetConnection.Call.Failed", "Too many streams on one connection.");
                throw new LimitException("too many message streams");
            }

            Array.Resize(ref streams, index + 1);
        }

        streams[index] = new RtmpStream((uint)index + 1);
        SetStreams(streams);
        SendResult(command, AmfValue.Null, index + 1d);
    }

    // ---- Publishing -------------------------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> PublishAsync(RtmpCommand command)
    {
        if (FindStream(command.StreamId) is not { Name: null } stream)
        {
            SendStatus(command.StreamId, CommandMessage.ErrorLevel, "NetStream.Publish.BadName", "The message stream is not free.");
            return Refused("publish", "the message stream is not free");
        }

        var (name, peer) = Resolve(command.Argument(0).AsString ?? "");
        Feed feed;
        try
        {
            feed = await Hub.PublishAsync(
                new PublishRequest(name)
                {
                    Peer = peer,
                    LastHeard = () => LastHeard,
                    OnRevoked = reason => OnRevoked(stream, reason),
                },
                Closing).ConfigureAwait(false);
        }
        catch (StreamException e)
        {
            var code = e.Error == StreamError.Unauthorized ? "NetStream.Publish.Unauthorized" : "NetStream.Publish.BadName";
            SendStatus(stream.Id, CommandMessage.ErrorLevel, code, e.Message);
            return Refused("publish", e.Message);
        }

        BeginFeed(stream, name, feed);
        Remember("publisher", name);
        Log.Published(Logger, name, RemoteEndPoint, Id);
        Send(output => ControlMessage.WriteStreamBegin(output, stream.Id));
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Publish.Start", $"{name} is published.");
        return null;
    }

    private void Unpublish(string key)
    {
        var (name, _) = Resolve(key);
        foreach (var stream in Streams)
        {
            if (stream is { Feed: not null } && stream.Name == name)
                CloseStream(stream);
        }
    }

    // ---- Playing ----------------------------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> PlayAsync(RtmpCommand command, string key)
    {
        if (FindStream(command.StreamId) is not { Feed: null } stream)
        {
            SendStatus(command.StreamId, CommandMessage.ErrorLevel, "NetStream.Play.Failed", "The message stream is not free.");
            return Refused("play", "the message stream is not free");
        }

        EndStream(stream, CloseReason.Requested); // a second play replaces the first (§7.2.2.1)
        var (name, peer) = Resolve(key);
        var refusal = await SubscribeAsync(stream, name, peer).ConfigureAwait(false);
        if (stream.Subscription is not { } subscription)
            return refusal; // null when the peer has another stream to stay for
        stream.Name = name;
        Remember("player", name);
        Log.Played(Logger, name, RemoteEndPoint, Id);
        Send(output => ControlMessage.WriteStreamBegin(output, stream.Id));
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Play.Reset", $"Playing and resetting {name}.");
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Play.Start", $"Started playing {name}.");
        SendSampleAccess(stream.Id);
        subscription.Start();
        return null;
    }

    // Pausing a live stream leaves it; what was missed is not made up for.
    private async ValueTask<CloseReason?> PauseAsync(RtmpCommand command)
    {
        if (FindStream(command.StreamId) is not { Feed: null, Name: { } name } stream)
        {
            SendStatus(command.StreamId, CommandMessage.ErrorLevel, "NetStream.Play.Failed", "Nothing is played.");
            return null;
        }

        if (command.Argument(0).AsBoolean ?? true)
        {
            if (stream.Subscription is { State: SubscriptionState.Ended })
            {
                stream.Name = null;
                SendStatus(stream.Id, CommandMessage.ErrorLevel, "NetStream.Play.StreamNotFound", "The stream has ended.");
                return null;
            }

            if (stream.Subscription is { } paused)
            {
                stream.Subscription = null;
                paused.Close(CloseReason.Requested);
            }

            SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Pause.Notify", $"{name} is paused.");
            return null;
        }

        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Unpause.Notify", $"{name} is played again.");
        if (stream.Subscription is { State: not SubscriptionState.Ended })
            return null;
        stream.Name = null; // if it is refused, nothing is played any more
        stream.Subscription = null;
        var refusal = await SubscribeAsync(stream, name, stream.Peer!).ConfigureAwait(false);
        if (stream.Subscription is not { } subscription)
            return refusal;
        stream.Name = name;
        subscription.Start();
        return null;
    }

    private async ValueTask<CloseReason?> SubscribeAsync(RtmpStream stream, string name, Peer peer)
    {
        stream.Peer = peer;
        var request = new SubscribeRequest(name)
        {
            Peer = peer,
            OnStateChanged = (state, reason) => OnStateChanged(stream.Id, state, reason),
        };
        try
        {
            stream.Subscription = await Hub
                .SubscribeAsync(request, Writer, Sessions.FormatFor(stream.Id, _player), Closing).ConfigureAwait(false);
            return null;
        }
        catch (StreamException e)
        {
            var code = e.Error switch
            {
                StreamError.Unauthorized => "NetStream.Play.Unauthorized",
                StreamError.CodecsNotMatched or StreamError.Unavailable => "NetStream.Play.Failed",
                _ => "NetStream.Play.StreamNotFound",
            };
            SendStatus(stream.Id, CommandMessage.ErrorLevel, code, e.Message);
            return Refused("play", e.Message);
        }
    }

    // Called by whichever thread changed the state.
    private void OnStateChanged(uint streamId, SubscriptionState state, CloseReason? reason)
    {
        switch (state)
        {
            case SubscriptionState.Waiting:
                Send(output => ControlMessage.WriteStreamDry(output, streamId));
                break;
            case SubscriptionState.Fed:
                Send(output => ControlMessage.WriteStreamBegin(output, streamId));
                break;
            case SubscriptionState.Ended when reason is { Code: CloseCode.Unavailable or CloseCode.CodecMismatch }:
                SendStatus(streamId, CommandMessage.ErrorLevel, "NetStream.Play.Failed", reason.Text); // an end too
                Send(output => ControlMessage.WriteStreamEof(output, streamId));
                break;
            case SubscriptionState.Ended when reason is { Code: not CloseCode.Requested }:
                SendPlayEnd(streamId, reason);
                break;
        }
    }

    private void SendPlayEnd(uint streamId, CloseReason reason)
    {
        SendStatus(streamId, CommandMessage.StatusLevel, "NetStream.Play.UnpublishNotify", reason.Text);
        Send(output => ControlMessage.WriteStreamEof(output, streamId));
    }

    // Players that are told nothing about it assume that they may not look into the samples.
    private void SendSampleAccess(uint streamId)
    {
        var output = new ArrayBufferWriter<byte>(64);
        var values = new Amf0Writer(output);
        values.WriteString("|RtmpSampleAccess"u8);
        values.WriteBoolean(true);
        values.WriteBoolean(true);
        SendMessage(StatusChunkStreamId, RtmpMessageType.DataAmf0, streamId, output.WrittenSpan);
    }

    // ---- Ending -----------------------------------------------------------------------------------------------------------

    private void DeleteStream(uint streamId)
    {
        if (FindStream(streamId) is not { } stream)
            return;
        CloseStream(stream);
        SetStreams([.. Streams.Select(s => ReferenceEquals(s, stream) ? null : s)]);
    }

    private void CloseStream(RtmpStream stream)
    {
        var (wasPublished, wasPlayed) = (stream.Feed is not null, stream.Name is not null && stream.Feed is null);
        EndStream(stream, new CloseReason(CloseCode.PeerClosed, "the peer ended the stream"));
        if (wasPublished)
            SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Unpublish.Success", "The stream is no longer published.");
        else if (wasPlayed)
            SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Play.Stop", "The stream is no longer played.");
    }

    private void Remember(string role, string streamName)
    {
        _roles.Add(role);
        if (_streamNames.Count < MaxStreamNames)
            _streamNames.Add(streamName);
    }

    // A peer that is refused and does nothing else has no reason to stay.
    private CloseReason? Refused(string action, string reason)
    {
        if (Sessions.MayWarn())
            Log.Refused(Logger, Id, RemoteEndPoint, action, reason);
        return GetActivity().IsActive ? null : new CloseReason(CloseCode.Refused, $"{action} was refused: {reason}");
    }

    // ---- Answers ----------------------------------------------------------------------------------------------------------

    private (string Name, Peer Peer) Resolve(string key)
    {
        var (app, address) = (_app!.Value, RtmpAddress.Parse(key));
        return (RtmpAddress.Join(app.Path, address.Path), new Peer(_protocol)
        {
            RemoteEndPoint = RemoteEndPoint,
            Credentials = RtmpAddress.CredentialsOf(address.Query, app.Query, _tcUrlQuery),
        });
    }

    // A command without a transaction wants no answer (§7.2.1.1).
    private void SendResult(RtmpCommand command, AmfValue properties, AmfValue result)
    {
        if (command.Transaction == 0)
            return;
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteResult(output, command.Transaction, properties, result);
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }

    private void SendError(RtmpCommand command, string code, string description)
    {
        if (command.Transaction == 0)
            return;
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteError(output, command.Transaction, code, description);
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }

    private void SendCommand(ReadOnlySpan<byte> name, string code)
    {
        var output = new ArrayBufferWriter<byte>(128);
        var values = CommandMessage.WriteStart(output, name, 0);
        values.WriteNull();
        values.WriteValue(new AmfObject(new AmfProperty("code", code)));
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }
}
