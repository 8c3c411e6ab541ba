using System.Buffers;
using MediaGraph.Containers.Flv;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Chunking;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Security;
using MediaGraph.Streams;

namespace MediaGraph.Rtmp.Server;

/// <summary>The commands (RTMP 1.0 §7.2) and their answers.</summary>
internal sealed partial class RtmpConnection
{
    private const int CommandChunkStreamId = 3;
    private const int StatusChunkStreamId = 5;

    private RtmpAddress? _app; // null until connected
    private string _tcUrlQuery = "";
    private uint _announcedWindow;
    private long _commandSecond;
    private int _commandsInSecond;

    /// <summary>Obeys a command. Returns why the connection must end, or null.</summary>
    private async ValueTask<CloseReason?> HandleCommandAsync(RtmpMessage message)
    {
        Command command;
        try
        {
            CountCommand();
            command = Command.Parse(message, _amfLimits);
        }
        finally
        {
            message.Buffer.Release();
        }

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

    private void CountCommand()
    {
        var second = (long)Time.GetElapsedTime(_opened).TotalSeconds;
        if (second != _commandSecond)
            (_commandSecond, _commandsInSecond) = (second, 0);
        if (++_commandsInSecond > _server.Options.Limits.MaxCommandsPerSecond)
            throw new LimitException("too many commands per second");
    }

    // ---- The connection ---------------------------------------------------------------------------------------------------

    private CloseReason? Connect(Command command)
    {
        var properties = command.Properties.AsObject;
        if (_app is not null || properties?["app"].AsString is not { } app)
        {
            SendError(command, "NetConnection.Connect.Rejected", _app is null ? "The application is missing." : "Connected already.");
            return new CloseReason(CloseCode.Refused, _app is null ? "connect without an application" : "a second connect");
        }

        _app = RtmpAddress.Parse(app);
        var tcUrl = properties["tcUrl"].AsString ?? "";
        _tcUrlQuery = RtmpAddress.Parse(tcUrl).Query;
        _announcedWindow = (uint)_server.Options.WindowAcknowledgementSize;
        Send(output =>
        {
            ControlMessage.WriteWindowAcknowledgementSize(output, _announcedWindow);
            ControlMessage.WriteSetPeerBandwidth(output, _announcedWindow, PeerBandwidthLimit.Dynamic);
            ControlMessage.WriteSetChunkSize(output, _server.Options.ChunkSize);
        });
        SendResult(
            command,
            new AmfObject(new AmfProperty("fmsVer", "FMS/3,0,1,123"), new AmfProperty("capabilities", 31d)),
            new AmfObject(
                new AmfProperty("level", CommandMessage.StatusLevel),
                new AmfProperty("code", "NetConnection.Connect.Success"),
                new AmfProperty("description", "Connection succeeded."),
                new AmfProperty("objectEncoding", 0d)));
        return null;
    }

    private void CreateStream(Command command)
    {
        var index = Array.IndexOf(_streams, null);
        if (index < 0)
        {
            index = _streams.Length;
            if (index == _server.Options.Limits.MaxMessageStreams)
            {
                SendError(command, "NetConnection.Call.Failed", "Too many streams on one connection.");
                throw new LimitException("too many message streams");
            }

            var larger = new RtmpStream?[index + 1];
            _streams.CopyTo(larger, 0);
            Volatile.Write(ref _streams, larger);
        }

        Volatile.Write(ref _streams[index], new RtmpStream((uint)index + 1));
        SendResult(command, AmfValue.Null, index + 1d);
    }

    // ---- Publishing -------------------------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> PublishAsync(Command command)
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
            feed = await _server.Hub.PublishAsync(
                new PublishRequest(name)
                {
                    Peer = peer,
                    LastHeard = () => Volatile.Read(ref _lastHeard),
                    OnRevoked = reason => OnRevoked(stream, reason),
                },
                _closing.Token).ConfigureAwait(false);
        }
        catch (StreamException e)
        {
            var code = e.Error == StreamError.Unauthorized ? "NetStream.Publish.Unauthorized" : "NetStream.Publish.BadName";
            SendStatus(stream.Id, CommandMessage.ErrorLevel, code, e.Message);
            return Refused("publish", e.Message);
        }

        stream.Timestamps = default;
        stream.Feed = feed;
        _reader.AcceptsLargeMessages = true;
        stream.Writer = new FlvFeedWriter(feed, _server.Options.Limits.MaxParameterBytes);
        stream.Name = name;
        Remember("publisher", name);
        Log.Published(Logger, name, _transport.RemoteEndPoint, Id);
        Send(output => ControlMessage.WriteStreamBegin(output, stream.Id));
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Publish.Start", $"{name} is published.");
        return null;
    }

    private void Unpublish(string key)
    {
        var (name, _) = Resolve(key);
        foreach (var stream in _streams)
        {
            if (stream is { Feed: not null } && stream.Name == name)
                CloseStream(stream);
        }
    }

    // ---- Playing ----------------------------------------------------------------------------------------------------------

    private async ValueTask<CloseReason?> PlayAsync(Command command, string key)
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
        Log.Played(Logger, name, _transport.RemoteEndPoint, Id);
        Send(output => ControlMessage.WriteStreamBegin(output, stream.Id));
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Play.Reset", $"Playing and resetting {name}.");
        SendStatus(stream.Id, CommandMessage.StatusLevel, "NetStream.Play.Start", $"Started playing {name}.");
        SendSampleAccess(stream.Id);
        subscription.Start();
        return null;
    }

    // Pausing a live stream leaves it; what was missed is not made up for.
    private async ValueTask<CloseReason?> PauseAsync(Command command)
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
            stream.Subscription = await _server.Hub
                .SubscribeAsync(request, _writer, _server.FormatFor(stream.Id), _closing.Token).ConfigureAwait(false);
            return null;
        }
        catch (StreamException e)
        {
            var code = e.Error switch
            {
                StreamError.Unauthorized => "NetStream.Play.Unauthorized",
                StreamError.CodecsNotMatched => "NetStream.Play.Failed",
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
        Volatile.Write(ref _streams[streamId - 1], null);
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

    private void EndStream(RtmpStream stream, CloseReason reason)
    {
        if (stream.Name is not { } name)
            return;
        stream.Name = null;
        stream.Writer = null;
        var (feed, subscription) = (stream.Feed, stream.Subscription);
        stream.Feed = null;
        stream.Subscription = null;
        Volatile.Write(ref _lastActive, Time.GetTimestamp());
        if (feed is not null)
        {
            feed.Close(reason);
            Log.Unpublished(Logger, name, Id, reason);
        }
        else
        {
            subscription?.Close(CloseReason.Requested);
            Log.Unplayed(Logger, name, Id, reason);
        }
    }

    // A peer that is refused and does nothing else has no reason to stay.
    private CloseReason? Refused(string action, string reason)
    {
        if (_server.MayWarn())
            Log.Refused(Logger, Id, _transport.RemoteEndPoint, action, reason);
        return GetActivity().IsActive ? null : new CloseReason(CloseCode.Refused, $"{action} was refused: {reason}");
    }

    // ---- Answers ----------------------------------------------------------------------------------------------------------

    private (string Name, Peer Peer) Resolve(string key)
    {
        var (app, address) = (_app!.Value, RtmpAddress.Parse(key));
        return (RtmpAddress.Join(app.Path, address.Path), new Peer("rtmp")
        {
            RemoteEndPoint = _transport.RemoteEndPoint,
            Credentials = RtmpAddress.CredentialsOf(address.Query, app.Query, _tcUrlQuery),
        });
    }

    // A command without a transaction wants no answer (§7.2.1.1).
    private void SendResult(Command command, AmfValue properties, AmfValue result)
    {
        if (command.Transaction == 0)
            return;
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteResult(output, command.Transaction, properties, result);
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }

    private void SendError(Command command, string code, string description)
    {
        if (command.Transaction == 0)
            return;
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteError(output, command.Transaction, code, description);
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }

    private void SendStatus(uint streamId, string level, string code, string description)
    {
        var output = new ArrayBufferWriter<byte>(256);
        CommandMessage.WriteOnStatus(output, level, code, description);
        SendMessage(StatusChunkStreamId, RtmpMessageType.CommandAmf0, streamId, output.WrittenSpan);
    }

    private void SendCommand(ReadOnlySpan<byte> name, string code)
    {
        var output = new ArrayBufferWriter<byte>(128);
        var values = CommandMessage.WriteStart(output, name, 0);
        values.WriteNull();
        values.WriteValue(new AmfObject(new AmfProperty("code", code)));
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, 0, output.WrittenSpan);
    }

    // The peer learns of the chunk size with the answer to connect, the only message before it that could be longer.
    private void SendMessage(int chunkStreamId, RtmpMessageType type, uint streamId, ReadOnlySpan<byte> payload)
    {
        var output = new ArrayBufferWriter<byte>(payload.Length + 64);
        var chunkSize = _app is null ? ChunkReader.DefaultChunkSize : _server.Options.ChunkSize;
        ChunkWriter.Write(output, chunkStreamId, timestamp: 0, type, streamId, payload, chunkSize);
        _writer.Send(output.WrittenSpan);
    }

    /// <summary>A command with its values.</summary>
    private readonly record struct Command(
        string Name, double Transaction, AmfValue Properties, IReadOnlyList<AmfValue> Arguments, uint StreamId)
    {
        /// <summary>Short, and without anything that could forge a log entry.</summary>
        public string PrintableName =>
            new([.. Name.Take(32).Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '?')]);

        public static Command Parse(in RtmpMessage message, AmfLimits limits)
        {
            var reader = new Amf0Reader(message.AmfPayload, limits);
            var name = reader.ReadString();
            var transaction = reader.IsAtEnd ? 0 : reader.ReadNumber();
            var properties = reader.IsAtEnd ? AmfValue.Null : reader.ReadValue();
            var arguments = new List<AmfValue>();
            while (!reader.IsAtEnd)
                arguments.Add(reader.ReadValue());
            return new Command(name, transaction, properties, arguments, message.StreamId);
        }

        public AmfValue Argument(int index) => index < Arguments.Count ? Arguments[index] : AmfValue.Undefined;
    }
}
