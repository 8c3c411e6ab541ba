using System.Collections.Concurrent;
using MediaGraph.Sources;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class LoginTests
{
    private static readonly TapoEmulatorOptions[] Cameras =
    [
        new(),
        new() { SaysSha256 = false, TakesSha256 = false },
        new() { DigestAlgorithm = "SHA-256" },
        new() { DigestAlgorithm = "SHA-256", DeviceId = "CHILD1", ClosesAfter401 = true, AnswerBody = "{\"session_id\":2}" },
        new() { IsVigi = true },
        new() { IsVigi = true, DigestAlgorithm = "SHA-256" },
        new() { AsksForPassword = false },
        new() { Keys = TapoKeys.Hkdf },
        new() { Keys = TapoKeys.Plain },
        new() { TakesSha256 = false },
        new() { SaysSha256 = false },
        new() { ClosesAfter401 = true, TakesSha256 = false },
        new() { IgnoresSecondRequest = true },
        new() { DeclaresBody = false },
        new() { DeclaresBody = false, TakesSha256 = false },
        new() { HoldsAnswerBack = true },
        new() { SendsMediaFirst = true },
        new() { PartLength = 1000 },
        new() { PartLength = 187, KeyframeLength = 100_000 },
        new() { IsH265 = true },
        new() { Sound = TapoSound.Pcmu },
        new() { Sound = TapoSound.Pcmu16 },
    ];

    [TestCaseSource(nameof(Cameras))]
    public async Task A_camera_is_watched_and_talked_to(TapoEmulatorOptions options)
    {
        await using var bench = new Bench(options);
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video >= 30 && viewer.Audio >= 30, "pictures and sound");
        var packets = viewer.Packets.ToArray();
        Assert.That(packets.First(p => p.Track == "video").IsKeyframe);
        Assert.That(packets.First(p => p.Track == "video").Codec.Name, Is.EqualTo(options.IsH265 ? "H265" : "H264"));
        Assert.That(packets.First(p => p.Track == "audio").Codec.ToString(), Is.EqualTo(options.Sound switch
        {
            TapoSound.Pcma => "PCMA/8000/1",
            TapoSound.Pcmu => "PCMU/8000/1",
            _ => "PCMU/16000/1",
        }));
        var times = packets.Where(p => p.Track == "video").Select(p => p.Time.TotalMilliseconds).ToArray();
        Assert.That(times.Zip(times.Skip(1), (one, next) => next - one), Is.All.EqualTo(40).Within(1));

        await using var talk = await bench.TalkAsync();
        talk.Write(new byte[160], TimeSpan.Zero);
        await bench.AdvanceUntilAsync(() => bench.Camera.TalkAudio.Length == 160, "what was said");
        Assert.That((bench.Camera.Previews, bench.Camera.Talks), Is.EqualTo((1, 1)));
        Assert.That(bench.Camera.LoginsRefused, Is.LessThanOrEqualTo(1), "the second login tries what the first has learned");
    }

    [Test]
    public async Task A_hash_is_taken_as_it_is([Values] bool isSha256)
    {
        await using var bench = new Bench(new TapoEmulatorOptions { TakesSha256 = isSha256, SaysSha256 = !isSha256 });
        var hash = isSha256
            ? "7E1285150C0B78180E64CEB737AE6C5E316CD07B9A10A1A84E9880EB94817E91"
            : "48E19C483B43BD375C62A84CE3DAB42E";
        await bench.SetAsync($"tapo://admin:{hash}@127.0.0.1");
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures");
        Assert.That(bench.Camera.LoginsRefused, Is.Zero);
    }

    [TestCase("tapo://wrong@127.0.0.1", 2)]
    [TestCase("tapo://admin:00000000000000000000000000000000@127.0.0.1", 1)]
    [TestCase("vigi://admin:wrong@127.0.0.1", 1)]
    public async Task A_wrong_password_is_tried_once_in_each_form_that_it_may_have(string url, int refused)
    {
        await using var bench = new Bench(new TapoEmulatorOptions { IsVigi = url.StartsWith("vigi", StringComparison.Ordinal) });
        await bench.SetAsync(url);
        using var lease = bench.Hub.Lease(Bench.Stream);
        await Eventually.Async(() => bench.Failure is not null, "the refusal");
        Assert.That(bench.Failure, Is.EqualTo("the camera refuses the password"));
        Assert.That(bench.Camera.LoginsRefused, Is.EqualTo(refused));
        await Eventually.EqualAsync(() => bench.Camera.Connections, 0, "connections");
    }

    [Test]
    public async Task A_wrong_password_is_tried_ever_less_by_views_and_talks_together()
    {
        await using var bench = new Bench();
        await bench.SetAsync("tapo://wrong@127.0.0.1");
        using var lease = bench.Hub.Lease(Bench.Stream);
        var start = bench.Time.GetUtcNow();
        await FailUntilAsync(TimeSpan.FromSeconds(28));
        Assert.That(bench.Camera.LoginsRefused, Is.EqualTo(2));
        await FailUntilAsync(TimeSpan.FromMinutes(20));
        Assert.That(bench.Camera.LoginsRefused, Is.InRange(5, 8), "after 30 s, 1, 2, 4 and then 5 min");
        Assert.That(bench.Failure, Does.StartWith("the camera refused the password; the next login is in ").And.EndsWith(" s"));

        // From one try to the next: in between there is nothing to see, and during one only moments pass.
        async Task FailUntilAsync(TimeSpan end)
        {
            for (var failures = bench.Source.Failures; ; failures++)
            {
                await bench.AdvanceUntilAsync(() => bench.Source.Failures > failures, "the next failure");
                await Eventually.Async(() => bench.Source.NextTryIn is not null, "the next try");
                var moment = TimeSpan.FromMilliseconds(20);
                var rest = bench.Source.NextTryIn!.Value - moment;
                if (bench.Time.GetUtcNow() + rest - start > end)
                    return;
                if (rest > TimeSpan.Zero)
                    bench.Time.Advance(rest);
            }
        }
    }

    [Test]
    public async Task A_talk_waits_for_the_login_that_the_view_was_refused()
    {
        var told = new ConcurrentQueue<string>();
        await using var bench = new Bench();
        await bench.SetAsync();
        await using var talk = await bench.TalkAsync((_, why) => told.Enqueue(why?.Text ?? ""));
        bench.Camera.Behaviour = TapoBehaviour.RefusesLogins;
        for (var i = 0; i < 5; i++)
        {
            talk.Write(new byte[160], TimeSpan.Zero);
            await Eventually.Async(
                () => told.Count(text => text.StartsWith("the camera refuse", StringComparison.Ordinal)) > i, "a refusal");
            bench.Time.Advance(TimeSpan.FromSeconds(5)); // more than the pause after a failure
        }

        Assert.That(bench.Camera.LoginsRefused, Is.EqualTo(2));
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        bench.Time.Advance(TimeSpan.FromSeconds(30));
        talk.Write(new byte[160], TimeSpan.Zero);
        await Eventually.EqualAsync(() => bench.Camera.TalkAudio.Length, 160, "what was said");
    }

    [Test]
    public async Task A_hash_that_was_refused_while_logins_were_suspended_comes_to_its_turn()
    {
        await using var bench = new Bench(new TapoEmulatorOptions { TakesSha256 = false });
        bench.Camera.Behaviour = TapoBehaviour.RefusesLogins;
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.FailsAsync();
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        await bench.AdvanceUntilAsync(() => viewer.Video > 0, "pictures", step: 100);
        Assert.That(bench.Camera.LoginsRefused, Is.EqualTo(3));
    }

    [Test]
    public async Task A_camera_that_asks_for_a_password_is_told_when_there_is_none()
    {
        await using var bench = new Bench();
        await bench.SetAsync("tapo://127.0.0.1");
        using var lease = bench.Hub.Lease(Bench.Stream);
        await Eventually.Async(() => bench.Failure is not null, "the refusal");
        Assert.That(bench.Failure, Is.EqualTo("the camera asks for a password, and the address has none"));
    }

    [Test]
    public async Task The_request_is_what_the_address_says()
    {
        await using var bench = new Bench();
        await bench.SetAsync(bench.Camera.Url + "?subtype=1&channel=2");
        using (bench.Hub.Lease(Bench.Stream, SourceMedia.Video))
            await Eventually.Async(() => !bench.Camera.Requests.IsEmpty, "the request");
        Assert.That(bench.Camera.Requests.First(), Is.EqualTo(
            """{"type":"request","seq":1,"params":{"method":"get","preview":{"channels":[2],"resolutions":["VGA"],"audio":["disable"]}}}"""));
    }
}
