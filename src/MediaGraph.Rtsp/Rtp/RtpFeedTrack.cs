using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>One track of an <see cref="RtpFeed"/>. Thread-safe.</summary>
internal sealed class RtpFeedTrack
{
    // Packets of one network differ by some milliseconds in their way; 100 ms at 50 Mbit/s are some 450 packets.
    private const int WindowCapacity = 512;
    private static readonly TimeSpan WindowDelay = TimeSpan.FromMilliseconds(100);

    // Over UDP a forged packet takes no source's place while the source is heard.
    private static readonly TimeSpan SourceTimeout = TimeSpan.FromSeconds(2);

    private readonly RtpFeed _feed;
    private readonly RtpReception _reception;
    private readonly ReorderWindow<HeldPacket>? _window; // null where packets come in order
    private readonly RtpTrackClock _clock;
    private readonly Depacketizer _depacketizer;
    private FeedTrack? _output;
    private long _lastArrival = long.MinValue;

    internal RtpFeedTrack(
        RtpFeed feed, MediaKind kind, SdpFormat format, string id, bool isOrdered, RtpTrackClock clock, PacketPool pool,
        TimeProvider timeProvider)
    {
        _feed = feed;
        _clock = clock;
        Kind = kind;
        Format = format;
        Id = id;
        _reception = new RtpReception(format.ClockRate, timeProvider, isOrdered ? TimeSpan.Zero : SourceTimeout);
        _window = isOrdered ? null : new ReorderWindow<HeldPacket>(WindowCapacity, WindowDelay, timeProvider);
        _depacketizer = Depacketizer.Create(
            format, new DepacketizerOptions(pool, format.ClockRate, OnFrame, clock, KeepsPackets: kind == MediaKind.Video));
    }

    /// <summary>Video, audio or data.</summary>
    public MediaKind Kind { get; }

    /// <summary>The track's identity in the stream.</summary>
    public string Id { get; }

    /// <summary>What its packets are.</summary>
    public SdpFormat Format { get; }

    /// <summary>When the last RTP packet of the track came, as a timestamp of the time provider; null before the first.</summary>
    public long? LastArrival => Volatile.Read(ref _lastArrival) is not long.MinValue and var last ? last : null;

    /// <summary>Whether its sender said goodbye (RTCP BYE).</summary>
    public bool SaidGoodbye { get; private set; }

    /// <summary>Packets that were malformed, of another payload type, or of no source. Guarded by the feed's lock, as all below.</summary>
    public long IgnoredPackets { get; private set; }

    /// <summary>Frames that were dropped: with a hole, malformed, or without a keyframe before them.</summary>
    public long DroppedFrames => _depacketizer.DroppedFrames;

    /// <summary>Takes an RTP packet. Any bytes are taken; what is none goes nowhere.</summary>
    public void TakeRtp(ReadOnlySpan<byte> packet)
    {
        using (_feed.Enter())
        {
            if (_feed.IsDisposedLocked)
                return;
            if (!RtpHeader.TryParse(packet, out var header, out var payload) || header.PayloadType != Format.PayloadType)
            {
                IgnoredPackets++;
                return;
            }

            var arrival = _reception.Accept(header, out var sequence, out var timestamp);
            if (arrival == RtpArrival.Ignored)
            {
                IgnoredPackets++;
                return;
            }

            Volatile.Write(ref _lastArrival, _reception.LastArrival);
            var isRestart = arrival == RtpArrival.Restarted;
            SaidGoodbye &= !isRestart; // another source goes on
            OfferLocked(); // servers exist that send before they say that they will
            if (!_feed.IsLiveLocked)
            {
                _feed.HoldLocked(this, new HeldPacket(payload, _feed.Pool, sequence, timestamp, header.Marker, isRestart));
                return;
            }

            if (_window is null && !isRestart)
                _depacketizer.Push(sequence, timestamp, header.Marker, payload);
            else
                PlaceLocked(new HeldPacket(payload, _feed.Pool, sequence, timestamp, header.Marker, isRestart));
        }
    }

    /// <summary>Takes a compound of RTCP packets. Any bytes are taken.</summary>
    public void TakeRtcp(ReadOnlySpan<byte> compound)
    {
        using (_feed.Enter())
        {
            if (_feed.IsDisposedLocked)
                return;
            while (RtcpPacket.TryRead(ref compound, out var packet))
            {
                if (packet.TryReadSenderReport(out var report) && (_reception.Ssrc is null || _reception.Ssrc == report.Ssrc))
                {
                    _reception.Accept(report);
                    _clock.Accept(report);
                }
                else if (_reception.Ssrc is { } ssrc && packet.IsGoodbyeOf(ssrc))
                {
                    SaidGoodbye = true;
                }
            }

            _feed.GoLiveWhenDueLocked();
        }
    }

    /// <summary>Writes a receiver report with its description.</summary>
    /// <param name="destination">At least <see cref="RtcpWriter.MaxLength"/> bytes.</param>
    /// <param name="isLeaving">Whether a goodbye follows.</param>
    /// <returns>The bytes written.</returns>
    public int WriteReport(Span<byte> destination, bool isLeaving = false)
    {
        using (_feed.Enter())
            return RtcpWriter.Write(destination, _feed.Ssrc, _reception.CreateReport(), _feed.CanonicalName, isLeaving);
    }

    internal void OfferLocked() => _output ??= _feed.OutputLocked?.AddTrack(Track.Of(Format.Codec!, Id));

    // The packet passes to the track.
    internal void PlaceLocked(in HeldPacket packet)
    {
        if (packet.IsRestart)
        {
            _window?.Flush();
            DrainLocked();
            _depacketizer.Interrupt();
            _clock.Restart();
        }

        if (_window is null)
            PushLocked(packet);
        else if (!_window.TryAdd(packet.Sequence, packet))
            packet.Buffer.Release();
        DrainLocked();
    }

    internal void DrainLocked()
    {
        while (_window is not null && _window.TryTake(out var packet, out _))
            PushLocked(packet);
    }

    internal void DisposeLocked()
    {
        _window?.Flush();
        while (_window is not null && _window.TryTake(out var packet, out _))
            packet.Buffer.Release();
        _depacketizer.Dispose();
    }

    private void PushLocked(in HeldPacket packet)
    {
        try
        {
            _depacketizer.Push(packet.Sequence, packet.Timestamp, packet.Marker, packet.Buffer.Span[..packet.Length]);
        }
        finally
        {
            packet.Buffer.Release();
        }
    }

    private void OnFrame(in RtpFrame frame)
    {
        ReadyImage? image = frame.Packets is null ? null : new ReadyImage(frame.Packets, frame.PacketsLength, RtpOriginal.Format);
        FrameSource? source = frame.Format is null ? null : new FrameSource(frame.Format, frame.Length);
        if (!_output!.Write(
            frame.Buffer, 0, source is null ? frame.Length : frame.PacketsLength, frame.Codec, frame.DecodeTime, frame.PresentationTime,
            frame.IsKeyframe, image, source))
            _feed.EndLocked();
    }
}
