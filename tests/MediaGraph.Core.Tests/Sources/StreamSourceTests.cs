using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Tests.Talk;
using NUnit.Framework;

namespace MediaGraph.Tests.Sources;

/// <summary>Streams that are taken from other streams of the hub.</summary>
[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class StreamSourceTests
{
    private static readonly Track Video = Track.Of(TestMedia.Video);
    private static readonly Track Audio = Track.Of(TestMedia.Audio);

    [Test]
    public async Task Its_pictures_stand_beside_the_sound_of_another_source_however_often_it_is_started()
    {
        await using var f = NewFixture();
        await using var inner = f.Hub.Publish("in", Video);
        await f.SetAsync("stream:in#media=video", "test:two#media=audio");
        using var sound = f.Hub.Lease("a", SourceMedia.Audio);
        var two = (await f.Two.NextAsync()).Publish(Audio);
        var number = 0;
        Step(79); // the group began 3.9 s ago
        for (var restarts = 0; restarts <= 6; restarts++)
        {
            var before = TrackOf(MediaKind.Video)?.Packets ?? 0;
            using (f.Hub.Lease("a", SourceMedia.Video))
            {
                await Eventually.EqualAsync(() => TrackOf(MediaKind.Video)?.Packets ?? 0, before + 40, "pictures that are replayed");
                Step(1);
                await Eventually.EqualAsync(() => TrackOf(MediaKind.Video)!.Packets, before + 41, "pictures");
                Assert.That(
                    (TrackOf(MediaKind.Video)!.LastTime - TrackOf(MediaKind.Audio)!.LastTime).TotalMilliseconds, Is.Zero.Within(50),
                    $"how far a picture is from the sound of the same moment after {restarts} restarts");
            }

            await f.BecomesAsync(0, SourceState.Idle);
            Step(39);
        }

        TrackSnapshot? TrackOf(MediaKind kind) => f.Stream.GetSnapshot().Tracks.SingleOrDefault(track => track.Kind == kind);

        // A picture and a sound of each 100 ms, and a keyframe every 4 s.
        void Step(int times)
        {
            for (; times > 0; times--, number++)
            {
                f.Time.Advance(TimeSpan.FromMilliseconds(100));
                var time = TimeSpan.FromMilliseconds(100 * number);
                inner.Tracks[0].Write(TestMedia.Payload(number), time, isKeyframe: number % 40 == 39);
                two.Feed.Tracks[0].Write(TestMedia.Payload(number), time);
            }
        }
    }

    [Test]
    public async Task Who_talks_keeps_nothing_of_the_other_stream_running()
    {
        await using var f = NewFixture();
        await f.SetAsync(new StreamDefinition("porch") { Sources = ["test:one"] });
        await f.SetAsync("stream:porch", "test:two#media=talk");
        var talking = f.Hub.TalkAsync(new TalkRequest("a"), CancellationToken.None).AsTask();
        (await f.Two.NextAsync()).Session.Publish(new PublishRequest("a") { Speaker = new TestSpeaker() });
        await using var session = await talking;
        Assert.That((f.One.Runs, f.Stream.GetSnapshot().Feed?.Protocol), Is.EqualTo((0, "code")));
    }

    [Test]
    public async Task What_is_wanted_of_it_is_what_it_keeps_running_of_the_other_stream()
    {
        await using var f = NewFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelective = true };
        await f.SetAsync(new StreamDefinition("porch") { Sources = ["test:one"] });
        await f.SetAsync("stream:porch");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        var run = await f.One.NextAsync();
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Video));
        run.Session.Announce(SourceMedia.All, SourceMedia.Video | SourceMedia.Audio);
        run.Publish(Video).Write();
        await video.WhenReadyAsync(CancellationToken.None);

        using (var audio = f.Hub.Lease("a", SourceMedia.Audio))
        {
            await Eventually.EqualAsync(() => run.Session.Wanted, SourceMedia.Video | SourceMedia.Audio, "what is wanted then");
            run.Feed.AddTrack(Audio);
            run.Write();
            await audio.WhenReadyAsync(CancellationToken.None);
            await Eventually.EqualAsync(() => f.Stream.GetSnapshot().Tracks.Count(track => track.Packets > 0), 2, "tracks");
        }

        await Eventually.EqualAsync(() => run.Session.Wanted, SourceMedia.Video, "what is wanted in the end");
        Assert.That(f.One.Runs, Is.EqualTo(1));
    }

    [Test]
    public async Task What_comes_to_be_wanted_while_it_waits_for_the_other_stream_is_asked_of_that_too()
    {
        await using var f = NewFixture();
        f.Protocol["one"] = new TestSource("one") { IsSelective = true };
        await f.SetAsync(new StreamDefinition("porch") { Sources = ["test:one"] });
        await f.SetAsync("stream:porch");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        var run = await f.One.NextAsync();
        using var both = f.Hub.Lease("a", SourceMedia.Video | SourceMedia.Audio);
        run.Publish(Video).Write();
        await video.WhenReadyAsync(CancellationToken.None);
        await Eventually.EqualAsync(() => run.Session.Wanted, SourceMedia.Video | SourceMedia.Audio, "what is wanted of the other stream");
        var ready = both.WhenReadyAsync(CancellationToken.None);
        Assert.That(ready.IsCompleted, Is.False);
        run.Feed.AddTrack(Audio);
        run.Write();
        await ready;
        await Eventually.EqualAsync(() => f.Stream.GetSnapshot().Tracks.Count(track => track.Packets > 0), 2, "tracks");
    }

    [Test]
    public async Task What_comes_to_be_wanted_meanwhile_and_the_other_stream_has_not_is_not_waited_for()
    {
        await using var f = NewFixture();
        await f.SetAsync(new StreamDefinition("porch") { Sources = ["test:one"] });
        await f.SetAsync("stream:porch");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        var run = await f.One.NextAsync();
        using var both = f.Hub.Lease("a", SourceMedia.Video | SourceMedia.Audio);
        run.Publish(Video).Write();
        await both.WhenReadyAsync(CancellationToken.None);
        Assert.That(f.Sources[0].Wanted, Is.EqualTo(SourceMedia.Video));
    }

    [Test]
    public async Task Sources_that_come_in_place_of_the_other_streams_publisher_are_kept_running()
    {
        await using var f = NewFixture();
        var inner = f.Hub.Publish("in", Video);
        await f.SetAsync("stream:in");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        await video.WhenReadyAsync(CancellationToken.None);
        await Eventually.EqualAsync(() => f.Hub.Find("in")!.GetSnapshot().Consumers.Length, 1, "consumers of the other stream");
        await inner.DisposeAsync();
        await f.SetAsync(new StreamDefinition("in") { Sources = ["test:one"] });
        var run = await f.One.NextAsync();
        Assert.That(run.Session.Wanted, Is.EqualTo(SourceMedia.Video));
        run.Publish(Video).Write();
        await Eventually.EqualAsync(() => f.Stream.GetSnapshot().Tracks.Single().Packets, 1, "pictures");
    }

    [Test]
    public async Task What_the_other_stream_has_not_is_left_to_the_next_source()
    {
        await using var f = NewFixture();
        await using var inner = f.Hub.Publish("in", Video);
        await f.SetAsync("stream:in", "test:two");
        using var video = f.Hub.Lease("a", SourceMedia.Video);
        await video.WhenReadyAsync(CancellationToken.None);
        using var audio = f.Hub.Lease("a", SourceMedia.Audio);
        (await f.Two.NextAsync()).Publish(Audio);
        await audio.WhenReadyAsync(CancellationToken.None);
    }

    private static SourceFixture NewFixture() =>
        new(new StreamHubOptions { Sources = new SourceOptions { Linger = TimeSpan.Zero } });
}
