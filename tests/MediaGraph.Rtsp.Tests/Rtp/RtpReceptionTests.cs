using MediaGraph.Rtsp.Rtp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>RFC 3550 §A.1, §A.3, §A.8. Rows: R8, P5, P9.</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RtpReceptionTests
{
    private readonly FakeTimeProvider _time = new();

    [Test]
    public void P5_sequence_numbers_and_timestamps_go_on_behind_their_wraps()
    {
        var reception = new RtpReception(90_000, _time, TimeSpan.Zero);
        Assert.That(Accept(reception, 65_534, uint.MaxValue - 10), Is.EqualTo((RtpArrival.Accepted, 65_534L, (long)uint.MaxValue - 10)));
        Assert.That(Accept(reception, 65_535, uint.MaxValue - 10).Sequence, Is.EqualTo(65_535));
        Assert.That(Accept(reception, 1, 100), Is.EqualTo((RtpArrival.Accepted, 65_537L, (1L << 32) + 100)));
        Assert.That(Accept(reception, 0, 90), Is.EqualTo((RtpArrival.Accepted, 65_536L, (1L << 32) + 90)), "late");
        Assert.That((reception.Received, reception.Lost), Is.EqualTo((4L, 0L)));
    }

    [Test]
    public void R8_another_source_replaces_one_that_is_silent_and_no_other()
    {
        var reception = new RtpReception(90_000, _time, TimeSpan.FromSeconds(1));
        Accept(reception, 10, 0);
        for (ushort i = 0; i < 5; i++)
            Assert.That(Accept(reception, (ushort)(100 + i), 0, ssrc: 2).Result, Is.EqualTo(RtpArrival.Ignored));
        Assert.That(Accept(reception, 11, 0).Result, Is.EqualTo(RtpArrival.Accepted));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Accept(reception, 500, 0, ssrc: 3).Result, Is.EqualTo(RtpArrival.Ignored), "one packet is none");
        Assert.That(Accept(reception, 700, 0, ssrc: 3).Result, Is.EqualTo(RtpArrival.Ignored), "nor are two that do not follow");
        var (result, sequence, timestamp) = Accept(reception, 701, 77, ssrc: 3);
        Assert.That((result, timestamp), Is.EqualTo((RtpArrival.Restarted, 77L)));
        Assert.That(sequence, Is.GreaterThan(11 + 60_000));
        Assert.That((reception.Ssrc, reception.Received, reception.Lost, reception.Ignored), Is.EqualTo(((uint?)3, 1L, 0L, 7L)));
        Assert.That(Accept(reception, 702, 80, ssrc: 3).Sequence, Is.EqualTo(sequence + 1));
    }

    [Test]
    public void A_jump_of_the_sequence_starts_over_with_its_second_packet()
    {
        var reception = new RtpReception(90_000, _time, TimeSpan.Zero);
        Accept(reception, 10, 0);
        Assert.That(Accept(reception, 3010, 0).Sequence, Is.EqualTo(3010), "3,000 may be loss");
        Assert.That(Accept(reception, 7000, 0).Result, Is.EqualTo(RtpArrival.Ignored));
        Assert.That(Accept(reception, 3011, 0).Result, Is.EqualTo(RtpArrival.Accepted), "a stray packet");
        Assert.That(Accept(reception, 7000, 0).Result, Is.EqualTo(RtpArrival.Ignored));
        Assert.That(Accept(reception, 7001, 5).Result, Is.EqualTo(RtpArrival.Restarted));
        Assert.That(Accept(reception, 6950, 5).Result, Is.EqualTo(RtpArrival.Accepted), "late");
        Assert.That(Accept(reception, 6800, 5).Result, Is.EqualTo(RtpArrival.Ignored));
    }

    [Test]
    public void A_report_has_the_loss_since_the_one_before_and_the_loss_of_all()
    {
        var reception = new RtpReception(8000, _time, TimeSpan.Zero);
        Assert.That(reception.CreateReport(), Is.Null);
        foreach (var i in new ushort[] { 65_535, 0, 1, 4 })
            Accept(reception, i, 0);
        var report = reception.CreateReport()!.Value;
        Assert.That((report.FractionLost, report.Lost, report.HighestSequence), Is.EqualTo(((byte)(2 * 256 / 6), 2, 0x10004u)));
        Accept(reception, 5, 0);
        report = reception.CreateReport()!.Value;
        Assert.That((report.FractionLost, report.Lost, report.LastSenderReport, report.Delay), Is.EqualTo(((byte)0, 2, 0u, 0u)));
        for (var i = 0; i < 3; i++)
            Accept(reception, 5, 0);
        Assert.That(reception.CreateReport()!.Value.Lost, Is.EqualTo(-1), "duplicates count against it");
    }

    [Test]
    public void A_report_tells_the_age_of_the_last_sender_report()
    {
        var reception = new RtpReception(8000, _time, TimeSpan.Zero);
        Accept(reception, 1, 0);
        reception.Accept(new SenderReport(99, 0xFFFFFFFFFFFFFFFF, 0, 0, 0));
        Assert.That(reception.CreateReport()!.Value.LastSenderReport, Is.Zero, "of another source");
        reception.Accept(new SenderReport(1, 0x1122334455667788, 0, 0, 0));
        _time.Advance(TimeSpan.FromSeconds(1.5));
        var report = reception.CreateReport()!.Value;
        Assert.That((report.LastSenderReport, report.Delay), Is.EqualTo((0x33445566u, 98_304u)));
    }

    [Test]
    public void Jitter_is_that_of_the_example_in_the_specification()
    {
        // 20 ms of spacing, every second packet 5 ms late: the deviation is 40 ticks each time, and the mean tends to it.
        var reception = new RtpReception(8000, _time, TimeSpan.Zero);
        for (ushort i = 0; i < 200; i++)
        {
            Accept(reception, i, i * 160u);
            _time.Advance(TimeSpan.FromMilliseconds(i % 2 == 0 ? 25 : 15));
        }

        Assert.That(reception.Jitter, Is.InRange(38, 40));
    }

    private static (RtpArrival Result, long Sequence, long Timestamp) Accept(
        RtpReception reception, ushort sequenceNumber, uint timestamp, uint ssrc = 1)
    {
        var result = reception.Accept(new RtpHeader(96, false, sequenceNumber, timestamp, ssrc), out var sequence, out var unwrapped);
        return (result, sequence, unwrapped);
    }
}
