using MediaGraph.Containers.MpegTs;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers.MpegTs;

/// <summary>Pictures of 40 ms and sound in frames of 128 ms, for some seconds. All in milliseconds.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class MediaClockTests
{
    private const int Video = 40;
    private const int Audio = 128;
    private const int SetAt = 1_920; // a frame of either begins there
    private const int End = 6_000;

    // By how much the clock is set, and how much of that may show.
    [TestCase(+2_000, false)]
    [TestCase(+5_000, false)]
    [TestCase(+9_950, false)]
    [TestCase(+3_600_000, false)]
    [TestCase(-600, false)]
    [TestCase(-5_000, false)]
    [TestCase(+600, true)]
    [TestCase(-200, true)]
    public void A_clock_that_is_set_shows_in_all_tracks_or_in_none(int step, bool shows)
    {
        foreach (var soundComesFirst in new[] { false, true })
        {
            var (video, audio) = Run(time => time + (time >= SetAt ? step : 0), time => time, soundComesFirst);
            foreach (var (truth, placed) in video.Concat(audio))
                Assert.That(placed, Is.EqualTo(truth + (shows && truth >= SetAt ? step : 0)).Within(1), $"at {truth}");
        }
    }

    [Test]
    public void Where_it_is_not_clear_whether_the_clock_was_set_the_tracks_agree()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var step = (seed % 2 == 0 ? 1_000 : -500) + random.Next(-30, 31);
            var (video, audio) = Run(
                time => time + (time >= SetAt ? step : 0), time => time + random.Next(30), soundComesFirst: random.Next(2) == 0);
            var (lastVideo, lastAudio) = (video[^1], audio[^1]);
            Assert.That(
                lastVideo.Placed - lastAudio.Placed, Is.EqualTo(lastVideo.Truth - lastAudio.Truth).Within(1), $"seed {seed}, {step} ms");
        }
    }

    [Test]
    public void A_track_whose_clock_is_set_later_goes_on_too([Values(-3_000, +3_000)] int step)
    {
        var (video, audio) = Run(
            time => time + (time >= SetAt ? step : 0), time => time, audioClock: time => time + (time >= SetAt + 300 ? step : 0));
        foreach (var (truth, placed) in video.Concat(audio))
            Assert.That(placed, Is.EqualTo(truth).Within(1), $"at {truth}");
    }

    [Test]
    public void What_comes_late_or_never_is_no_clock_that_was_set()
    {
        // Nothing comes for 3 s; then what the camera had kept, and of the pictures it had thrown more away.
        var (video, audio) = Run(
            time => time, time => time is >= SetAt and < SetAt + 3_000 ? SetAt + 3_000 : time,
            isLost: (time, isVideo) => time > SetAt + 200 && time < SetAt + (isVideo ? 2_900 : 1_500));
        foreach (var (truth, placed) in video.Concat(audio))
            Assert.That(placed, Is.EqualTo(truth).Within(1), $"at {truth}");
        Assert.That(video, Has.Count.LessThan(End / Video));
    }

    [Test]
    public void A_pause_is_as_long_as_it_was_whether_the_clock_went_on_or_not([Values] bool goesOn)
    {
        var time = new FakeTimeProvider();
        var clock = new MediaClock(time);
        var track = new MediaClock.Track();
        var before = clock.Place(track, 90_000);
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.That(clock.Place(track, goesOn ? 61 * 90_000 : 0) - before, Is.EqualTo(60 * 90_000));
    }

    // Each frame's time as it is and as it was placed. Frames come in their order.
    private static (List<(int Truth, double Placed)> Video, List<(int Truth, double Placed)> Audio) Run(
        Func<int, int> videoClock, Func<int, int> arrival, bool soundComesFirst = false, Func<int, int>? audioClock = null,
        Func<int, bool, bool>? isLost = null)
    {
        var time = new FakeTimeProvider();
        var clock = new MediaClock(time);
        var (videoTrack, audioTrack) = (new MediaClock.Track(), new MediaClock.Track());
        var (video, audio) = (new List<(int, double)>(), new List<(int, double)>());
        long? start = null;
        var now = 0;
        for (var at = 0; at < End; at++)
        {
            foreach (var isVideo in new[] { !soundComesFirst, soundComesFirst })
            {
                if (at % (isVideo ? Video : Audio) != 0 || isLost?.Invoke(at, isVideo) == true)
                    continue;
                var comes = Math.Max(now, arrival(at));
                time.Advance(TimeSpan.FromMilliseconds(comes - now));
                now = comes;
                var told = 90L * (isVideo ? videoClock : audioClock ?? videoClock)(at);
                var placed = clock.Place(isVideo ? videoTrack : audioTrack, told);
                start ??= placed;
                (isVideo ? video : audio).Add((at, (placed - start.Value) / 90.0));
            }
        }

        return (video, audio);
    }
}
