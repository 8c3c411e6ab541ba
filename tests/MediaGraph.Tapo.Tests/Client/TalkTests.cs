using System.Collections.Concurrent;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class TalkTests
{
    [Test]
    public async Task T8_a_talk_alone_never_opens_a_preview()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using (var talk = await bench.TalkAsync())
        {
            Assert.That(bench.Camera.ConnectionsMade, Is.Zero, "nobody has said anything yet");
            await SayAsync(bench, talk, frames: 5);
        }

        await EndsAsync(bench);
        Assert.That((bench.Camera.PreviewsMade, bench.Camera.TalksMade, bench.Camera.ConnectionsMade), Is.EqualTo((0, 1, 1)));
    }

    [Test]
    public async Task T6_a_talk_that_comes_first_goes_on_when_somebody_watches_and_when_nobody_does()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        await SayAsync(bench, talk, frames: 1);
        bench.Time.Advance(TimeSpan.FromSeconds(1));

        for (var i = 0; i < 3; i++)
        {
            using (var lease = bench.Hub.Lease(Bench.Stream))
            {
                await bench.AdvanceUntilAsync(() => bench.Camera.Previews == 1, "the preview");
                await SayAsync(bench, talk, frames: 1);
            }

            await bench.AdvanceUntilAsync(() => bench.Camera.Connections == 1, "the end of the preview");
            await SayAsync(bench, talk, frames: 1);
        }

        Assert.That((bench.Camera.TalksMade, bench.Camera.PreviewsMade, bench.Source.Failures), Is.EqualTo((1, 3, 0L)));
    }

    [Test]
    public async Task T6_a_talk_goes_on_when_the_preview_fails_which_is_tried_again_beside_it()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        await SayAsync(bench, talk, frames: 1);
        bench.Camera.Behaviour = TapoBehaviour.HalfCloses;
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => bench.Camera.PreviewsMade == 2, "previews", step: 100);
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        await bench.AdvanceUntilAsync(() => viewer.Video > 3, "pictures", step: 40);
        await SayAsync(bench, talk, frames: 1);
        bench.Camera.Behaviour = TapoBehaviour.Resets;
        await Eventually.Async(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(20));
                return bench.Camera.Previews == 0;
            },
            "the end of the preview");
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        var before = viewer.Video;
        await bench.AdvanceUntilAsync(() => viewer.Video > before, "pictures again", step: 40);
        await SayAsync(bench, talk, frames: 1);
        Assert.That((bench.Camera.TalksMade, bench.Camera.Talks, bench.Source.Failures), Is.EqualTo((1, 1, 0L)));
    }

    [Test]
    public async Task T6_viewers_who_come_and_go_beside_a_talk_open_previews_no_more_often_than_a_source_is_run()
    {
        const int Most = 30; // the session, and 29 more; its first preview is counted as the session
        await using var bench = new Bench(silenceLimit: TimeSpan.FromSeconds(50)); // less than a preview is held back in the end
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        await SayAsync(bench, talk, frames: 1);
        for (var i = 1; i <= Most; i++)
        {
            using (bench.Hub.Lease(Bench.Stream))
                await Eventually.EqualAsync(() => (bench.Camera.PreviewsMade, bench.Camera.Previews), (i, 1), "previews");
            await Eventually.EqualAsync(() => bench.Camera.Connections, 1, "the talk's connection");
        }

        for (var i = Most; i < 100; i++)
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(20));
            using (bench.Hub.Lease(Bench.Stream))
                await SayAsync(bench, talk, frames: 1);
        }

        using (bench.Hub.Lease(Bench.Stream))
        {
            Assert.That(bench.Camera.PreviewsMade, Is.EqualTo(Most));
            var before = bench.Camera.ConnectionsMade;
            await bench.AdvanceUntilAsync(() => bench.Camera.ConnectionsMade > before, "a connection after a minute", step: 200);
            await Eventually.EqualAsync(() => (bench.Camera.PreviewsMade, bench.Camera.Previews), (Most + 1, 1), "previews");
        }

        Assert.That((bench.Camera.TalksMade, bench.Source.Failures), Is.EqualTo((1, 0L)));
    }

    [Test]
    public async Task A_viewer_who_joins_an_old_talk_finds_a_source_that_lives()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(10)); // longer than any limit
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 100, "pictures");
        Assert.That((bench.Camera.PreviewsMade, bench.Source.Failures), Is.EqualTo((1, 0L)));
    }

    [Test]
    public async Task T1_a_thousand_talks_leave_one_preview_and_nothing_else()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures");
        await using var talk = await bench.TalkAsync();
        for (var i = 0; i < 1000; i++)
        {
            talk.Write(new byte[160], TimeSpan.FromMilliseconds(20 * i));
            await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 160 * (i + 1), "what was said");
            talk.Stop();
            await Eventually.Async(() => talk.State == TalkState.Idle, "the end of the talk");
            Assert.That(bench.Protocol.Connections, Is.EqualTo(1));
        }

        await Eventually.EqualAsync(() => (bench.Camera.Talks, bench.Camera.Sessions), (0, 1), "sessions");
        Assert.That((bench.Camera.TalksMade, bench.Camera.PreviewsMade, bench.Camera.Stops), Is.EqualTo((1000, 1, 1000)));
        Assert.That(bench.Source.Failures, Is.Zero);
    }

    [Test]
    public async Task The_camera_hears_every_sample_in_frames_of_20_ms_with_the_times_of_the_packets()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        var said = new byte[2000];
        new Random(1).NextBytes(said);
        var sent = 0;
        foreach (var length in new[] { 1, 159, 160, 80, 400, 7, 193, 1000 })
        {
            talk.Write(said.AsSpan(sent, length), TimeSpan.FromSeconds(sent / 8000.0) + TimeSpan.FromHours(1));
            sent += length;
            await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, sent / 160 * 160, "what was said");
            bench.Time.Advance(TimeSpan.FromSeconds(length / 8000.0));
        }

        Assert.That(bench.Camera.TalkAudio, Is.EqualTo(said[..1920]));
        Assert.That(bench.Camera.TalkParts.Select(part => part.Length), Is.All.EqualTo(188));
        Assert.That(bench.Camera.TalkParts.SelectMany(part => part.Times), Is.EqualTo(Enumerable.Range(0, 12).Select(i => 1800L * i)));
    }

    [Test]
    public async Task Battery_models_get_parts_of_100_ms()
    {
        await using var bench = new Bench();
        await bench.SetAsync(bench.Camera.Url + "#packet=100");
        await using (var talk = await bench.TalkAsync())
        {
            for (var i = 0; i < 12; i++)
                talk.Write(new byte[160], TimeSpan.FromMilliseconds(20 * i));
            await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 1600, "what was said");
        }

        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 1920, "the end of the last word");
        Assert.That(bench.Camera.TalkParts.Select(part => part.Times.Length), Is.EqualTo(new[] { 5, 5, 2 }));
        Assert.That(bench.Camera.TalkParts.SelectMany(part => part.Times), Is.EqualTo(Enumerable.Range(0, 12).Select(i => 1800L * i)));
    }

    [TestCase("", 11)]
    [TestCase("#packet=100", 15)]
    public async Task Of_what_waited_while_the_line_opened_no_more_is_sent_at_once_than_200_ms_and_a_part(string option, int atOnce)
    {
        await using var bench = new Bench();
        await bench.SetAsync(bench.Camera.Url + option);
        await using var talk = await bench.TalkAsync();
        for (var i = 0; i < 20; i++)
            talk.Write(new byte[160], TimeSpan.FromMilliseconds(20 * i));
        await Eventually.EqualAsync(() => bench.Hub.Find(Bench.Stream)!.GetSnapshot().Speaker?.Talker?.Packets, 20L, "all of it");
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 160 * atOnce, "what goes at once");

        bench.Time.Advance(TimeSpan.FromMilliseconds(200));
        for (var i = 0; i < 5; i++)
            talk.Write(Enumerable.Repeat((byte)1, 160).ToArray(), TimeSpan.FromMilliseconds(600 + (20 * i)));
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 160 * (atOnce + 5), "what is said then");
        Assert.That(bench.Camera.TalkAudio[^1], Is.EqualTo(1));
    }

    [Test]
    public async Task A_talker_who_pauses_without_a_gap_in_the_times_is_heard_again()
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync();
        for (var i = 0; i < 3; i++)
        {
            await SayAsync(bench, talk, frames: 2);
            bench.Time.Advance(TimeSpan.FromMilliseconds(900));
        }
    }

    [Test]
    public async Task After_a_pause_the_talk_goes_on_from_now()
    {
        await using var bench = new Bench();
        await bench.SetAsync(bench.Camera.Url + "#packet=40");
        await using var talk = await bench.TalkAsync();
        talk.Write(new byte[500], TimeSpan.Zero);
        talk.Write(new byte[320], TimeSpan.FromSeconds(5));
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 640, "what was said");
        Assert.That(bench.Camera.TalkParts.SelectMany(part => part.Times), Is.EqualTo(new long[] { 0, 1800, 450_000, 451_800 }));
    }

    [TestCase("", -40106, true)]
    [TestCase("", -99999, true)]
    [TestCase("", -64324, false)]
    [TestCase("#talk=aec", -40106, false)]
    [TestCase("#talk=half_duplex", -40106, true)]
    public async Task Half_duplex_is_asked_for_where_the_camera_refuses_the_mode(string option, int error, bool talks)
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench(new TapoEmulatorOptions { AecError = error });
        await bench.SetAsync(bench.Camera.Url + option);
        await using var talk = await bench.TalkAsync((_, reason) => told.Enqueue(reason?.Text ?? ""));
        talk.Write(new byte[160], TimeSpan.Zero);
        bool IsTold() => told.Any(text => text.StartsWith("the camera", StringComparison.Ordinal));
        await Eventually.Async(() => bench.Camera.TalkAudio.Length > 0 || IsTold(), "an answer");
        Assert.That(bench.Camera.TalksMade, Is.EqualTo(talks ? 1 : 0));
        var modes = bench.Camera.Requests.Select(request => request.Contains("half_duplex", StringComparison.Ordinal)).ToArray();
        bool[] expected = option.Length > 0 ? [option.Contains("half", StringComparison.Ordinal)] : talks ? [false, true] : [false];
        Assert.That(modes, Is.EqualTo(expected));
    }

    [TestCase(-52411, "the camera's speaker is in use")]
    [TestCase(-90404, "the camera's battery is low")]
    public async Task A_refusal_is_told_to_the_talker_in_words_and_touches_no_view(int error, string reason)
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench(new TapoEmulatorOptions { TalkError = error });
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures");
        await using var talk = await bench.TalkAsync((_, why) => told.Enqueue(why?.Text ?? ""));
        talk.Write(new byte[160], TimeSpan.Zero);
        await Eventually.Async(() => told.Contains(reason), reason);
        await Eventually.EqualAsync(() => (bench.Camera.Connections, bench.Camera.Previews), (1, 1), "connections");
        Assert.That(bench.Source.Failures, Is.Zero);
    }

    [Test]
    public async Task Another_talker_has_the_camera_to_himself()
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench();
        await bench.SetAsync();
        await bench.Hub.SetStreamAsync(new StreamDefinition("other") { Sources = [bench.Camera.Url] });
        await using var first = await bench.TalkAsync();
        await SayAsync(bench, first, frames: 1);
        await using var second = await bench.TalkAsync((_, why) => told.Enqueue(why?.Text ?? ""), "other");
        second.Write(new byte[160], TimeSpan.Zero);
        await Eventually.Async(() => told.Contains("the camera's speaker is in use"), "the refusal");
        first.Stop();
        await Eventually.EqualAsync(() => bench.Camera.Talks, 0, "talks");
        bench.Time.Advance(TimeSpan.FromSeconds(2)); // the pause after a failure
        second.Write(new byte[160], TimeSpan.Zero);
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 320, "what the second says");
    }

    [Test]
    public async Task T3_a_talk_that_breaks_ends_alone_and_the_next_one_works()
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench();
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures");
        await using var talk = await bench.TalkAsync((_, why) => told.Enqueue(why?.Text ?? ""));
        await SayAsync(bench, talk, frames: 1);

        bench.Transports.Last().Abort(new CloseReason(CloseCode.ConnectionLost, "cut"));
        await Eventually.EqualAsync(() => bench.Camera.Talks, 0, "talks");
        await Eventually.Async(
            () =>
            {
                talk.Write(new byte[160], TimeSpan.FromSeconds(1));
                return !told.IsEmpty && told.Any(text => text.StartsWith("the connection to the camera broke", StringComparison.Ordinal));
            },
            "the end of the talk");
        Assert.That(bench.Camera.Previews, Is.EqualTo(1));

        bench.Time.Advance(TimeSpan.FromSeconds(2)); // the pause after a failure
        var before = bench.Camera.TalkAudio.Length;
        talk.Write(new byte[160], TimeSpan.FromSeconds(5));
        await Eventually.Async(() => bench.Camera.TalkAudio.Length > before, "the next talk");
        Assert.That((bench.Camera.PreviewsMade, bench.Camera.Talks, bench.Source.Failures), Is.EqualTo((1, 1, 0L)));
    }

    [Test]
    public async Task T3_a_camera_that_takes_no_sound_ends_the_talk()
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync((_, why) => told.Enqueue(why?.Text ?? ""));
        await SayAsync(bench, talk, frames: 1);
        bench.Transports.Last().LimitSends(100);
        talk.Write(new byte[160], TimeSpan.FromMilliseconds(20));
        await bench.AdvanceUntilAsync(() => !told.IsEmpty && talk.State == TalkState.Idle, "the end of the talk", step: 100);
        await Eventually.EqualAsync(() => (bench.Camera.Connections, bench.Protocol.Connections), (0, 0), "connections");
    }

    [TestCase(TapoBehaviour.SaysNothing)]
    [TestCase(TapoBehaviour.SilentAfterLogin)]
    [TestCase(TapoBehaviour.SendsBadMessage)]
    [TestCase(TapoBehaviour.RefusesLogins)]
    public async Task T3_a_talk_that_cannot_begin_leaves_nothing_and_a_stop_takes_a_second_at_most(TapoBehaviour behaviour)
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        bench.Camera.Behaviour = behaviour;
        await using var talk = await bench.TalkAsync();
        talk.Write(new byte[160], TimeSpan.Zero);
        await Eventually.Async(() => bench.Camera.ConnectionsMade > 0, "a connection");
        talk.Stop();
        for (var i = 0; i < 50; i++)
            bench.Time.Advance(TimeSpan.FromMilliseconds(20));
        await Eventually.EqualAsync(() => (bench.Camera.Connections, bench.Protocol.Connections), (0, 0), "connections");
        await Eventually.Async(() => talk.State == TalkState.Idle, "the end");
        Assert.That(bench.Camera.TalksMade, Is.Zero);
    }

    [Test]
    public async Task A_camera_without_talk_offers_none()
    {
        await using var bench = new Bench(options: new TapoOptions { Talk = false });
        await bench.SetAsync();
        Assert.That(async () => await bench.TalkAsync(), Throws.TypeOf<Streams.StreamException>());
    }

    private static async Task SayAsync(Bench bench, TalkSession talk, int frames)
    {
        var before = bench.Camera.TalkAudio.Length;
        for (var i = 0; i < frames; i++)
            talk.Write(new byte[160], TimeSpan.FromMilliseconds((before / 8) + (20 * i)));
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, before + (160 * frames), "what was said");
    }

    private static Task EndsAsync(Bench bench) =>
        bench.AdvanceUntilAsync(() => bench.Camera.Connections == 0 && bench.Source.State == SourceState.Idle, "the end");
}
