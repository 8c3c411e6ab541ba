using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests.Client;

// Rows: T5.

/// <summary>On real sockets, in real time.</summary>
[TestFixture, Category("Socket"), NonParallelizable]
internal sealed class SocketTests
{
    // On a busy machine a thread may be late; what nobody ended would end by the protocol's deadlines, after 10 s.
    private static readonly TimeSpan BeforeAnyDeadline = TimeSpan.FromSeconds(8);

    [Test]
    public async Task A_camera_is_watched_and_talked_to_and_left()
    {
        await using var camera = TapoEmulator.Start();
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [camera.Url] });
        using var stop = new CancellationTokenSource();
        var viewer = new Viewer();
        var viewing = viewer.RunAsync(hub, stop.Token);
        await Eventually.Async(() => viewer.Video > 10 && viewer.Audio > 10, "pictures and sound");
        await using (var talk = await hub.TalkAsync(new TalkRequest(Bench.Stream), CancellationToken.None))
        {
            for (var i = 0; i < 50; i++)
                talk.Write(new byte[160], TimeSpan.FromMilliseconds(20 * i));
            await Eventually.Async(() => camera.TalkAudio.Length > 0, "what was said");
            Assert.That((camera.Sessions, camera.Previews, camera.Talks), Is.EqualTo((2, 1, 1)));
        }

        await Eventually.EqualAsync(() => (camera.Sessions, camera.Talks), (1, 0), "the end of the talk", BeforeAnyDeadline);
        await stop.CancelAsync();
        await viewing;
        await Eventually.EqualAsync(() => (camera.Connections, protocol.Connections), (0, 0), "the end", BeforeAnyDeadline);
        Assert.That(camera.Stops, Is.EqualTo(2), "the camera was told");
    }

    [TestCase(TapoBehaviour.Normal)]
    [TestCase(TapoBehaviour.SaysNothing)]
    [TestCase(TapoBehaviour.SilentAfterLogin)]
    [TestCase(TapoBehaviour.StallsInMidPart)]
    [TestCase(TapoBehaviour.HalfCloses)]
    public async Task T2_soon_after_the_stop_the_camera_counts_no_session(TapoBehaviour behaviour)
    {
        await using var camera = TapoEmulator.Start();
        camera.Behaviour = behaviour;
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [camera.Url] });
        using (hub.Lease(Bench.Stream))
            await Eventually.Async(() => camera.ConnectionsMade > 0, "a connection");
        await Eventually.EqualAsync(() => (camera.Connections, protocol.Connections), (0, 0), "the end", BeforeAnyDeadline);
    }

    [Test]
    public async Task T5_failed_logins_leave_no_socket()
    {
        await using var camera = TapoEmulator.Start(new TapoEmulatorOptions { ClosesAfter401 = true });
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol, maxRuns: 6000);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [camera.UrlOf("wrong")] });
        var stream = hub.Find(Bench.Stream)!;
        using (hub.Lease(Bench.Stream))
        {
            await Eventually.Async(() => stream.GetSnapshot().Sources[0].Failures > 2, "failures");
            var before = OpenSockets.Count();
            await Eventually.Async(() => stream.GetSnapshot().Sources[0].Failures > 20, "more failures");
            Assert.That(OpenSockets.Count(), Is.LessThanOrEqualTo(before + 8), "a login in progress has some");
        }

        await Eventually.EqualAsync(() => (camera.Connections, protocol.Connections), (0, 0), "connections");
    }

    [Test]
    public async Task A_camera_that_is_not_there_is_told_in_words()
    {
        using var closed = new ClosedPort();
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [$"tapo://x@127.0.0.1:{closed.Port}"] });
        using var lease = hub.Lease(Bench.Stream);
        await Eventually.Async(() => hub.Find(Bench.Stream)!.GetSnapshot().Sources[0].LastFailure is not null, "the failure");
        Assert.That(hub.Find(Bench.Stream)!.GetSnapshot().Sources[0].LastFailure!.Text, Does.Contain("cannot be reached"));
    }

    [Test]
    public async Task A_kasa_camera_is_watched_over_TLS([Values] bool isChunked)
    {
        using var certificate = new TestCertificate();
        await using var camera = new KasaEmulator(certificate, isChunked);
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [camera.Url] });
        using var stop = new CancellationTokenSource();
        var viewer = new Viewer();
        var viewing = viewer.RunAsync(hub, stop.Token);
        await Eventually.Async(() => viewer.Video > 20 && viewer.Audio > 20, "pictures and sound");
        var packets = viewer.Packets.ToArray();
        Assert.That(packets.First(p => p.Track == "video").Codec.Video, Is.Not.Null);
        Assert.That(packets.First(p => p.Track == "audio").Codec.ToString(), Is.EqualTo("PCMU/8000/1"));
        var times = packets.Where(p => p.Track == "video").Select(p => p.Time.TotalMilliseconds).ToArray();
        Assert.That(times.Zip(times.Skip(1), (one, next) => next - one), Is.All.EqualTo(20).Within(1));
        await stop.CancelAsync();
        await viewing;
        await Eventually.EqualAsync(() => (camera.Sessions, protocol.Connections), (0, 0), "the end", BeforeAnyDeadline);
    }

    [Test]
    public async Task A_kasa_camera_refuses_in_words()
    {
        using var certificate = new TestCertificate();
        await using var camera = new KasaEmulator(certificate, isChunked: false);
        using var protocol = new TapoSourceProtocol();
        await using var hub = Hub(protocol);
        await hub.SetStreamAsync(new StreamDefinition(Bench.Stream) { Sources = [camera.UrlOf("wrong")] });
        using var lease = hub.Lease(Bench.Stream);
        await Eventually.Async(() => hub.Find(Bench.Stream)!.GetSnapshot().Sources[0].LastFailure is not null, "the failure");
        Assert.That(hub.Find(Bench.Stream)!.GetSnapshot().Sources[0].LastFailure!.Text,
            Is.EqualTo("the camera refuses the user or the password"));
    }

    private static StreamHub Hub(TapoSourceProtocol protocol, int maxRuns = 30)
    {
        var hub = new StreamHub(new StreamHubOptions
        {
            Sources = new SourceOptions
            {
                Linger = TimeSpan.Zero,
                MinBackoff = TimeSpan.FromMilliseconds(100),
                MaxBackoff = maxRuns > 30 ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(30),
                MaxSessionsPerMinute = maxRuns,
            },
        });
        hub.AddSourceProtocol(protocol);
        return hub;
    }
}
