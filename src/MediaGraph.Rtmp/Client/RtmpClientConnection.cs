using System.Buffers;
using System.Globalization;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Handshake;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Sessions;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtmp.Client;

/// <summary>
/// A session of a client's: it asks for one stream of the server's and feeds the hub with it, or offers one of the hub's. Its task
/// does one step after the other; <see cref="Opened"/> tells whoever wants it when the server has agreed, or why it did not.
/// </summary>
internal sealed class RtmpClientConnection : RtmpSession
{
    private const int MaxDescriptionLength = 256;
    private const uint BufferMilliseconds = 3000; // what players ask for; live servers send at once all the same

    private const RtmpCapsEx CapsEx =
        RtmpCapsEx.Reconnect | RtmpCapsEx.Multitrack | RtmpCapsEx.ModEx | RtmpCapsEx.TimestampNanoOffset;

    private readonly RtmpClientOptions _options;
    private readonly RtmpUrl _url;
    private readonly string _name;
    private readonly bool _isPush;
    private readonly string _authentication;
    private readonly Func<PublishRequest, Feed> _publish;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RtmpStream? _stream; // once the server has made one
    private bool _isAsked; // to play or to publish
    private double _transactions;
    private RtmpCommand? _answer;
    private RtmpCapabilities _server = RtmpCapabilities.Classic;
    private string? _statusCode;

    /// <param name="sessions">Of the client.</param>
    /// <param name="options">Of the client.</param>
    /// <param name="transport">Connected.</param>
    /// <param name="id">Its number.</param>
    /// <param name="url">The server's stream.</param>
    /// <param name="name">The hub's stream.</param>
    /// <param name="isPush">Whether the hub's stream goes out; false to bring the server's in.</param>
    /// <param name="authentication">What goes behind the application; empty for nothing.</param>
    /// <param name="publish">Publishes the server's stream.</param>
    public RtmpClientConnection(
        RtmpSessions sessions, RtmpClientOptions options, ITransport transport, long id, RtmpUrl url, string name, bool isPush,
        string authentication, Func<PublishRequest, Feed> publish)
        : base(sessions, transport, id)
    {
        _options = options;
        _url = url;
        _name = name;
        _isPush = isPush;
        _authentication = authentication;
        _publish = publish;
    }

    /// <summary>Completes when media may flow; fails with an <see cref="RtmpClientException"/> when the session ended before.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Where the server sends the client; empty for the same place, null when it does not.</summary>
    public string? RedirectTo { get; private set; }

    /// <summary>What the server said when it rejected the connection; null when it did not.</summary>
    public string? Rejection { get; private set; }

    /// <summary>Subscribes what is pushed.</summary>
    public required Func<SubscribeRequest, PacketQueue, WireFormat, Subscription> Subscribe { get; init; }

    protected override bool AnswersPings => false; // not all servers do; TCP tells whether they are there

    protected override string InactivityText => "the server did not agree in time";

    protected override void OnOpened()
    {
        Sessions.Metrics.CountDialed();
        Log.Connected(Logger, Id, RemoteEndPoint);
    }

    protected override async Task HandshakeAsync()
    {
        var blocks = ArrayPool<byte>.Shared.Rent(RtmpHandshake.C0C1Length + RtmpHandshake.BlockLength);
        try
        {
            var c0c1 = blocks.AsMemory(0, RtmpHandshake.C0C1Length);
            var c2 = blocks.AsMemory(RtmpHandshake.C0C1Length, RtmpHandshake.BlockLength);
            RtmpHandshake.WriteC0C1(c0c1.Span, RtmpHandshakeKind.Digest, 0);
            Writer.Send(c0c1.Span);

            // Servers that do it wrong work all the same, so that S2 is not compared.
            await ReadExactlyAsync(
                RtmpHandshake.S0S1S2Length, s0s1s2 => RtmpHandshake.AnswerServer(s0s1s2, c0c1.Span, c2.Span, out _)).ConfigureAwait(false);
            Writer.Send(c2.Span);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(blocks);
        }
    }

    protected override async Task<CloseReason> ServeAsync() =>
        await ConnectAsync().ConfigureAwait(false)
        ?? await CreateStreamAsync().ConfigureAwait(false)
        ?? await BeginAsync().ConfigureAwait(false)
        ?? (await ReadAsync().ConfigureAwait(false))!;

    protected override ValueTask<CloseReason?> HandleCommandAsync(RtmpCommand command)
    {
        switch (command.Name)
        {
            case "_result" or "_error":
                if (command.Transaction != _transactions)
                    return default;
                _answer = command;
                return new(_isAsked && command.Name == "_error" ? Refuse(command) : null);
            case "onStatus":
                return new(HandleStatus(command));
            case "close":
                return new(new CloseReason(CloseCode.PeerClosed, "the server closed the connection"));
            default:
                Log.UnknownCommand(Logger, Id, command.PrintableName); // servers tell more than anybody asks for
                return default;
        }
    }

    protected override void OnStreamEvent(UserControlEvent type, uint streamId)
    {
        if (type == UserControlEvent.StreamEof && !_isPush && _stream is { Feed: not null })
            RequestClose(new CloseReason(CloseCode.PublisherLeft, "the server's stream has ended"));
    }

    // It asked for one alone, and servers exist that send it on another than they named.
    protected override RtmpStream? FindStream(uint streamId) => _stream;

    // Servers exist that send before they say that they will.
    protected override bool TryBeginFeed(uint streamId)
    {
        if (_isPush || !_isAsked || _stream is null)
            return false;
        if (BeginPull() is { } refusal)
            RequestClose(refusal);
        return _stream.Writer is not null;
    }

    protected override void SayStreamEnd(RtmpStream stream, CloseReason reason)
    {
        if (_isPush)
            SendCommand("FCUnpublish", 0, _url.Key);
        SendCommand("deleteStream", 0, (double)stream.Id);
    }

    protected override void OnClosed(CloseReason reason, long receivedBytes, long sentBytes)
    {
        try
        {
            Sessions.Metrics.CountClosed(reason.Code, receivedBytes, sentBytes);
            Log.ConnectionClosed(Logger, Id, Duration, reason);
        }
        finally
        {
            if (_opened.TrySetException(new RtmpClientException(reason, _statusCode)))
                _ = _opened.Task.Exception; // nobody waits when the call was cancelled
        }
    }

    // ---- The steps --------------------------------------------------------------------------------------------------------

    private async Task<CloseReason?> ConnectAsync()
    {
        var properties = new AmfObject([
            new AmfProperty("app", _url.App + _authentication),
            new AmfProperty("type", "nonprivate"),
            new AmfProperty("flashVer", "FMLE/3.0 (compatible; MediaGraph)"),
            new AmfProperty("tcUrl", _url.TcUrl + _authentication),
            new AmfProperty("fpad", false),
            new AmfProperty("capabilities", 239d),
            new AmfProperty("audioCodecs", 4071d),
            new AmfProperty("videoCodecs", 252d),
            new AmfProperty("videoFunction", 1d),
            new AmfProperty("objectEncoding", 0d),
            .. RtmpCapabilities.Announce(CapsEx),
        ]);
        if (await CallAsync("connect", properties).ConfigureAwait(false) is { } ended)
            return ended;
        if (_answer is { Name: "_error" } refused)
            return Reject(refused);
        _server = RtmpCapabilities.Parse(_answer!.Value.Argument(0).AsObject, _options.AssumedFourCcs);
        AnnouncedWindow = (uint)_options.WindowAcknowledgementSize;
        Send(output =>
        {
            ControlMessage.WriteWindowAcknowledgementSize(output, AnnouncedWindow);
            ControlMessage.WriteSetChunkSize(output, _options.ChunkSize);
        });
        HasAnnouncedChunkSize = true;
        return null;
    }

    private async Task<CloseReason?> CreateStreamAsync()
    {
        if (_isPush)
        {
            SendCommand("releaseStream", ++_transactions, _url.Key); // what encoders do; the answers mean nothing
            SendCommand("FCPublish", ++_transactions, _url.Key);
        }

        if (await CallAsync("createStream").ConfigureAwait(false) is { } ended)
            return ended;
        var answer = _answer!.Value;
        if (answer.Name == "_error")
            return Refuse(answer);
        if (answer.Argument(0).AsNumber is not (>= 1 and <= uint.MaxValue and var id))
            throw new RtmpProtocolException("The server names no message stream.");
        _stream = new RtmpStream((uint)id);
        SetStreams([_stream]);
        return null;
    }

    private async Task<CloseReason?> BeginAsync()
    {
        _isAsked = true;
        AcceptsLargeMessages = !_isPush; // from now on, whatever is said first
        if (_isPush)
        {
            SendCommand("publish", ++_transactions, _stream!.Id, _url.Key, "live");
        }
        else
        {
            SendCommand("play", ++_transactions, _stream!.Id, _url.Key, -2000d); // live, or recorded where there is no live one
            Send(output => ControlMessage.WriteSetBufferLength(output, _stream.Id, BufferMilliseconds));
        }

        return await ReadAsync(() => _stream.Name is not null).ConfigureAwait(false);
    }

    private CloseReason? BeginPull()
    {
        if (!_isAsked || _stream is not { Name: null } stream)
            return null;
        try
        {
            var feed = _publish(new PublishRequest(_name)
            {
                Peer = ThePeer(),
                LastHeard = () => LastHeard,
                OnRevoked = reason => OnRevoked(stream, reason),
            });
            BeginFeed(stream, _name, feed);
        }
        catch (StreamException e)
        {
            return new CloseReason(CloseCode.Refused, e.Message);
        }

        Log.Pulled(Logger, _name, _url, Id);
        _opened.TrySetResult();
        return null;
    }

    private CloseReason? BeginPush()
    {
        if (!_isAsked || _stream is not { Name: null } stream)
            return null;
        try
        {
            stream.Subscription = Subscribe(
                new SubscribeRequest(_name) { Peer = ThePeer(), OnStateChanged = OnStateChanged }, Writer, Sessions.FormatFor(stream.Id, _server));
        }
        catch (StreamException e)
        {
            return new CloseReason(e.Error == StreamError.CodecsNotMatched ? CloseCode.CodecMismatch : CloseCode.Refused, e.Message);
        }

        stream.Name = _name;
        stream.Subscription.Start();
        Log.Pushed(Logger, _name, _url, Id);
        _opened.TrySetResult();
        return null;
    }

    // Called by whichever thread changed the state. While the hub's stream waits for a publisher, so does the server's.
    private void OnStateChanged(SubscriptionState state, CloseReason? reason)
    {
        if (state == SubscriptionState.Ended && reason is { Code: not CloseCode.Requested })
            RequestClose(reason);
    }

    // ---- What the server says ---------------------------------------------------------------------------------------------

    private CloseReason? HandleStatus(RtmpCommand command)
    {
        var information = command.Argument(0).AsObject;
        var code = information?["code"].AsString ?? "";
        switch (code)
        {
            case "NetStream.Play.Start" when !_isPush:
                return BeginPull();
            case "NetStream.Publish.Start" when _isPush:
                return BeginPush();
            case "NetStream.Play.UnpublishNotify" or "NetStream.Play.Stop" or "NetStream.Play.Complete" when !_isPush:
                return new CloseReason(CloseCode.PublisherLeft, $"the server's stream has ended: {Printable(code)}");
            case "NetStream.Unpublish.Success" when _isPush:
                return new CloseReason(CloseCode.PeerClosed, Describe("the server ended the stream", information));
            case "NetConnection.Connect.ReconnectRequest":
                RedirectTo = information?["tcUrl"].AsString ?? "";
                return new CloseReason(CloseCode.PeerClosed, "the server asks to reconnect");
            case "NetConnection.Connect.Rejected" or "NetConnection.Connect.Failed" or "NetConnection.Connect.Closed":
                return Reject(command);
        }

        return information?["level"].AsString == CommandMessage.ErrorLevel ? Refuse(command) : null;
    }

    private CloseReason Reject(RtmpCommand command)
    {
        var information = command.Argument(0).AsObject;
        Rejection = information?["description"].AsString ?? "";
        var redirect = information?["ex"].AsObject;
        if (redirect?["code"].AsNumber == 302)
            RedirectTo = redirect["redirect"].AsString;
        return Refuse(command);
    }

    private CloseReason Refuse(RtmpCommand command)
    {
        var information = command.Argument(0).AsObject;
        _statusCode = Printable(information?["code"].AsString ?? "");
        return new CloseReason(CloseCode.Refused, Describe($"the server refused: {_statusCode}", information));
    }

    // A description that repeats where the stream is, or by what key, is kept back: viewers are told this too.
    private string Describe(string what, AmfObject? information)
    {
        var description = information?["description"].AsString;
        string?[] secrets = [_url.Host, _url.Key, _url.User, _url.Password.Reveal()];
        return string.IsNullOrEmpty(description) || secrets.Any(IsTold) ? what : $"{what} ({Printable(description)})";

        bool IsTold(string? secret) => !string.IsNullOrEmpty(secret) && description.Contains(secret, StringComparison.OrdinalIgnoreCase);
    }

    // What a server says is shown to people, and kept in logs: without anything that could forge an entry.
    private static string Printable(string text) =>
        new([.. text.Take(MaxDescriptionLength).Select(c => IsPrintable(c) ? c : '?')]);

    private static bool IsPrintable(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned);

    // ---- Sending ----------------------------------------------------------------------------------------------------------

    private Peer ThePeer() => new(_url.IsSecure ? "rtmps" : "rtmp") { RemoteEndPoint = RemoteEndPoint };

    // Returns why the session ended; null when the answer is there.
    private Task<CloseReason?> CallAsync(string name, params ReadOnlySpan<AmfValue> values)
    {
        _answer = null;
        Write(name, ++_transactions, 0, name == "connect" ? values[0] : AmfValue.Null, name == "connect" ? [] : values);
        return ReadAsync(() => _answer is not null);
    }

    private void SendCommand(string name, double transaction, AmfValue value) => Write(name, transaction, 0, AmfValue.Null, [value]);

    private void SendCommand(string name, double transaction, uint streamId, params ReadOnlySpan<AmfValue> values) =>
        Write(name, transaction, streamId, AmfValue.Null, values);

    private void Write(string name, double transaction, uint streamId, AmfValue properties, ReadOnlySpan<AmfValue> values)
    {
        var output = new ArrayBufferWriter<byte>(512);
        var writer = new Amf0Writer(output);
        writer.WriteString(name);
        writer.WriteNumber(transaction);
        writer.WriteValue(properties);
        foreach (var value in values)
            writer.WriteValue(value);
        SendMessage(CommandChunkStreamId, RtmpMessageType.CommandAmf0, streamId, output.WrittenSpan);
    }
}
