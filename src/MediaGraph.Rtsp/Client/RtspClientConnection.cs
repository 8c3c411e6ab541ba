using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Numerics;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// A session of a client's on a connection of its own. Its one task asks, reads, and at the end gives everything back, exactly once,
/// whatever ended it. Others only leave work for it, or ask for the end: <see cref="RequestClose"/> lets it tear the session down at the
/// server, <see cref="Abort"/> does not.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The task's end disposes of what it owns.")]
internal abstract class RtspClientConnection : IConnection
{
    /// <summary>How much room a report with its framing needs.</summary>
    protected const int MaxReportLength = FramingLength + RtcpWriter.MaxLength;

    /// <summary>Bytes in front of each packet over TCP (RFC 2326 §10.12).</summary>
    protected const int FramingLength = 4;

    /// <summary>Goes with all requests of a session that talks.</summary>
    protected static readonly (string Name, string Value) RequireBackchannel = (RtspHeaderNames.Require, RtspFeatures.Backchannel);

    protected static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan DefaultSessionTimeout = TimeSpan.FromSeconds(60); // RFC 2326 §12.37
    private static readonly TimeSpan MinKeepAlive = TimeSpan.FromSeconds(1);
    private const int MaxReasonLength = 100;
    private const int MaxTurnBytes = 128 << 10; // that are read without letting others have the thread

    private readonly ITransport _transport;
    private readonly RtspReader _reader;
    private readonly RtspClientAuthentication _authentication;
    private readonly ConcurrentQueue<Func<Task>> _jobs = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _began;
    private CloseReason? _reason;
    private Task _completion = Task.CompletedTask;
    private long _receivedBytes;
    private byte[] _scratch = []; // for a frame that lies in several pieces

    // Of the session's task alone.
    private uint _sequence;
    private RtspResponse? _reply;
    private bool _isAnswered;
    private bool _isGone; // the server can be told nothing any more
    private bool _wasTornDown;
    private bool _hasParameters; // the server knows GET_PARAMETER
    private int _channels; // below this are in use
    private int? _statusCode;

    private readonly Lock _sweepLock = new(); // held while the sweep is here; guards the field below
    private bool _isReleased;

    // Read by the sweep.
    private bool _isReady;
    private bool _isKeptAlive;
    private bool _isKeepAliveDue;
    private long _asked; // when the request was sent that is not answered yet; 0 for none
    private long _lastRequest;
    private long _keepAlive = DefaultSessionTimeout.Ticks / 2;
    private volatile string _method = "";

    protected RtspClientConnection(RtspClient client, ITransport transport, long id, RtspUrl url, string name, RtspUrlTransport carrier)
    {
        Client = client;
        Id = id;
        Url = url;
        Name = name;
        Carrier = carrier;
        ControlUri = url.RequestUri;
        _transport = transport;
        _reader = new RtspReader(Options.Limits);
        _authentication = client.NewAuthentication(url);
        Writer = new ConnectionWriter(transport, Hub.Pool, OnWriterFailed, Options.Queue, Time);
        _began = _lastRequest = Time.GetTimestamp();
    }

    public long Id { get; }

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>Ends when nothing of the session runs any more. Never fails.</summary>
    public Task Completion => _completion;

    /// <summary>Completes when media may flow; fails with an <see cref="RtspClientException"/> when the session ended before.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Why it ended, or is about to; null before.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>Where the server sends the client; null when it does not.</summary>
    public string? RedirectTo { get; private set; }

    /// <summary>Whether the server, or something on the way to it, wants no UDP: then TCP is worth an attempt.</summary>
    public bool FallsBack { get; private set; }

    protected RtspClient Client { get; }

    protected RtspClientOptions Options => Client.Options;

    protected StreamHub Hub => Client.Hub;

    protected TimeProvider Time => Client.TimeProvider;

    protected RtspUrl Url { get; }

    /// <summary>The hub's stream.</summary>
    protected string Name { get; }

    protected RtspUrlTransport Carrier { get; }

    protected ConnectionWriter Writer { get; }

    /// <summary>The URL that stands for all tracks.</summary>
    protected string ControlUri { get; set; }

    protected Peer Peer => new(Url.IsSecure ? "rtsps" : "rtsp") { RemoteEndPoint = RemoteEndPoint };

    private RtspSessionId? Session { get; set; }

    /// <summary>Starts the session's task; called once. The client owns the task and awaits it.</summary>
    public void Start() => _completion = Task.Run(RunAsync);

    /// <summary>Asks for the end; the server is told. Waits for nothing.</summary>
    public void RequestClose(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null)
            return;
        _ = _closing.CancelAsync();
        _transport.Input.CancelPendingRead();
    }

    /// <summary>Cuts the connection. Waits for nothing.</summary>
    public void Abort(CloseReason reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _transport.Abort(reason);
        _ = _closing.CancelAsync();
    }

    /// <summary>Looks at the deadlines, and at what is due. Called every second.</summary>
    public void CheckDeadlines()
    {
        lock (_sweepLock)
        {
            if (!_isReleased && Reason is null)
                CheckDeadlinesLocked();
        }
    }

    private void CheckDeadlinesLocked()
    {
        var now = Time.GetTimestamp();
        var asked = Volatile.Read(ref _asked);
        if (!Volatile.Read(ref _isReady))
        {
            if (Time.GetElapsedTime(_began, now) >= Options.DialTimeout)
                Abort(Late("the server did not open the connection in time"));
        }
        else if (asked != 0 && Time.GetElapsedTime(asked, now) >= Options.RequestTimeout)
        {
            Abort(Late($"the server did not answer {_method} in time"));
        }
        else if (Writer.GetStatistics().StalledFor >= Options.WriteTimeout)
        {
            Abort(Late("the server took nothing"));
        }
        else
        {
            CheckKeepAlive(now);
            OnSecond(now);
        }
    }

    // A push that only meets a codec which it cannot carry can say so; any other failure is the end.
    private void OnWriterFailed(CloseReason reason)
    {
        if (reason.Code == CloseCode.CodecMismatch)
            RequestClose(reason);
        else
            Abort(reason);
    }

    protected static CloseReason Late(string text) => new(CloseCode.Deadline, text);

    // ---- What a pull, a push and a talk do in their own ways ----------------------------------------------------------------

    /// <summary>The whole session; ends with an exception.</summary>
    protected abstract Task ServeAsync();

    /// <summary>Called every second while the connection is alive, on the timer's thread.</summary>
    protected abstract void OnSecond(long now);

    /// <summary>An interleaved frame came.</summary>
    protected abstract void OnFrame(byte channel, ReadOnlySpan<byte> packet);

    /// <summary>The session ends: what it has of the hub is given back, and what belongs before TEARDOWN is said.</summary>
    protected abstract void OnEnding(CloseReason reason);

    /// <summary>Gives the rest back, whatever failed before.</summary>
    protected abstract ValueTask ReleaseAsync();

    // ---- The session's task -------------------------------------------------------------------------------------------------

    private async Task RunAsync()
    {
        CloseReason reason;
        try
        {
            Client.Metrics.Connections.CountDialed();
            Log.Connected(Client.Logger, Id, RemoteEndPoint);
            await _transport.OpenAsync(_closing.Token).ConfigureAwait(false);
            Volatile.Write(ref _isReady, true);
            await ServeAsync().ConfigureAwait(false);
            reason = CloseReason.Requested;
        }
        catch (Exception e)
        {
            reason = ReasonOf(e);
        }

        reason = Interlocked.CompareExchange(ref _reason, reason, null) ?? reason;
        await GuardAsync(() => EndAsync(reason)).ConfigureAwait(false);
        lock (_sweepLock)
            _isReleased = true;
        await GuardAsync(() => CloseAsync(reason)).ConfigureAwait(false);
        await GuardAsync(() => ReleaseAsync().AsTask()).ConfigureAwait(false);
        Client.Metrics.Connections.CountClosed(reason.Code, _receivedBytes, Writer.SentBytes);
        Log.ConnectionClosed(Client.Logger, Id, Time.GetElapsedTime(_began), reason);
        Client.Remove(this);
        if (_opened.TrySetException(new RtspClientException(reason, _statusCode)))
            _ = _opened.Task.Exception; // nobody waits when the call was cancelled
    }

    // Each step of the end is taken, whatever became of the one before.
    private async Task GuardAsync(Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.ConnectionFaulted(Client.Logger, e, Id);
        }
    }

    private CloseReason ReasonOf(Exception exception)
    {
        _isGone |= exception is not (EndedException or RtspClientException or OperationCanceledException);
        switch (exception)
        {
            case EndedException ended:
                return ended.Reason;
            case RtspClientException refused:
                _statusCode = refused.StatusCode;
                return refused.Reason;
            case TlsHandshakeException:
                return new CloseReason(CloseCode.ProtocolError, exception.Message);
            case EndOfStreamException:
                return new CloseReason(CloseCode.PeerClosed, "the server closed the connection");
            case IOException or ObjectDisposedException:
                return new CloseReason(CloseCode.ConnectionLost, "the connection was lost");
            case OperationCanceledException when _closing.IsCancellationRequested:
                return CloseReason.Stopping; // the reason was set by whoever cancelled
            default:
                Log.ConnectionFaulted(Client.Logger, exception, Id);
                return new CloseReason(CloseCode.Fault, "a fault of this software");
        }
    }

    /// <summary>Media may flow: does what others leave for it, until the session ends.</summary>
    protected async Task RunJobsAsync()
    {
        NoteOpened();
        while (true)
        {
            await ReadAsync(() => !_jobs.IsEmpty).ConfigureAwait(false);
            while (_jobs.TryDequeue(out var job))
                await job().ConfigureAwait(false);
        }
    }

    /// <summary>Tells who opened the session that it is open.</summary>
    protected void NoteOpened() => _opened.TrySetResult();

    /// <summary>Leaves work for the session's task, which does it when media flow and the work before it is done.</summary>
    protected void Post(Func<Task> job)
    {
        _jobs.Enqueue(job);
        Wake();
    }

    /// <summary>Has the session's task look again at what it waits for.</summary>
    protected void Wake() => _transport.Input.CancelPendingRead();

    /// <summary>Reads and obeys until it is done.</summary>
    protected async Task ReadAsync(Func<bool> isDone)
    {
        for (var turn = 0L; !isDone();)
        {
            var reading = _transport.Input.ReadAsync(CancellationToken.None);
            if (!reading.IsCompleted)
            {
                turn = _receivedBytes;
            }
            else if (_receivedBytes - turn >= MaxTurnBytes)
            {
                await Task.Yield(); // a server that always has more to say does not keep the thread to itself
                turn = _receivedBytes;
            }

            var result = await reading.ConfigureAwait(false);
            var buffer = result.Buffer;
            var isExamined = true;
            try
            {
                ThrowIfEnding();
                if (result.IsCanceled)
                {
                    isExamined = false;
                    continue;
                }

                while (_reader.TryRead(ref buffer, out var item))
                {
                    Handle(item);
                    ThrowIfEnding();
                    if (isDone())
                    {
                        isExamined = false;
                        return;
                    }
                }
            }
            finally
            {
                _receivedBytes += result.Buffer.Length - buffer.Length;
                _transport.Input.AdvanceTo(buffer.Start, isExamined ? buffer.End : buffer.Start);
            }

            if (result.IsCompleted)
                throw new EndOfStreamException();
        }
    }

    private void ThrowIfEnding()
    {
        if (_closing.IsCancellationRequested || Reason is not null)
            throw new EndedException(Reason ?? CloseReason.Requested);
    }

    private void Handle(in RtspItem item)
    {
        if (item.IsInterleaved)
        {
            OnFrame(item.Channel, Contiguous(item.Payload));
            return;
        }

        if (item.Error is { } error)
            throw new EndedException(new CloseReason(CloseCode.ProtocolError, $"the server does not speak RTSP: {error.Message}"));
        if (item.Message is { IsHttp: true })
            throw new EndedException(new CloseReason(CloseCode.ProtocolError, "the server speaks HTTP"));
        if (item.Message is RtspRequest request)
            Answer(request);
        else if (item.Message is RtspResponse { Status: >= RtspStatus.Ok } reply && (reply.CSeq ?? _sequence) == _sequence && !_isAnswered)
            (_reply, _isAnswered) = (reply, true); // servers exist that leave the number out
    }

    private ReadOnlySpan<byte> Contiguous(in ReadOnlySequence<byte> payload)
    {
        if (payload.IsSingleSegment)
            return payload.FirstSpan;
        var length = (int)payload.Length;
        if (_scratch.Length < length)
            _scratch = new byte[(int)BitOperations.RoundUpToPowerOf2((uint)length)];
        payload.CopyTo(_scratch);
        return _scratch.AsSpan(0, length);
    }

    // RFC 2326 §10: what a server may ask of a client.
    private void Answer(RtspRequest request)
    {
        var isKnown = request.Method is RtspMethods.Options or RtspMethods.GetParameter or RtspMethods.SetParameter or RtspMethods.Announce
            or RtspMethods.Redirect or RtspMethods.Teardown;
        var reply = new RtspResponse(isKnown ? RtspStatus.Ok : RtspStatus.NotImplemented);
        if (request.CSeq is { } number)
            reply.Headers.Add(RtspHeaderNames.CSeq, number.ToString(CultureInfo.InvariantCulture));
        if (Session is { } session)
            reply.Headers.Add(RtspHeaderNames.Session, session.Id);
        if (request.Method == RtspMethods.Options)
            reply.Headers.Add(RtspHeaderNames.Public, "OPTIONS, GET_PARAMETER, SET_PARAMETER, ANNOUNCE, REDIRECT, TEARDOWN");
        Writer.Send(reply.ToArray());
        if (request.Method == RtspMethods.Redirect)
        {
            RedirectTo = request.Headers[RtspHeaderNames.Location] ?? Url.RequestUri;
            throw new EndedException(new CloseReason(CloseCode.PeerClosed, "the server asks to go elsewhere"));
        }

        if (request.Method == RtspMethods.Teardown)
        {
            _wasTornDown = true;
            throw new EndedException(new CloseReason(CloseCode.PeerClosed, "the server ended the session"));
        }
    }

    // ---- Requests -----------------------------------------------------------------------------------------------------------

    /// <summary>Sends a request and returns the answer, whatever it says; asked who we are, the request is sent once more.</summary>
    /// <exception cref="RtspClientException">The server does not take us for anybody whom it knows.</exception>
    protected async Task<RtspResponse> CallAsync(
        string method, string uri, ReadOnlyMemory<byte> body = default, params (string Name, string Value)[] headers)
    {
        while (true)
        {
            (_reply, _isAnswered, _method) = (null, false, method);
            SendRequest(method, uri, body, headers);
            Volatile.Write(ref _asked, Time.GetTimestamp());
            await ReadAsync(() => _isAnswered).ConfigureAwait(false);
            Volatile.Write(ref _asked, 0);
            var reply = _reply!;
            if (RtspSessionId.TryParse(reply.Headers[RtspHeaderNames.Session], out var session))
            {
                Session = session;
                if (session.Timeout is { } timeout) // not every answer repeats it
                    Volatile.Write(ref _keepAlive, Math.Max((timeout / 2).Ticks, MinKeepAlive.Ticks));
            }

            if (reply.Status != RtspStatus.Unauthorized)
            {
                _authentication.Accepted();
                return reply;
            }

            if (!_authentication.TryAccept(reply, out var error))
                throw new RtspClientException(new CloseReason(CloseCode.Refused, error), reply.Status);
        }
    }

    /// <summary>Passes what says yes.</summary>
    /// <exception cref="RtspClientException">The server says no, or is elsewhere.</exception>
    protected RtspResponse Require(RtspResponse reply)
    {
        if (reply.Status < 300)
            return reply;
        ThrowIfRedirected(reply);
        var words = new string([.. reply.Reason.Take(MaxReasonLength).Select(c => c is >= ' ' and <= '~' ? c : '?')]);
        if (Repeats(words, Url.Host) || Repeats(words, Url.Path) || Repeats(words, Url.User))
            words = RtspStatus.ReasonOf(reply.Status); // viewers are told this too, who need not know where the server is
        throw new RtspClientException(
            new CloseReason(
                CloseCode.Refused, string.Create(CultureInfo.InvariantCulture, $"the server refused {_method}: {reply.Status} {words}")),
            reply.Status);
    }

    private static bool Repeats(string words, string? secret) =>
        !string.IsNullOrEmpty(secret) && words.Contains(secret, StringComparison.OrdinalIgnoreCase);

    /// <summary>The first question, whose answer says what the server can do. Servers that refuse it may do everything else.</summary>
    protected async Task AskOptionsAsync()
    {
        var reply = await CallAsync(RtspMethods.Options, Url.RequestUri).ConfigureAwait(false);
        ThrowIfRedirected(reply);
        _hasParameters = reply.Headers.GetList(RtspHeaderNames.Public).Contains(RtspMethods.GetParameter, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Asks for the description, and takes the session's control URL out of it.</summary>
    /// <param name="isTalk">Whether to require that the server describes its loudspeaker; null: ask for it, but do without.</param>
    /// <returns>The description, and what its control URLs are relative to.</returns>
    protected async Task<(SdpSession Description, string BaseUri)> DescribeAsync(bool? isTalk)
    {
        (string, string) accept = (RtspHeaderNames.Accept, "application/sdp");
        var uri = Url.RequestUri;
        var reply = isTalk == false
            ? await CallAsync(RtspMethods.Describe, uri, default, accept).ConfigureAwait(false)
            : await CallAsync(RtspMethods.Describe, uri, default, accept, RequireBackchannel).ConfigureAwait(false);
        if (isTalk is null && reply.Status is RtspStatus.BadRequest or >= RtspStatus.InternalServerError)
            reply = await CallAsync(RtspMethods.Describe, uri, default, accept).ConfigureAwait(false); // 551, or in another word
        Require(reply);
        if (!SdpSession.TryParse(reply.Body.Span, Options.Limits, out var description, out var error))
            throw new RtspClientException(new CloseReason(CloseCode.ProtocolError, error));
        var baseUri = RtspControl.BaseOf(reply, uri);
        ControlUri = RtspControl.Resolve(baseUri, description.Control);
        return (description, baseUri);
    }

    /// <summary>Sets one track up, over what carries the session.</summary>
    /// <param name="uri">The track's control URL.</param>
    /// <param name="channel">The channel for RTP that is asked for over TCP.</param>
    /// <param name="isRecord">Whether the client will send.</param>
    /// <param name="onRtp">Takes what comes over UDP; null for nothing.</param>
    /// <param name="onRtcp">Takes what comes over UDP; null for nothing.</param>
    /// <param name="headers">What else to say.</param>
    /// <returns>What was agreed, and the way over UDP, which passes to the caller; null over TCP.</returns>
    protected async Task<(RtspTransport Transport, UdpPath? Path)> SetUpAsync(
        string uri, int channel, bool isRecord, UdpHandler? onRtp, UdpHandler? onRtcp, params (string Name, string Value)[] headers)
    {
        var path = Carrier == RtspUrlTransport.Udp ? OpenPath(onRtp, onRtcp) : null;
        try
        {
            var asked = path is null
                ? new RtspTransport { IsTcp = true, Interleaved = new PortPair(channel, channel + 1), IsRecord = isRecord }
                : new RtspTransport { ClientPorts = path.LocalPorts, IsRecord = isRecord };
            var reply = await CallAsync(RtspMethods.Setup, uri, default, [(RtspHeaderNames.Transport, asked.ToString()), .. headers])
                .ConfigureAwait(false);
            FallsBack |= path is not null && reply.Status == RtspStatus.UnsupportedTransport;
            Require(reply);
            var answer = reply.Headers[RtspHeaderNames.Transport] is { } header ? RtspTransport.ParseAnswer(header, asked) : asked;
            FallsBack |= path is not null && answer is null;
            if (answer is null)
                throw new RtspClientException(
                    new CloseReason(CloseCode.ProtocolError, "the server sends by another way than it was asked to"));
            if (path is null)
            {
                _reader.SkipsGarbage = true;
                _channels = Math.Max(_channels, 1 + Math.Max(answer.Interleaved!.Value.Rtp, answer.Interleaved.Value.Rtcp));
                _reader.Channels = _channels;
            }
            else
            {
                // Whatever source= says, packets are taken from the server itself alone.
                if (answer.ServerPorts is { } ports)
                    path.SetRemote(ports);
                if (onRtp is not null)
                    path.Punch();
            }

            _isKeptAlive = true;
            var agreed = path;
            path = null;
            return (answer, agreed);
        }
        finally
        {
            if (path is not null)
                await path.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Gives up the way over UDP.</summary>
    protected RtspClientException NoPacket()
    {
        FallsBack = true;
        return new RtspClientException(Late("no packet came over UDP"));
    }

    /// <summary>Sends an RTCP compound, over UDP or interleaved.</summary>
    /// <param name="report">Behind <see cref="ReportSpan"/>'s room for the framing.</param>
    /// <param name="length">Of the compound.</param>
    /// <param name="path">The way over UDP; null for TCP.</param>
    /// <param name="channel">The channel over TCP.</param>
    protected void SendReport(Span<byte> report, int length, UdpPath? path, int channel)
    {
        if (length == 0)
            return;
        if (path is not null)
        {
            path.SendRtcp(ReportSpan(report)[..length]);
            return;
        }

        report[0] = (byte)'$';
        report[1] = (byte)channel;
        BinaryPrimitives.WriteUInt16BigEndian(report[2..], (ushort)length);
        Writer.Send(report[..(FramingLength + length)]);
    }

    /// <summary>Where the compound itself belongs.</summary>
    protected static Span<byte> ReportSpan(Span<byte> report) => report[FramingLength..];

    private void ThrowIfRedirected(RtspResponse reply)
    {
        if (reply.Status is < 300 or >= 400 || reply.Headers[RtspHeaderNames.Location] is not { } target)
            return;
        RedirectTo = target;
        throw new RtspClientException(new CloseReason(CloseCode.Refused, "the stream is elsewhere"), reply.Status);
    }

    private UdpPath OpenPath(UdpHandler? onRtp, UdpHandler? onRtcp)
    {
        if (RemoteEndPoint is not IPEndPoint { Address: { } address })
            throw NoPacket();
        var local = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        try
        {
            return Client.Ports.Open(local, address, null, onRtp, onRtcp);
        }
        catch (IOException e)
        {
            throw new RtspClientException(new CloseReason(CloseCode.LimitExceeded, e.Message));
        }
    }

    private void SendRequest(string method, string uri, ReadOnlyMemory<byte> body, params ReadOnlySpan<(string Name, string Value)> headers)
    {
        var request = new RtspRequest(method, uri) { Body = body };
        request.Headers.Add(RtspHeaderNames.CSeq, (++_sequence).ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(RtspHeaderNames.UserAgent, Options.UserAgent);
        if (Session is { } session)
            request.Headers.Add(RtspHeaderNames.Session, session.Id);
        if (_authentication.Authorize(method, uri) is { } authorization)
            request.Headers.Add(RtspHeaderNames.Authorization, authorization);
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        Volatile.Write(ref _lastRequest, Time.GetTimestamp());
        Writer.Send(request.ToArray());
    }

    // ---- Keep-alive ---------------------------------------------------------------------------------------------------------

    // Never behind one that is not answered: the next is due when the job is done.
    private void CheckKeepAlive(long now)
    {
        if (!Volatile.Read(ref _isKeptAlive) || Volatile.Read(ref _isKeepAliveDue) ||
            Time.GetElapsedTime(Volatile.Read(ref _lastRequest), now).Ticks < Volatile.Read(ref _keepAlive))
            return;
        Volatile.Write(ref _isKeepAliveDue, true);
        Post(KeepAliveAsync);
    }

    // A refusal ends the session: the server knows it no longer. That it does not know the method is another matter.
    private async Task KeepAliveAsync()
    {
        var method = _hasParameters ? RtspMethods.GetParameter : RtspMethods.Options;
        var reply = await CallAsync(method, ControlUri).ConfigureAwait(false);
        if (_hasParameters && reply.Status is RtspStatus.BadRequest or RtspStatus.MethodNotAllowed or RtspStatus.InvalidParameter
            or RtspStatus.NotImplemented)
        {
            _hasParameters = false;
            reply = await CallAsync(RtspMethods.Options, ControlUri).ConfigureAwait(false);
        }

        Require(reply);
        Volatile.Write(ref _isKeepAliveDue, false);
    }

    // ---- The end ------------------------------------------------------------------------------------------------------------

    private async Task EndAsync(CloseReason reason)
    {
        await GuardAsync(() =>
        {
            OnEnding(reason);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        if (!_isGone && Session is not null)
            await SayGoodbyeAsync().ConfigureAwait(false);
    }

    // The server has a moment to answer; what media come meanwhile go nowhere.
    private async Task SayGoodbyeAsync()
    {
        (_reply, _isAnswered) = (null, false);
        if (!_wasTornDown)
            SendRequest(RtspMethods.Teardown, ControlUri, default);
        using var limit = new CancellationTokenSource(GoodbyeLimit, Time);
        await Writer.CompleteAsync(GoodbyeLimit).ConfigureAwait(false);
        if (_wasTornDown)
            _transport.CompleteOutput();
        try
        {
            while (_reply is null)
            {
                var result = await _transport.Input.ReadAsync(limit.Token).ConfigureAwait(false);
                var buffer = result.Buffer;
                while (_reply is null && _reader.TryRead(ref buffer, out var item))
                {
                    if (item.Error is not null)
                        return;
                    if (item.Message is RtspResponse reply && (reply.CSeq ?? _sequence) == _sequence)
                        _reply = reply;
                }

                _transport.Input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted)
                    return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Long enough, or the server was faster.
        }
    }

    private async Task CloseAsync(CloseReason reason)
    {
        _transport.Abort(reason);
        await Writer.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The session is over.</summary>
    private sealed class EndedException(CloseReason reason) : Exception(reason.Text)
    {
        public CloseReason Reason { get; } = reason;
    }
}
