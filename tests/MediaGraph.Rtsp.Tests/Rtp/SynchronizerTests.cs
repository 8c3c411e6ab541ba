using MediaGraph.Rtsp.Rtp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>One sender's tracks on one time. Rows: P4, P5.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SynchronizerTests
{
    private const int Video = 90_000;
    private const int Audio = 44_100;
    private const ulong Second = 1UL << 32;
    private const ulong Wall = 0xE0000000UL << 32;

    [Test]
    public void P4_until_the_first_report_tracks_lie_where_they_arrive()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var (video, audio) = (synchronizer.AddTrack(Video), synchronizer.AddTrack(Audio));
        Assert.That(At(video, 5_000_000_000), Is.Zero);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That(At(audio, 7), Is.EqualTo(4410));
        Assert.That(At(audio, 6), Is.EqualTo(4409), "a step back by one tick is one tick");
        Assert.That(synchronizer.IsAligned, Is.False);
    }

    [Test]
    public void P4_reports_align_the_tracks_at_once_before_frames_go_out()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var (video, audio) = (synchronizer.AddTrack(Video), synchronizer.AddTrack(Audio));
        audio.Accept(new SenderReport(2, Wall + Second, 1000, 0, 0)); // before its first packet
        At(video, 90_000);
        time.Advance(TimeSpan.FromMilliseconds(300)); // what the network held up
        At(audio, 1000);
        video.Accept(new SenderReport(1, Wall + Second, 90_000, 0, 0));

        // The audio was first to be told and stays, the video was taken at the same moment.
        Assert.That((At(audio, 1000), At(video, 90_000)), Is.EqualTo((13_230L, 27_000L)));
        Assert.That(synchronizer.IsAligned);
    }

    [Test]
    public void Once_frames_go_out_a_correction_comes_at_5_milliseconds_each_second()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var (video, audio) = (synchronizer.AddTrack(Video), synchronizer.AddTrack(Audio));
        At(video, 0);
        At(audio, 0);
        synchronizer.GoLive();
        video.Accept(new SenderReport(1, Wall, 0, 0, 0));
        audio.Accept(new SenderReport(2, Wall + (Second / 50), 0, 0, 0)); // 20 ms
        long last = 0;
        for (var i = 1; i <= 100 * 5; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            var now = At(audio, 441 * i);
            Assert.That(now - last, Is.InRange(441, 441 + 3));
            last = now;
            if (i == 100)
                Assert.That(now - Audio, Is.InRange(215, 221), "5 ms after 1 s");
        }

        Assert.That(last - (5 * Audio), Is.EqualTo(882));
        Assert.That(At(video, 5 * Video), Is.EqualTo(5 * Video));
    }

    [Test]
    public void A_camera_whose_clocks_drift_stays_in_step_with_its_reports()
    {
        // The audio's crystal runs 200 ppm fast: 0.72 s in an hour.
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var (video, audio) = (synchronizer.AddTrack(Video), synchronizer.AddTrack(Audio));
        synchronizer.GoLive();
        for (var second = 0L; second < 3600; second++)
        {
            var (v, a) = (second * Video, second * (Audio + 9) - second * 9 / 50);
            var (videoTime, audioTime) = (At(video, v) / (double)Video, At(audio, a) / (double)Audio);
            Assert.That(Math.Abs(videoTime - audioTime), Is.LessThan(0.01));
            if (second % 5 == 0)
            {
                video.Accept(new SenderReport(1, Wall + ((ulong)second * Second), (uint)v, 0, 0));
                audio.Accept(new SenderReport(2, Wall + ((ulong)second * Second), (uint)a, 0, 0));
            }

            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public void P5_nothing_drifts_or_jumps_in_24_hours_at_44_100()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var audio = synchronizer.AddTrack(Audio);
        var reception = new RtpReception(Audio, time, TimeSpan.Zero);
        synchronizer.GoLive();
        uint rtp = 4_000_000_000; // wraps, as it does every 27 hours
        for (var second = 0; second <= 24 * 3600; second++)
        {
            reception.Accept(new RtpHeader(96, false, (ushort)second, rtp, 1), out _, out var timestamp);
            if (second % 5 == 0)
                audio.Accept(new SenderReport(1, Wall + ((ulong)second * Second), rtp, 0, 0));
            if (At(audio, timestamp) != (long)second * Audio)
                Assert.Fail($"After {second} s it is {At(audio, timestamp)}.");
            rtp += Audio;
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Test]
    public void A_wall_clock_that_is_set_moves_nothing_and_reports_count_again_from_there()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var video = synchronizer.AddTrack(Video);
        At(video, 0);
        video.Accept(new SenderReport(1, Wall, 0, 0, 0));
        for (var second = 1; second < 20; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            var set = second < 10 ? 0 : 3600UL;
            Assert.That(At(video, second * Video), Is.EqualTo(second * Video));
            video.Accept(new SenderReport(1, Wall + (((ulong)second + set) * Second), (uint)(second * Video), 0, 0));
        }

        video.Accept(new SenderReport(1, Wall + (3620 * Second), 19 * Video, 0, 0));
        Assert.That(At(video, 20 * Video), Is.EqualTo(21 * Video), "not live yet, so a second more is a second more at once");
    }

    [Test]
    public void A_sender_without_a_clock_aligns_nothing()
    {
        var synchronizer = new RtpSynchronizer(new FakeTimeProvider());
        var video = synchronizer.AddTrack(Video);
        At(video, 0);
        video.Accept(new SenderReport(1, 0, 1_000_000, 0, 0));
        Assert.That((At(video, 1), video.IsAligned), Is.EqualTo((1L, false)));
    }

    [Test]
    public void After_a_standstill_of_all_the_tracks_stay_aligned_and_one_that_stood_still_alone_goes_on_by_arrival()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var (video, audio) = (synchronizer.AddTrack(Video), synchronizer.AddTrack(Audio));
        At(video, 0);
        time.Advance(TimeSpan.FromMilliseconds(300));
        At(audio, 0);
        video.Accept(new SenderReport(1, Wall, 0, 0, 0));
        audio.Accept(new SenderReport(2, Wall, 0, 0, 0));
        synchronizer.GoLive();
        time.Advance(TimeSpan.FromSeconds(13)); // what was sent meanwhile waits in the socket
        Assert.That(At(video, Video), Is.EqualTo(Video));
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.That(At(audio, Audio), Is.EqualTo(Audio));

        for (var i = 2; i < 20; i++)
        {
            time.Advance(TimeSpan.FromSeconds(0.9));
            Assert.That(At(video, i * Video), Is.EqualTo(i * Video));
        }

        Assert.That(At(audio, 2 * Audio), Is.EqualTo((long)((0.3 + 13 + 0.25 + (18 * 0.9)) * Audio)).Within(1));
    }

    [Test]
    public void A_jump_of_the_timestamps_goes_on_by_arrival()
    {
        var time = new FakeTimeProvider();
        var synchronizer = new RtpSynchronizer(time);
        var video = synchronizer.AddTrack(Video);
        At(video, 0);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(At(video, 1_000_000_000), Is.EqualTo(Video));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(At(video, 5), Is.EqualTo(2 * Video));
        Assert.That(At(video, 5 + Video), Is.EqualTo(3 * Video), "a burst");
    }

    private static long At(RtpTrackClock clock, long timestamp) => timestamp + clock.OffsetOf(timestamp);
}
