using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Diagnostics;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Talk;

namespace MediaGraph.Rtsp.Server;

/// <summary>
/// What a client says: its RTP packets become the frames of a talk session. A talk is in one codec, that of its first packet. Thread-safe:
/// packets may come on any thread, of which none ever waits.
/// </summary>
/// <param name="parts">What connections share.</param>
/// <param name="streamName">Whose speaker it is.</param>
/// <param name="peer">Who talks, as it was authorized.</param>
/// <param name="backchannel">What was described.</param>
/// <param name="connectionId">For the log.</param>
/// <param name="onEnded">Told when the speaker is gone. Must not wait.</param>
internal sealed class TalkTrack(
    ServerParts parts, string streamName, Peer peer, Backchannel backchannel, long connectionId, Action<CloseReason> onEnded) : IDisposable
{
    private const int WindowCapacity = 64; // 100 ms in packets of 2 ms
    private static readonly TimeSpan WindowDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SourceTimeout = TimeSpan.FromSeconds(2); // see RtpFeedTrack
    private static readonly TimeSpan ReopenAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _trackLock = new(); // guards the fields below; only the talk place's lock is taken under it
    private readonly ImmutableArray<SdpFormat> _formats = [.. backchannel.Formats.Select(FormatOf)];
    private readonly uint _ssrc = BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4)); // who reports
    private SdpFormat? _format; // of the talk, or of the last one
    private TalkSession? _session;
    private long _opened; // when one was last asked for
    private RtpReception? _reception;
    private ReorderWindow<HeldPacket>? _window; // null over TCP
    private Depacketizer? _depacketizer;
    private bool _isOrdered = true;
    private bool _isOn;
    private bool _isClosed;

    // The talker's time goes on when its source starts over.
    private long? _last; // in ticks of the codec's clock
    private long _lastArrival;
    private long _offset;
    private bool _startsOver;

    private TalkResult _result;

    /// <summary>Opens the talk session, which is silent. Idempotent.</summary>
    /// <exception cref="StreamException">Another talks at this moment, or the speaker is gone.</exception>
    public void Open()
    {
        lock (_trackLock)
        {
            if (_session is null)
                UseLocked(0, refuseWhenBusy: true);
        }
    }

    /// <summary>Says how packets come; before the first.</summary>
    public void SetUp(bool isOrdered)
    {
        lock (_trackLock)
        {
            _isOrdered = isOrdered;
            StartLocked(_format!);
        }
    }

    /// <summary>What comes from now on is said.</summary>
    public void Play()
    {
        lock (_trackLock)
            _isOn = !_isClosed;
    }

    /// <summary>Ends the talk, if there is one; what comes from now on goes nowhere. Idempotent.</summary>
    public void Pause()
    {
        lock (_trackLock)
        {
            _isOn = false;
            _window?.Flush();
            DrainLocked();
            _startsOver = true;
            _session?.Stop();
        }
    }

    /// <summary>Ends the talk session. Idempotent.</summary>
    public void Close()
    {
        lock (_trackLock)
        {
            (_isClosed, _isOn) = (true, false);
            _session?.Close(CloseReason.Requested);
        }
    }

    /// <summary>Closes, and gives back what is in assembly.</summary>
    public void Dispose()
    {
        lock (_trackLock)
        {
            Close();
            ForgetLocked();
        }
    }

    /// <summary>Gives up what is waited for too long. Called every second.</summary>
    public void Tick()
    {
        lock (_trackLock)
            DrainLocked();
    }

    /// <summary>Takes an RTP packet. Any bytes are taken; what is none goes nowhere.</summary>
    public void TakeRtp(ReadOnlySpan<byte> packet)
    {
        lock (_trackLock)
        {
            // Clients open a firewall's way with empty packets.
            if (!_isOn || !RtpHeader.TryParse(packet, out var header, out var payload) || payload.IsEmpty)
                return;
            if (header.PayloadType != _format?.PayloadType && !TryUseLocked(header.PayloadType))
            {
                parts.Metrics.CountTalkIgnored("format");
                return;
            }

            var arrival = _reception!.Accept(header, out var sequence, out var timestamp);
            if (arrival == RtpArrival.Ignored)
                return;
            if (arrival == RtpArrival.Restarted)
            {
                _window?.Flush();
                DrainLocked();
                RenewLocked();
            }

            if (_window is null)
            {
                _depacketizer!.Push(sequence, timestamp, header.Marker, payload);
                return;
            }

            var held = new HeldPacket(payload, parts.Hub.Pool, sequence, timestamp, header.Marker, isRestart: false);
            if (!_window.TryAdd(sequence, held))
                held.Buffer.Release();
            DrainLocked();
        }
    }

    /// <summary>Takes a compound of RTCP packets. Any bytes are taken. A goodbye ends the talk.</summary>
    public void TakeRtcp(ReadOnlySpan<byte> compound)
    {
        lock (_trackLock)
        {
            if (!_isOn || _reception is not { } reception)
                return;
            while (RtcpPacket.TryRead(ref compound, out var packet))
            {
                if (packet.TryReadSenderReport(out var report) && reception.Ssrc == report.Ssrc)
                    reception.Accept(report);
                else if (reception.Ssrc is { } ssrc && packet.IsGoodbyeOf(ssrc))
                    _session?.Stop();
            }
        }
    }

    /// <summary>Writes a receiver report; 0 bytes before anything came.</summary>
    public int WriteReport(Span<byte> destination, bool isLeaving)
    {
        lock (_trackLock)
        {
            return _reception?.CreateReport() is { } report
                ? RtcpWriter.Write(destination, _ssrc, report, parts.CanonicalName, isLeaving)
                : 0;
        }
    }

    private static SdpFormat FormatOf((int PayloadType, Codec Codec) format) => SdpCodecs.Read(
        MediaKind.Audio, format.PayloadType, SdpCodecs.MapOf(format.Codec), SdpCodecs.ParametersOf(format.Codec));

    // Another codec is another talk.
    private bool TryUseLocked(int payloadType)
    {
        for (var i = 0; i < _formats.Length; i++)
        {
            if (_formats[i].PayloadType == payloadType)
                return _session?.State is not (TalkState.Opening or TalkState.Talking) && TryReopenLocked(i);
        }

        return false;
    }

    private bool TryReopenLocked(int format)
    {
        try
        {
            UseLocked(format, refuseWhenBusy: false);
            return true;
        }
        catch (StreamException)
        {
            return false; // the speaker is gone, or takes other codecs now
        }
    }

    private void UseLocked(int format, bool refuseWhenBusy)
    {
        _opened = parts.Time.GetTimestamp();
        var session = parts.Hub.Talk(new TalkRequest(streamName)
        {
            Peer = peer,
            Codecs = [backchannel.Formats[format].Codec],
            RefuseWhenBusy = refuseWhenBusy,
            OnStateChanged = OnStateChanged,
        });
        _session?.Close(CloseReason.Requested);
        _session = session;
        if (_format != _formats[format])
            StartLocked(_formats[format]);
    }

    private void StartLocked(SdpFormat format)
    {
        ForgetLocked();
        _format = format;
        _reception = new RtpReception(format.ClockRate, parts.Time, _isOrdered ? TimeSpan.Zero : SourceTimeout);
        _window = _isOrdered ? null : new ReorderWindow<HeldPacket>(WindowCapacity, WindowDelay, parts.Time);
        _last = null;
        RenewLocked();
    }

    private void ForgetLocked()
    {
        _window?.Flush();
        while (_window is not null && _window.TryTake(out var packet, out _))
            packet.Buffer.Release(); // of another talk
        _depacketizer?.Dispose();
        _depacketizer = null;
        (_format, _reception, _window) = (null, null, null);
    }

    private void RenewLocked()
    {
        _depacketizer?.Dispose();
        _depacketizer = Depacketizer.Create(_format!, new DepacketizerOptions(parts.Hub.Pool, _format!.ClockRate, OnFrame));
        _startsOver = true;
    }

    private void DrainLocked()
    {
        while (_window is not null && _window.TryTake(out var packet, out _))
        {
            if (_isOn)
                _depacketizer!.Push(packet.Sequence, packet.Timestamp, packet.Marker, packet.Buffer.Span[..packet.Length]);
            packet.Buffer.Release();
        }
    }

    // Under the lock.
    private void OnFrame(in RtpFrame frame)
    {
        var now = parts.Time.GetTimestamp();
        if (_startsOver)
        {
            _startsOver = false;
            _offset = -frame.PresentationTime;
            if (_last is { } last)
                _offset += last + MediaTime.FromTimeSpan(parts.Time.GetElapsedTime(_lastArrival, now), frame.Codec.ClockRate);
        }

        var time = frame.PresentationTime + _offset;
        (_last, _lastArrival) = (time, now);
        if (_session!.State == TalkState.Ended && parts.Time.GetElapsedTime(_opened, now) >= ReopenAfter)
            TryReopenLocked(_formats.IndexOf(_format!)); // another feed may have come, with a speaker
        var packet = parts.Hub.Pool.CreatePacket(frame.Buffer, 0, frame.Length, _session.Codec, time, time, PacketFlags.None);
        try
        {
            Note(_session.Write(packet));
        }
        finally
        {
            packet.Release();
        }
    }

    // RTSP has no word for it in the middle of a session: what is lost is counted, and its beginning logged.
    private void Note(TalkResult result)
    {
        var isNews = _result != result;
        _result = result;
        if (result == TalkResult.Taken)
            return;
        var why = result switch
        {
            TalkResult.Busy => "busy",
            TalkResult.Unavailable => "unavailable",
            _ => "ended",
        };
        parts.Metrics.CountTalkIgnored(why);
        if (isNews && parts.Connections.MayWarn())
            Log.TalkIgnored(parts.Logger, connectionId, peer, streamName, why);
    }

    // On any thread; takes no lock.
    private void OnStateChanged(TalkState state, CloseReason? reason)
    {
        if (state == TalkState.Ended && reason is { Code: not CloseCode.Requested })
            onEnded(reason);
    }
}
