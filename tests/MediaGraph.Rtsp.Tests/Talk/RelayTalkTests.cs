using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Server;
using MediaGraph.Rtsp.Tests.Client;
using MediaGraph.Rtsp.Tests.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Talk;

/// <summary>
/// The whole way: a viewer of one server talks to the device of another, from which the first one pulls. Rows: T1, T6.
/// </summary>
[TestFixture]
[Category("Socket")]
[NonParallelizable]
public sealed class RelayTalkTests
{
    // On a busy machine it takes long until a device listens, and no word is said twice here.
    private static readonly StreamHubOptions Patient = new()
    {
        Talk = new() { MaxDelay = TimeSpan.FromSeconds(20), OpenLimit = TimeSpan.FromSeconds(20), SilenceLimit = TimeSpan.FromMinutes(1) },
    };

    [TestCase("")]
    [TestCase("#transport=udp")]
    [TestCase("#transport=http")]
    public async Task A_viewer_talks_through_a_pulled_stream(string carrier)
    {
        await using var far = new ServerBench(hubOptions: Patient, isRealTime: true);
        await using var near = new ServerBench(hubOptions: Patient, isRealTime: true);
        await far.Server.StartAsync();
        var device = new Device();
        await using var feed = far.Publish();
        feed.OfferSpeaker(device);
        await using var puller = new RtspClient(near.Hub, null, near.Log);
        await using var pull = await puller.PullAsync(
            RtspUrl.Parse($"rtsp://127.0.0.1:{far.Server.LocalEndPoint!.Port}/live/cam{carrier}"), "live/cam");
        using var view = View(feed);
        var viewer = near.Open();
        await viewer.SetUpAsync();
        await viewer.ExpectAsync(200, "SETUP", Talk(viewer), "Transport: RTP/AVP/TCP;unicast;interleaved=2-3");
        await viewer.ExpectAsync(200, "PLAY", viewer.Url());

        const int talks = 3, words = 50;
        for (var i = 0; i < talks * words; i++)
        {
            await viewer.SendFrameAsync(2, TestServer.Rtp(i, 8, (uint)(160 * i), Word(i)));
            var expected = i + 1;
            if (i % words is 0 or words - 1 || carrier == "#transport=udp") // a socket's buffer is none of the test's affairs
                await Eventually.EqualAsync(() => device.Heard.Count, expected, "words");
            if (i % words == words - 1)
            {
                await viewer.SendFrameAsync(3, TestServer.Goodbye());
                await Eventually.EqualAsync(() => (device.OpenLines, puller.Connections), (0, 1), "lines, connections");
            }
        }

        await Eventually.Async(() => viewer.FramesOf(0).Count > 20, "media");
        await Eventually.EqualAsync(() => far.Server.Connections, carrier == "#transport=http" ? 2 : 1, "connections");
        var seen = viewer.FramesOf(0).Select(HeaderOf).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(device.Heard.Select(packet => packet.Payload), Is.EqualTo(Enumerable.Range(0, talks * words).Select(Word)));
            Assert.That(device.Lines, Has.Count.EqualTo(talks));
            Assert.That(seen.Select(header => header.Ssrc).Distinct().Count(), Is.EqualTo(1));
            Assert.That(seen.Skip(1).Zip(seen, (next, header) => (ushort)(next.SequenceNumber - header.SequenceNumber)), Has.All.EqualTo(1));
        });
    }

    [Test]
    public async Task T1_A_thousand_talks_through_a_pulled_stream_leave_nothing_behind()
    {
        await using var far = new ServerBench(hubOptions: Patient, isRealTime: true);
        await using var near = new ServerBench(hubOptions: Patient, isRealTime: true);
        var device = new Device();
        await using var feed = far.Publish();
        feed.OfferSpeaker(device);
        await using var puller = new RtspClient(near.Hub, null, near.Log, null, null, (_, _) =>
        {
            var (server, client) = MemoryTransport.CreatePair(ServerBench.Address);
            far.Server.Accept(server);
            return new ValueTask<ITransport>(client);
        });
        await using var pull = await puller.PullAsync(RtspUrl.Parse("rtsp://far.example/live/cam"), "live/cam");
        using var view = View(feed);
        var sockets = OpenSockets.Count();
        for (var i = 1; i <= 1000; i++)
        {
            await using var talk = near.Hub.Talk(new MediaGraph.Talk.TalkRequest("live/cam"));
            talk.Write(Word(i), TimeSpan.FromMilliseconds(20 * i));
            await Eventually.EqualAsync(() => device.Heard.Count, i, "words");
        }

        await Eventually.EqualAsync(() => (device.OpenLines, puller.Connections, far.Server.Connections), (0, 1, 1), "lines, connections");
        await Eventually.Async(() => OpenSockets.Count() <= sockets, "sockets");
        Assert.That(device.Lines, Has.Count.EqualTo(1000));
    }

    // The picture goes on while somebody talks.
    private static ITimer View(Feed feed)
    {
        var at = 0;
        return TimeProvider.System.CreateTimer(
            _ => ServerBench.WriteKeyframe(feed, Interlocked.Add(ref at, 20)), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
    }

    private static string Talk(ServerClient client) => $"{client.Url()}/trackID={Backchannel.Key}";

    private static byte[] Word(int number)
    {
        var word = new byte[160];
        new Random(number).NextBytes(word);
        return word;
    }

    private static RtpHeader HeaderOf(byte[] packet)
    {
        Assert.That(RtpHeader.TryParse(packet, out var header, out _), Is.True);
        return header;
    }
}
