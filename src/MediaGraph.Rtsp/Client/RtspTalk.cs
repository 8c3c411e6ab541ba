using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;
using MediaGraph.Transport;

namespace MediaGraph.Rtsp.Client;

/// <summary>
/// A session with a camera's loudspeaker alone (ONVIF Streaming Specification §5.3): nothing else of the camera is set up in it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The run holds no memory between two packets.")]
internal sealed class RtspTalk : RtspClientConnection
{
    private const int PacketsPerSecond = 25; // of sound in samples: 40 ms, what devices' buffers are made for

    private readonly Codec _codec;
    private readonly Lock _sendLock = new(); // guards what follows: the talker's task sends, the sweep reports; the writer's gate is taken under it
    private readonly RtpRun _run;
    private readonly string _canonicalName;
    private Packetizer? _packetizer; // null until the camera listens, and when the session ends
    private UdpPath? _path;
    private int _channel; // for RTP over TCP
    private int _reportChannel;
    private DateTimeOffset _origin; // the wall clock at the packets' time 0
    private bool _hasBegun;
    private long _lastReport;

    /// <param name="client">The client.</param>
    /// <param name="transport">Connected.</param>
    /// <param name="id">Its number.</param>
    /// <param name="url">The camera.</param>
    /// <param name="name">The hub's stream.</param>
    /// <param name="carrier">How what is said goes.</param>
    /// <param name="codec">What is said; one of those that the camera's description had.</param>
    public RtspTalk(
        RtspClient client, ITransport transport, long id, RtspUrl url, string name, RtspUrlTransport carrier, Codec codec)
        : base(client, transport, id, url, name, carrier)
    {
        _codec = codec;
        _run = new RtpRun(Hub.Pool, isInterleaved: true);
        _canonicalName = string.Create(CultureInfo.InvariantCulture, $"mediagraph-{id}");
    }

    /// <summary>Sends a packet, and does not wait. What a camera does not take ends the session, or is lost over UDP.</summary>
    /// <exception cref="StreamException">The session has ended.</exception>
    public void Send(MediaPacket packet)
    {
        lock (_sendLock)
        {
            if (Reason is { } reason)
                throw new StreamException(StreamError.Ended, reason.Text);
            if (_packetizer is null)
                throw new StreamException(StreamError.Ended, "the session has ended");
            try
            {
                _packetizer.Packetize(packet, _run);
                if (_run.Count > 0)
                    SendRunLocked(packet);
            }
            finally
            {
                _run.Dispose();
            }
        }
    }

    protected override async Task ServeAsync()
    {
        await AskOptionsAsync().ConfigureAwait(false);
        var (description, baseUri) = await DescribeAsync(isTalk: true).ConfigureAwait(false);
        if (description.FindBackchannel() is not { } media)
            throw new RtspClientException(new CloseReason(CloseCode.Refused, "the server has no loudspeaker any more"));
        if (media.Formats.FirstOrDefault(f => RtspSpeaker.CanSend(f) && Suits(f.Codec!)) is not { } format)
            throw new RtspClientException(new CloseReason(CloseCode.CodecMismatch, $"the server's loudspeaker takes no {_codec.Name} any more"));
        var (transport, path) = await SetUpAsync(
            RtspControl.Resolve(baseUri, media.Control), 0, isRecord: false, null, null, RequireBackchannel).ConfigureAwait(false);
        lock (_sendLock)
            _path = path; // it has an owner now
        (_channel, _reportChannel) = (transport.Interleaved?.Rtp ?? 0, transport.Interleaved?.Rtcp ?? 0);
        Require(await CallAsync(RtspMethods.Play, ControlUri, default, RequireBackchannel).ConfigureAwait(false));
        lock (_sendLock)
            _packetizer = CreatePacketizer(format);
        Log.Talks(Client.Logger, Url, Name, _codec, Id);
        await RunJobsAsync().ConfigureAwait(false);
    }

    protected override void OnFrame(byte channel, ReadOnlySpan<byte> packet)
    {
        // A receiver report.
    }

    protected override void OnSecond(long now)
    {
        lock (_sendLock)
        {
            if (_hasBegun && Time.GetElapsedTime(_lastReport, now) >= ReportInterval)
                ReportLocked(isLeaving: false);
        }
    }

    protected override void OnEnding(CloseReason reason)
    {
        lock (_sendLock)
        {
            if (_hasBegun)
                ReportLocked(isLeaving: true);
            _hasBegun = false;
            _packetizer = null;
        }
    }

    protected override ValueTask ReleaseAsync() => _path?.DisposeAsync() ?? ValueTask.CompletedTask;

    // What is said is described by the camera alone: AAC must be as it says, and an Opus packet says itself how many channels it has.
    private bool Suits(Codec taken) =>
        taken.HasSameParameters(_codec) ||
        (taken.Name == CodecNames.Opus && _codec is { Name: CodecNames.Opus, Form: PayloadForm.Frame });

    private static uint Random32() => BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4));

    private Packetizer CreatePacketizer(SdpFormat format)
    {
        var bytesPerTick = _codec.Name switch
        {
            CodecNames.Pcma or CodecNames.Pcmu or CodecNames.G722 => Math.Max(1, _codec.Channels),
            CodecNames.L16 => 2 * Math.Max(1, _codec.Channels),
            _ => 0,
        };
        var longest = bytesPerTick * _codec.ClockRate / PacketsPerSecond;
        var options = new RtpSenderOptions
        {
            Ssrc = Random32(),
            PayloadType = (byte)format.PayloadType,
            ClockRate = format.ClockRate,
            FirstSequenceNumber = (ushort)Random32(),
            FirstTimestamp = Random32(),
            MaxPacketLength = longest == 0
                ? RtpSenderOptions.DefaultMaxPacketLength
                : Math.Clamp(RtpHeader.Length + longest, RtpSenderOptions.MinPacketLength, RtpSenderOptions.DefaultMaxPacketLength),
        };
        return Packetizer.Create(_codec, options)
            ?? throw new RtspClientException(new CloseReason(CloseCode.CodecMismatch, $"{_codec.Name} cannot be sent"));
    }

    // A report goes before the first packet, which has the marker (RFC 3551 §4.1), and says when it was said.
    private void SendRunLocked(MediaPacket packet)
    {
        var isFirst = !_hasBegun;
        if (isFirst)
        {
            _hasBegun = true;
            _origin = Time.GetUtcNow() - MediaTime.ToTimeSpan(packet.PresentationTime, packet.Codec.ClockRate);
            ReportLocked(isLeaving: false);
        }

        var length = _run.Length;
        var buffer = _run.Detach();
        try
        {
            for (var rest = buffer.Span[..length]; !rest.IsEmpty;)
            {
                var packetLength = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
                rest[1] = (byte)_channel;
                if (isFirst && packet.Codec.Name != CodecNames.Aac)
                    rest[FramingLength + 1] |= 0x80;
                isFirst = false;
                _path?.SendRtp(rest.Slice(FramingLength, packetLength));
                rest = rest[(FramingLength + packetLength)..];
            }

            if (_path is null)
                Writer.Send(buffer.Span[..length]);
        }
        finally
        {
            buffer.Release();
        }
    }

    private void ReportLocked(bool isLeaving)
    {
        if (_packetizer is not { } packetizer)
            return;
        _lastReport = Time.GetTimestamp();
        Span<byte> report = stackalloc byte[MaxReportLength];
        var length = RtcpWriter.Write(ReportSpan(report), packetizer.CreateReport(Time.GetUtcNow(), _origin), _canonicalName, isLeaving);
        SendReport(report, length, _path, _reportChannel);
    }
}
