using MediaGraph.Media;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// Receives one RTP source: unwraps its sequence numbers and timestamps to 64 bits, tells when it starts over, and keeps the
/// statistics of receiver reports (RFC 3550 §6.4.1, §A.1, §A.3, §A.8). It is shown each packet once, in the order of arrival, before
/// any reordering. Not thread-safe.
/// </summary>
/// <param name="clockRate">Ticks per second of the timestamps.</param>
/// <param name="timeProvider">For jitter and the age of sender reports.</param>
/// <param name="sourceTimeout">
/// How long the source must have been silent before another one takes its place. Zero where only one peer can write (TCP); over
/// UDP some time, so that forged packets replace nobody.
/// </param>
internal sealed class RtpReception(int clockRate, TimeProvider timeProvider, TimeSpan sourceTimeout)
{
    // §A.1: a jump beyond these is no loss or reordering.
    private const int MaxDropout = 3000;
    private const int MaxMisorder = 100;

    private TimestampUnwrapper _timestamps;
    private bool _started;
    private uint _ssrc;
    private long _first; // unwrapped sequence numbers
    private long _highest;
    private long _received;
    private long _expectedBefore; // at the last report
    private long _receivedBefore;
    private long _lastArrival; // timestamp of the time provider
    private (uint Ssrc, ushort Next)? _candidate; // who sent the last packet that was ignored, and what would confirm it
    private readonly double _ticksPerStamp = (double)clockRate / timeProvider.TimestampFrequency;
    private readonly long _start = timeProvider.GetTimestamp();
    private long? _transit; // ticks
    private long _jitter; // ticks in 1/16
    private long _senderReportArrival;
    private uint? _senderReport; // the middle of its NTP time

    /// <summary>Who sends; null before the first packet.</summary>
    public uint? Ssrc => _started ? _ssrc : null;

    /// <summary>When the last packet of the source came, as a timestamp of the time provider.</summary>
    public long LastArrival => _lastArrival;

    /// <summary>Packets of the present source that came, late ones and duplicates included.</summary>
    public long Received => _received;

    /// <summary>Packets of the present source that did not come; negative with duplicates.</summary>
    public long Lost => _started ? _highest - _first + 1 - _received : 0;

    /// <summary>Packets that belonged to no source.</summary>
    public long Ignored { get; private set; }

    /// <summary>Mean deviation of the packets' spacing, in ticks (§A.8).</summary>
    public long Jitter => _jitter >> 4;

    /// <summary>Takes a packet's header.</summary>
    /// <param name="header">The header.</param>
    /// <param name="sequence">Its sequence number, unwrapped; grows across restarts.</param>
    /// <param name="timestamp">Its timestamp, unwrapped; after a restart it has no relation to those before.</param>
    public RtpArrival Accept(in RtpHeader header, out long sequence, out long timestamp)
    {
        var result = Place(header, out sequence);
        timestamp = 0;
        if (result == RtpArrival.Ignored)
        {
            Ignored++;
            return result;
        }

        _candidate = null;
        _received++;
        _lastArrival = timeProvider.GetTimestamp();
        timestamp = _timestamps.Unwrap(header.Timestamp);
        MeasureJitter(timestamp);
        return result;
    }

    /// <summary>Takes a sender report of this source, whose time goes back to the sender in the next report.</summary>
    public void Accept(in SenderReport report)
    {
        if (report.Ssrc != Ssrc)
            return;
        _senderReport = (uint)(report.NtpTime >> 16);
        _senderReportArrival = timeProvider.GetTimestamp();
    }

    /// <summary>Makes a report block; its fraction lost counts from the one before. Null before the first packet.</summary>
    public ReceptionReport? CreateReport()
    {
        if (!_started)
            return null;
        var expected = _highest - _first + 1;
        var (newExpected, newReceived) = (expected - _expectedBefore, _received - _receivedBefore);
        (_expectedBefore, _receivedBefore) = (expected, _received);
        var fraction = newExpected <= 0 || newReceived >= newExpected ? 0 : ((newExpected - newReceived) << 8) / newExpected;
        uint delay = 0;
        if (_senderReport is not null)
            delay = (uint)Math.Min(uint.MaxValue, timeProvider.GetElapsedTime(_senderReportArrival).TotalSeconds * 65_536);
        return new ReceptionReport(
            _ssrc, (byte)Math.Min(255, fraction), (int)Math.Clamp(expected - _received, -0x800000, 0x7FFFFF), (uint)_highest,
            (uint)Jitter, _senderReport ?? 0, delay);
    }

    private RtpArrival Place(in RtpHeader header, out long sequence)
    {
        sequence = 0;
        if (!_started)
        {
            Start(header, header.SequenceNumber);
            sequence = _highest;
            return RtpArrival.Accepted;
        }

        if (header.Ssrc == _ssrc)
        {
            var step = (short)(header.SequenceNumber - (ushort)_highest);
            if (step is <= MaxDropout and >= -MaxMisorder)
            {
                sequence = _highest + step;
                _highest = Math.Max(_highest, sequence);
                return RtpArrival.Accepted;
            }
        }

        var isConfirmed = _candidate == (header.Ssrc, header.SequenceNumber);
        _candidate = (header.Ssrc, (ushort)(header.SequenceNumber + 1));
        if (!isConfirmed || (header.Ssrc != _ssrc && timeProvider.GetElapsedTime(_lastArrival) < sourceTimeout))
            return RtpArrival.Ignored;

        // A cycle is left out, so that what follows is beyond all that came before.
        Start(header, (((_highest >> 16) + 2) << 16) | header.SequenceNumber);
        sequence = _highest;
        return RtpArrival.Restarted;
    }

    private void Start(in RtpHeader header, long sequence)
    {
        _started = true;
        _ssrc = header.Ssrc;
        _first = _highest = sequence;
        _received = _expectedBefore = _receivedBefore = 0;
        _timestamps = default;
        _transit = null;
        _jitter = 0;
        _senderReport = null;
    }

    private void MeasureJitter(long timestamp)
    {
        var arrival = (long)((_lastArrival - _start) * _ticksPerStamp);
        var transit = arrival - timestamp;
        if (_transit is { } before)
            _jitter += Math.Min(Math.Abs(transit - before), uint.MaxValue) - ((_jitter + 8) >> 4);
        _transit = transit;
    }
}
