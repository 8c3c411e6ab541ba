using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Events;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Server;
using MediaGraph.Rtsp.Tests.Client;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Rtsp.Tests.Server;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Talk;

/// <summary>Clients of the server that talk. Rows: R3, T1, T6, T8, H4.</summary>
[TestFixture]
public sealed class ServerTalkTests
{
    private const string Require = "Require: www.onvif.org/ver20/backchannel";

    [Test]
    public async Task R3_A_speaker_is_described_to_who_asks_for_it_and_hears_nothing_of_that()
    {
        await using var bench = new ServerBench();
        var device = new Device(Device.Pcma, Device.Opus, new Codec(MediaKind.Audio, CodecNames.Flac, 48_000, 2));
        await using var feed = Publish(bench, device);
        await using var deaf = bench.Publish("live/deaf");
        var client = bench.Open();
        var plain = await DescribeAsync(client);
        var required = await DescribeAsync(client, headers: Require);
        var queried = await DescribeAsync(client, "live/cam?backchannel=1");
        var without = await DescribeAsync(client, "live/deaf", Require);
        Assert.Multiple(() =>
        {
            Assert.That(plain, Does.Not.Contain("m=audio").And.Not.Contain("recvonly"));
            Assert.That(required, Does.Contain(
                "a=control:trackID=0\r\na=recvonly\r\nm=audio 0 RTP/AVP 8 97\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:97 opus/48000/2\r\n"
                + "a=fmtp:97 sprop-stereo=1\r\na=control:trackID=2147483647\r\na=sendonly\r\n"));
            Assert.That(queried, Is.EqualTo(required));
            Assert.That(without, Does.Not.Contain("m=audio"));
            Assert.That((device.Lines.Count, Speaker(bench)!.Sessions), Is.EqualTo((0, 0)));
        });
    }

    [Test]
    public async Task What_a_viewer_says_reaches_the_speaker_in_order_and_its_view_goes_on()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = bench.Open();
        await client.SetUpAsync();
        var setup = await SetUpTalkAsync(client);
        Assert.That(setup.Headers[RtspHeaderNames.Transport], Does.Contain("interleaved=2-3"));
        await SayAsync(client, 0);
        await client.ExpectAsync(200, "PLAY", client.Url(), Require);
        for (var i = 1; i <= 100; i++)
        {
            ServerBench.WriteFrame(feed, 40 * i);
            await SayAsync(client, i);
        }

        await Eventually.EqualAsync(() => device.Heard.Count, 100, "packets"); // what came before PLAY was not said
        await client.ExpectAsync(200, "TEARDOWN", client.Url());
        await Eventually.EqualAsync(() => device.OpenLines, 0, "lines");
        var seen = client.FramesOf(0).Select(HeaderOf).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(device.Numbers, Is.EqualTo(Enumerable.Range(1, 100)));
            Assert.That(device.Heard.Select(packet => packet.Payload.Length), Has.All.EqualTo(160));
            Assert.That(device.Heard.Select(packet => packet.Time.TotalMilliseconds), Is.EqualTo(Enumerable.Range(0, 100).Select(i => 20 * i)));
            Assert.That(seen.Select(header => header.Ssrc).Distinct().Count(), Is.EqualTo(1));
            Assert.That(seen.Skip(1).Zip(seen, (next, header) => (ushort)(next.SequenceNumber - header.SequenceNumber)), Has.All.EqualTo(1));
            Assert.That(seen, Has.Length.EqualTo(102), "with the parameter sets");
            Assert.That(client.FramesOf(3).Select(report => report[1]), Is.EqualTo(new byte[] { 201 }), "the goodbye of who listened");
        });
    }

    [Test]
    public async Task T8_Who_only_talks_sets_up_nothing_else()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = bench.Open();
        await SetUpTalkAsync(client, channels: "0-1");
        var play = await client.ExpectAsync(200, "PLAY", client.Url(), Require);
        Assert.That(play.Headers[RtspHeaderNames.RtpInfo], Is.Null);
        await SayAsync(client, 1, channel: 0);
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
        Assert.That(feed.Tracks.Count, Is.EqualTo(1));
        Assert.That(bench.TakeEvents().OfType<PlayStarted>(), Is.Empty);
        await client.DisposeAsync();
        await Eventually.EqualAsync(() => (device.OpenLines, Speaker(bench)!.Sessions), (0, 0), "lines, sessions");
    }

    [Test]
    public async Task T8_A_device_that_only_listens_is_described()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = bench.Hub.Publish(new PublishRequest("live/cam") { Speaker = device });
        feed.Settle();
        var client = bench.Open();
        await client.ExpectAsync(404, "DESCRIBE", client.Url());
        Assert.That(await DescribeAsync(client, headers: Require), Does.Contain("m=audio 0 RTP/AVP 8 0\r\n"));
        await SetUpTalkAsync(client, channels: "0-1");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await SayAsync(client, 1, channel: 0);
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
    }

    [Test]
    public async Task While_another_talks_the_setup_is_refused_in_words_and_silent_ones_are_not_heard()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var (talker, silent, late) = (bench.Open(), bench.Open(), bench.Open());
        foreach (var client in new[] { talker, silent })
        {
            await client.SetUpAsync();
            await SetUpTalkAsync(client);
            await client.ExpectAsync(200, "PLAY", client.Url());
        }

        await SayAsync(talker, 1);
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
        await SayAsync(silent, 2);
        await SayAsync(silent, 3);
        await Eventually.EqualAsync(() => bench.Log.Of(3015).Count, 1, "warnings");
        await late.SetUpAsync();
        var refusal = await late.ExpectAsync(453, "SETUP", $"{late.Url()}/trackID={Backchannel.Key}", "Transport: RTP/AVP/TCP;interleaved=2-3");
        Assert.That(refusal.Reason, Is.EqualTo("another talks to this device"));
        await late.ExpectAsync(200, "PLAY", late.Url()); // its view is not refused
        await talker.ExpectAsync(200, "PAUSE", talker.Url());
        await Eventually.EqualAsync(() => device.OpenLines, 0, "lines");
        await SetUpTalkAsync(late); // while it views
        await late.ExpectAsync(200, "PLAY", late.Url());
        await SayAsync(late, 4);
        await Eventually.EqualAsync(() => device.Heard.Count, 2, "packets");
        Assert.That(device.Numbers, Is.EqualTo(new[] { 1, 4 }));
    }

    [Test]
    public async Task R3_Setting_the_backchannel_up_again_changes_nothing()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = bench.Open();
        await client.SetUpAsync();
        var first = await SetUpTalkAsync(client);
        await client.ExpectAsync(200, "PLAY", client.Url());
        await SayAsync(client, 1);
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
        var again = await SetUpTalkAsync(client, channels: "6-7");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await SayAsync(client, 2);
        await Eventually.EqualAsync(() => device.Heard.Count, 2, "packets");
        Assert.That(again.Headers[RtspHeaderNames.Transport], Is.EqualTo(first.Headers[RtspHeaderNames.Transport]));
        Assert.That((device.Lines.Count, Speaker(bench)!.Sessions), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task Silence_ends_a_talk_and_the_next_word_begins_another_in_whatever_codec()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = await TalkAsync(bench);
        await SayAsync(client, 1);
        await SayAsync(client, 2, payloadType: 0); // not in the middle of a talk
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
        for (var i = 0; i < 11; i++)
        {
            bench.Advance(1);
            ServerBench.WriteFrame(feed, 1000 * (i + 1));
        }

        await Eventually.EqualAsync(() => device.OpenLines, 0, "lines");
        await SayAsync(client, 3, payloadType: 0);
        await Eventually.EqualAsync(() => device.Heard.Count, 2, "packets");
        Assert.That((device.Lines, device.Numbers), Is.EqualTo((new[] { "PCMA", "PCMU" }, new[] { 1, 3 })));
    }

    [Test]
    public async Task When_the_device_leaves_the_talk_ends_and_goes_on_with_the_next_one()
    {
        await using var bench = new ServerBench();
        var (first, second) = (new Device(), new Device());
        var feed = Publish(bench, first);
        var client = await TalkAsync(bench);
        var mute = bench.Open();
        await SetUpTalkAsync(mute, channels: "0-1"); // talks only
        await mute.ExpectAsync(200, "PLAY", mute.Url());
        await SayAsync(client, 1);
        await Eventually.EqualAsync(() => first.Heard.Count, 1, "packets");
        await feed.DisposeAsync();
        await Eventually.EqualAsync(() => first.OpenLines, 0, "lines");
        await SayAsync(client, 2);
        await Eventually.EqualAsync(() => bench.Log.Of(3015).Count, 1, "warnings");
        bench.Advance(2);
        await using var next = Publish(bench, second);
        await SayAsync(client, 3);
        await Eventually.EqualAsync(() => second.Heard.Count, 1, "packets");
        Assert.That(second.Numbers, Is.EqualTo(new[] { 3 }));
        Assert.That(client.HasEnded, Is.False);
        bench.AdvanceBySteps(6);
        await Eventually.Async(
            () =>
            {
                bench.Advance(0.1);
                return mute.HasEnded;
            },
            "the end of who talked only");
    }

    [Test]
    public async Task Who_may_watch_may_not_talk_and_who_may_talk_need_not_watch()
    {
        var users = new OnlyTalkers();
        var options = new StreamHubOptions { Authorizer = users, AuthorizationFailures = new() { MinDelay = default, MaxDelay = default, MaxPerMinute = 1000 } };
        await using var bench = new ServerBench(new RtspServerOptions { Authentication = new() { AllowBasicWithoutTls = true } }, options);
        var device = new Device();
        await using var feed = Publish(bench, device);
        var viewer = bench.Open();
        var talk = $"{viewer.Url()}/trackID={Backchannel.Key}";
        await viewer.ExpectAsync(200, "SETUP", $"{viewer.Url()}/trackID=0", $"Transport: RTP/AVP/TCP;interleaved=0-1\r\n{Basic("viewer")}");
        await viewer.ExpectAsync(401, "SETUP", talk, "Transport: RTP/AVP/TCP;interleaved=2-3");
        await viewer.ExpectAsync(401, "SETUP", talk, $"Transport: RTP/AVP/TCP;interleaved=2-3\r\n{Basic("viewer")}");
        await viewer.ExpectAsync(200, "PLAY", viewer.Url());
        Assert.That(Speaker(bench)!.Sessions, Is.Zero);

        var talker = bench.Open();
        await talker.ExpectAsync(401, "SETUP", $"{viewer.Url()}/trackID=0", $"Transport: RTP/AVP/TCP;interleaved=0-1\r\n{Basic("talker")}");
        await talker.ExpectAsync(200, "SETUP", talk, $"Transport: RTP/AVP/TCP;interleaved=2-3\r\n{Basic("talker")}");
        await talker.ExpectAsync(200, "PLAY", talker.Url());
        await SayAsync(talker, 1);
        await Eventually.EqualAsync(() => device.Heard.Count, 1, "packets");
        Assert.That(Speaker(bench)!.Talker!.User, Is.EqualTo("talker"));
    }

    [Test]
    public async Task T1_A_thousand_starts_and_stops_leave_nothing_behind()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = await TalkAsync(bench);
        for (var i = 1; i <= 1000; i++)
        {
            await SayAsync(client, i);
            await Eventually.EqualAsync(() => device.Heard.Count, i, "packets");
            if (i % 2 == 0)
            {
                await client.SendFrameAsync(3, TestServer.Goodbye());
            }
            else
            {
                await client.ExpectAsync(200, "PAUSE", client.Url());
                await client.ExpectAsync(200, "PLAY", client.Url());
            }

            if (i % 40 == 0)
                bench.Advance(1); // requests have a limit per second
            await Eventually.EqualAsync(() => device.OpenLines, 0, "lines");
        }

        var speaker = Speaker(bench)!;
        Assert.That((device.Lines.Count, speaker.Sessions, speaker.Talker), Is.EqualTo((1000, 1, (TalkerSnapshot?)null)));
        Assert.That(device.Numbers, Is.EqualTo(Enumerable.Range(1, 1000).Select(i => i & 0xFF)));
    }

    [Test]
    public async Task T1_A_thousand_talkers_come_and_go()
    {
        await using var bench = new ServerBench();
        var device = new Device();
        await using var feed = Publish(bench, device);
        for (var i = 1; i <= 1000; i++)
        {
            await using var client = bench.Open();
            await SetUpTalkAsync(client, channels: "0-1");
            await client.ExpectAsync(200, "PLAY", client.Url());
            await SayAsync(client, i, channel: 0);
            await Eventually.EqualAsync(() => device.Heard.Count, i, "packets");
            if (i % 2 == 0)
                await client.ExpectAsync(200, "TEARDOWN", client.Url());
            else
                await client.DisposeAsync();
            await Eventually.EqualAsync(() => (device.OpenLines, Speaker(bench)!.Sessions), (0, 0), "lines, sessions");
        }
    }

    [Test]
    public async Task H4_Whatever_comes_on_the_backchannel_only_sound_is_heard()
    {
        await using var bench = new ServerBench();
        var device = new Device(Device.Pcma, Vectors.Aac, Device.Opus);
        await using var feed = Publish(bench, device);
        var client = await TalkAsync(bench);
        var random = new Random(1);
        byte[] good = TestServer.Rtp(1, 8, 160, Sound(1));
        byte[][] bad =
        [
            [], [0x80], new byte[11], new byte[12], [.. good.AsSpan(0, 12)],
            [0xBF, .. good[1..]], // fifteen sources, an extension and padding
            [0x90, .. good[1..12], 0, 0, 0xFF, 0xFF],
            [0xA0, .. good[1..12], 200],
            TestServer.Rtp(1, 97, 0, [0xFF]), // AAC with no units
            TestServer.Rtp(2, 97, 0, [0xFF, 0xFF, 1, 2, 3]),
            TestServer.Rtp(3, 97, 0, [0, 16, 0xFF, 0xF8, 1]),
        ];
        for (var i = 0; i < 400; i++)
        {
            var packet = i < bad.Length ? bad[i] : (byte[])good.Clone();
            for (var n = i < bad.Length ? 0 : 4; n > 0; n--)
                packet[random.Next(1) == 0 && n > 2 ? 0 : random.Next(12)] = (byte)random.Next(256);
            await client.SendFrameAsync(2, packet);
            await client.SendFrameAsync(3, packet);
        }

        await client.ExpectAsync(200, "PAUSE", client.Url());
        await Eventually.EqualAsync(() => device.OpenLines, 0, "lines");
        await client.ExpectAsync(200, "PLAY", client.Url());
        await SayAsync(client, 78, ssrc: 99);
        await SayAsync(client, 79, ssrc: 99); // another source takes its place with its second packet
        await Eventually.EqualAsync(() => device.Numbers.Contains(79), true, "what is said");
    }

    [Test]
    [Category("Socket")]
    public async Task Packets_over_UDP_are_put_in_order()
    {
        await using var bench = new ServerBench();
        await bench.Server.StartAsync();
        var device = new Device();
        await using var feed = Publish(bench, device);
        var client = bench.Add(new ServerClient(await SocketTransport.ConnectAsync(
            "127.0.0.1", bench.Server.LocalEndPoint!.Port, TimeProvider.System, CancellationToken.None)));
        using var rtp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var rtcp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var ports = $"{((IPEndPoint)rtp.Client.LocalEndPoint!).Port}-{((IPEndPoint)rtcp.Client.LocalEndPoint!).Port}";
        var setup = await client.ExpectAsync(
            200, "SETUP", $"{client.Url()}/trackID={Backchannel.Key}", $"Transport: RTP/AVP;unicast;client_port={ports}\r\n{Require}");
        var transport = RtspTransport.ParseAll(setup.Headers[RtspHeaderNames.Transport]).Single();
        await client.ExpectAsync(200, "PLAY", client.Url(), Require);
        var remote = new IPEndPoint(IPAddress.Loopback, transport.ServerPorts!.Value.Rtp);
        int[] sent = [1, 3, 2, 4, 6, 7, 5, 8];
        foreach (var number in sent)
            await rtp.SendAsync(TestServer.Rtp(number, 8, (uint)(160 * number), Sound(number)), remote);
        await Eventually.EqualAsync(() => device.Heard.Count, 8, "packets");
        Assert.That(device.Numbers, Is.Ordered);
    }

    // ---- What all of them do ------------------------------------------------------------------------------------------------

    private static Feed Publish(ServerBench bench, ISpeaker speaker)
    {
        var feed = bench.Publish();
        feed.OfferSpeaker(speaker);
        return feed;
    }

    private static SpeakerSnapshot? Speaker(ServerBench bench) => bench.Hub.Find("live/cam")?.GetSnapshot().Speaker;

    private static async Task<string> DescribeAsync(ServerClient client, string name = "live/cam", string headers = "") =>
        Encoding.UTF8.GetString((await client.ExpectAsync(200, "DESCRIBE", client.Url(name), headers)).Body.Span);

    private static Task<RtspResponse> SetUpTalkAsync(ServerClient client, string channels = "2-3") => client.ExpectAsync(
        200, "SETUP", $"{client.Url()}/trackID={Backchannel.Key}", $"Transport: RTP/AVP/TCP;unicast;interleaved={channels}\r\n{Require}");

    // A viewer that may talk.
    private static async Task<ServerClient> TalkAsync(ServerBench bench)
    {
        var client = bench.Open();
        await client.SetUpAsync();
        await SetUpTalkAsync(client);
        await client.ExpectAsync(200, "PLAY", client.Url());
        return client;
    }

    // 20 ms of G.711.
    private static Task SayAsync(ServerClient client, int number, byte channel = 2, int payloadType = 8, uint ssrc = 7) =>
        client.SendFrameAsync(channel, TestServer.Rtp(number, payloadType, (uint)(160 * number), Sound(number), ssrc));

    private static byte[] Sound(int number)
    {
        var sound = new byte[160];
        Array.Fill(sound, (byte)number);
        return sound;
    }

    private static RtpHeader HeaderOf(byte[] packet)
    {
        Assert.That(RtpHeader.TryParse(packet, out var header, out _), Is.True);
        return header;
    }

    private static string Basic(string user) => $"Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:x"))}";

    private sealed class OnlyTalkers : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            var user = request.Peer.Credentials.User;
            var isRight = (request.Action, user) is (StreamAction.Play, "viewer") or (StreamAction.Talk, "talker");
            return new(isRight ? AuthorizationResult.Allow(user) : AuthorizationResult.Deny());
        }
    }
}
