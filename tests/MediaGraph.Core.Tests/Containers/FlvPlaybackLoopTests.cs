using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Containers;

[TestFixture]
public sealed class FlvPlaybackLoopTests
{
    [Test]
    public async Task A_round_of_the_demo_clip_lasts_exactly_8000_ms()
    {
        var time = new FakeTimeProvider();
        await using var hub = new StreamHub(timeProvider: time);
        await using var feed = hub.Publish("demo");
        using var stop = new CancellationTokenSource();
        var clip = RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv");
        var playing = new FlvPlayback(() => File.OpenRead(clip), time).PlayAsync(feed, loop: true, stop.Token);
        for (var round = 1; round <= 3; round++)
        {
            // After this, exactly the first frame of the next round is due, and nothing after it.
            await Eventually.EqualAsync(() => time.ActiveTimers, 1, "the playback waits");
            time.Advance(TimeSpan.FromSeconds(8));
            var expected = (200L * round) + 1;
            await Eventually.EqualAsync(() => Video()?.Packets ?? 0, expected, $"frames in {round} rounds");
            Assert.That(Video()!.LastTime, Is.EqualTo(TimeSpan.FromSeconds(8 * round)));
        }

        await stop.CancelAsync();
        Assert.That(async () => await playing, Throws.InstanceOf<OperationCanceledException>());

        TrackSnapshot? Video() => hub.Find("demo")?.GetSnapshot().Tracks.FirstOrDefault(t => t.Kind == MediaKind.Video);
    }
}
