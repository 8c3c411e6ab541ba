using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

// Rows: T2, T7.

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class MisbehaviourTests
{
    private static readonly (TapoBehaviour Behaviour, string Reason)[] Faults =
    [
        (TapoBehaviour.SaysNothing, "the camera did not answer in time"),
        (TapoBehaviour.RefusesLogins, "the camera refuses the password"),
        (TapoBehaviour.SilentAfterLogin, "the camera did not answer the request for its stream in time"),
        (TapoBehaviour.SendsNoMedia, "the camera sends no media: it may be in privacy mode"),
        (TapoBehaviour.SendsNullPackets, "the camera sends no media: it may be in privacy mode"),
        (TapoBehaviour.StallsInMidPart, "the camera sends no media: it may be in privacy mode"),
        (TapoBehaviour.SendsGarbage, ""),
        (TapoBehaviour.HalfCloses, "the camera closed the connection"),
        (TapoBehaviour.ClosesInMidPart, "the camera closed the connection in the middle of a part"),
        (TapoBehaviour.Resets, "the connection to the camera broke"),
        (TapoBehaviour.Answers401InTheMiddle, "the camera ended the stream with the answer 401"),
        (TapoBehaviour.SaysFinished, "the camera ended the stream"),
        (TapoBehaviour.SendsEmptyPart, "the camera sent an encrypted part of an impossible length"),
        (TapoBehaviour.SendsOddPart, "the camera sent an encrypted part of an impossible length"),
        (TapoBehaviour.SendsBadPadding, "the camera's media cannot be decrypted: they are damaged, or the key is another"),
        (TapoBehaviour.UsesAnotherKey, "the camera's media cannot be decrypted: they are damaged, or the key is another"),
        (TapoBehaviour.AnnouncesHugePart, "the camera sent a part that is too long"),
        (TapoBehaviour.AnnouncesNegativePart, "the camera sent a part without its length"),
        (TapoBehaviour.SendsBadMessage, "the camera sent a message that is none"),
    ];

    private static IEnumerable<TestCaseData> FaultCases(string name) =>
        Faults.Select(fault => new TestCaseData(fault.Behaviour, fault.Reason).SetName($"{name}({fault.Behaviour})"));

    private static IEnumerable<TestCaseData> FromTheStart => FaultCases("T2_T7_a_fault_costs_one_session_with_a_reason");

    private static IEnumerable<TestCaseData> InTheMiddle =>
        Faults.Where(fault => fault.Behaviour is not (TapoBehaviour.SaysNothing or TapoBehaviour.RefusesLogins or
            TapoBehaviour.SendsBadMessage or TapoBehaviour.UsesAnotherKey or TapoBehaviour.SilentAfterLogin))
            .Select(fault => new TestCaseData(fault.Behaviour, fault.Reason)
                .SetName($"T2_T7_a_fault_in_the_middle_costs_one_session({fault.Behaviour})"));

    private static IEnumerable<TestCaseData> Stops =>
        [.. Enum.GetValues<TapoBehaviour>().Select(behaviour =>
            new TestCaseData(behaviour).SetName($"T2_stopping_takes_a_second_at_most({behaviour})"))];

    [TestCaseSource(nameof(FromTheStart))]
    public async Task A_fault_from_the_start(TapoBehaviour behaviour, string reason)
    {
        await using var bench = new Bench();
        bench.Camera.Behaviour = behaviour;
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.FailsAsync();
        AssertReason(bench, behaviour, reason);
        Assert.That(bench.Source.Failures, Is.EqualTo(1));

        // The next session finds it well.
        bench.Camera.Behaviour = TapoBehaviour.Normal;
        await bench.AdvanceUntilAsync(
            () => viewer.Video > 3, "pictures", step: behaviour == TapoBehaviour.RefusesLogins ? 200 : 20); // then it takes 30 s and more
        Assert.That(bench.Camera.Sessions, Is.EqualTo(1));
    }

    [TestCaseSource(nameof(InTheMiddle))]
    public async Task A_fault_in_the_middle(TapoBehaviour behaviour, string reason)
    {
        await using var bench = new Bench();
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 3, "pictures");
        bench.Camera.Behaviour = behaviour;
        await bench.FailsAsync();
        AssertReason(bench, behaviour, reason);

        bench.Camera.Behaviour = TapoBehaviour.Normal;
        var before = viewer.Video;
        await bench.AdvanceUntilAsync(() => viewer.Video > before + 3, "pictures again");
        var times = viewer.Packets.Where(p => p.Track == "video").Select(p => p.Time).ToArray();
        Assert.That(times, Is.Ordered.Ascending);
        Assert.That(bench.Camera.Sessions, Is.EqualTo(1));
    }

    [TestCaseSource(nameof(Stops))]
    public async Task Stopping_takes_a_second_at_most(TapoBehaviour behaviour)
    {
        var keys = behaviour is TapoBehaviour.SignsWrongly or TapoBehaviour.SignsNothing ? TapoKeys.Hkdf : TapoKeys.Md5;
        await using var bench = new Bench(new TapoEmulatorOptions { Keys = keys });
        bench.Camera.Behaviour = behaviour;
        await bench.SetAsync();
        using (bench.Hub.Lease(Bench.Stream))
        {
            await Eventually.Async(() => bench.Camera.ConnectionsMade > 0, "a connection");
            bench.Time.Advance(TimeSpan.FromMilliseconds(200));
        }

        for (var i = 0; i < 50; i++)
            bench.Time.Advance(TimeSpan.FromMilliseconds(20));
        await bench.AdvanceUntilAsync(() => bench.Source.State == SourceState.Idle, "the end", step: 0);
        Assert.That(bench.Protocol.Connections, Is.Zero);
        await Eventually.EqualAsync(() => bench.Camera.Sessions, 0, "sessions at the camera");
    }

    [Test]
    public async Task Framing_that_is_damaged_costs_no_frame()
    {
        await using var bench = new Bench();
        bench.Camera.Behaviour = TapoBehaviour.DamagesFraming;
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video >= 30 && viewer.Audio >= 29, "pictures and sound");
        Assert.That(bench.Source.Failures, Is.Zero);
    }

    [Test]
    public async Task Scraps_before_the_first_packet_are_passed_over()
    {
        await using var bench = new Bench();
        bench.Camera.Behaviour = TapoBehaviour.BeginsWithScraps;
        await bench.SetAsync();
        var viewer = bench.View();
        await bench.AdvanceUntilAsync(() => viewer.Video > 3, "pictures");
        Assert.That(bench.Source.Failures, Is.Zero);
    }

    [TestCase(TapoBehaviour.SignsWrongly, "the camera sent a part with a wrong signature")]
    [TestCase(TapoBehaviour.SignsNothing, "the camera sent a part without its signature")]
    public async Task A_part_that_is_not_signed_as_it_should_be_ends_the_session(TapoBehaviour behaviour, string reason)
    {
        await using var bench = new Bench(new TapoEmulatorOptions { Keys = TapoKeys.Hkdf });
        bench.Camera.Behaviour = behaviour;
        await bench.SetAsync();
        using var lease = bench.Hub.Lease(Bench.Stream);
        await bench.FailsAsync();
        Assert.That(bench.Failure, Is.EqualTo(reason));
    }

    [TestCase(-64324, "the camera is in privacy mode")]
    [TestCase(-52407, "the camera has too many clients")]
    [TestCase(-12345, "the camera refuses with the code -12345")]
    public async Task A_refusal_is_told_in_words(int code, string reason)
    {
        await using var bench = new Bench(new TapoEmulatorOptions { PreviewError = code });
        await bench.SetAsync();
        using var lease = bench.Hub.Lease(Bench.Stream);
        await bench.FailsAsync();
        Assert.That(bench.Failure, Is.EqualTo(reason));
    }

    [Test]
    public async Task A_dial_has_five_seconds()
    {
        await using var bench = new Bench
        {
            Dialing = async cancellationToken =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                throw new InvalidOperationException();
            },
        };
        await bench.SetAsync();
        using var lease = bench.Hub.Lease(Bench.Stream);
        await bench.FailsAsync();
        Assert.That(bench.Failure, Is.EqualTo("the camera did not answer in time"));
    }

    [Test]
    public async Task A_camera_that_takes_nothing_ends_the_session()
    {
        await using var bench = new Bench();
        bench.Dialing = _ =>
        {
            var transport = bench.Camera.Dial();
            transport.LimitSends(10);
            return Task.FromResult<ITransport>(transport);
        };
        await bench.SetAsync();
        using var lease = bench.Hub.Lease(Bench.Stream);
        await bench.FailsAsync();
        Assert.That(bench.Failure, Is.EqualTo("the camera takes nothing"));
        Assert.That(bench.Source.LastFailure!.Code, Is.EqualTo(CloseCode.Deadline));
    }

    private static void AssertReason(Bench bench, TapoBehaviour behaviour, string reason)
    {
        if (behaviour == TapoBehaviour.SendsGarbage)
            Assert.That(bench.Failure, Is.AnyOf("the camera sent something else than parts", "the camera sent a line that is too long",
                "the camera sent a part without its length"));
        else
            Assert.That(bench.Failure, behaviour == TapoBehaviour.Resets ? Does.StartWith(reason) : Is.EqualTo(reason));
    }
}
