using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>RTSP through HTTP.</summary>
[TestFixture]
public sealed class TunnelTests
{
    private const string Cookie = "Zq5bzDo1sFy0ClzQ";

    [Test]
    public async Task A_viewer_plays_through_a_tunnel_however_its_Base64_is_cut()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var get = await GetAsync(bench);
        var post = await PostAsync(bench);
        var requests = Encode(get.Request("OPTIONS", "*")) // each encoded by itself, with padding of its own
            + Encode(get.Request("DESCRIBE", get.Url())) + Encode(get.Request("DESCRIBE", get.Url() + "/")) + "\r\n"
            + Encode(get.Request("DESCRIBE", get.Url() + "?a"))
            + Encode(get.Request("SETUP", get.Url() + "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"))
            + Encode(get.Request("PLAY", get.Url()));
        var random = new Random(1);
        for (var at = 0; at < requests.Length;)
        {
            var count = Math.Min(requests.Length - at, random.Next(1, 40));
            await post.SendAsync(requests.Substring(at, count));
            at += count;
            if (random.Next(3) == 0)
                await Task.Yield();
        }

        await Eventually.Async(() => get.FramesOf(0).Count > 0, $"media behind {string.Join(", ", get.Responses)}");
        Assert.That(get.Responses.Select(r => r.Status), Has.All.EqualTo(200));
        Assert.That(post.Items, Is.Empty, "nothing comes on the POST's connection");
    }

    [Test]
    public async Task The_session_dies_with_the_GET_and_takes_the_POST_along()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var get = await GetAsync(bench);
        var post = await PostAsync(bench);
        await PlayAsync(get, post);
        get.Transport.CompleteOutput();
        await bench.AdvanceToConnectionsAsync(0);
        await post.EndsAsync();
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Is.Empty);
    }

    [Test]
    public async Task A_POST_that_has_ended_may_be_followed_by_another_while_the_stream_plays_on()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var get = await GetAsync(bench);
        var post = await PostAsync(bench);
        await PlayAsync(get, post);
        post.Transport.CompleteOutput();
        await bench.AdvanceToConnectionsAsync(1);
        var count = get.FramesOf(0).Count;
        ServerBench.WriteKeyframe(feed, 40);
        await Eventually.Async(() => get.FramesOf(0).Count > count, "media without a POST");
        var next = await PostAsync(bench);
        await next.SendAsync(Encode(get.Request("TEARDOWN", get.Url())));
        await Eventually.EqualAsync(() => get.Responses.Count, 4, "answers");
    }

    [Test]
    public async Task A_second_POST_at_a_time_and_one_of_another_cookie_or_address_are_refused()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var get = await GetAsync(bench);
        var post = await PostAsync(bench);
        await PlayAsync(get, post);
        foreach (var (cookie, address) in new[] { (Cookie, ServerBench.Address), ("wrong", ServerBench.Address), (Cookie, ServerBench.OtherAddress) })
        {
            var other = await PostAsync(bench, cookie, address);
            await Eventually.EqualAsync(() => other.Responses.Count, 1, "answers");
            Assert.That((other.Responses[0].Version, other.Responses[0].Status), Is.EqualTo(("HTTP/1.0", 404)));
            await bench.AdvanceToConnectionsAsync(2);
            await other.EndsAsync();
        }

        await post.SendAsync(Encode(get.Request("OPTIONS", "*")));
        await Eventually.EqualAsync(() => get.Responses.Count, 4, "answers");
    }

    [Test]
    public async Task H4_what_is_tunnelled_over_TLS_is_not_said_in_the_open()
    {
        await using var bench = new ServerBench();
        var get = bench.Open(protocol: "rtsps");
        await get.SendAsync(Get);
        await Eventually.EqualAsync(() => get.Responses.Count, 1, "answers to GET");
        var post = await PostAsync(bench);
        await Eventually.EqualAsync(() => post.Responses.Count, 1, "answers to POST");
        Assert.That(post.Responses[0].Status, Is.EqualTo(404));
    }

    [TestCase("GET /live/cam HTTP/1.1\r\n\r\n")]
    [TestCase("GET /live/cam HTTP/1.1\r\nx-sessioncookie: \r\n\r\n")]
    [TestCase("PUT /live/cam HTTP/1.1\r\nx-sessioncookie: abc\r\n\r\n")]
    public async Task HTTP_that_is_no_tunnel_is_refused(string request)
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.SendAsync(request);
        await Eventually.EqualAsync(() => client.Responses.Count, 1, "answers");
        Assert.That(client.Responses[0].Status, Is.EqualTo(400).Or.EqualTo(404));
        await bench.AdvanceToConnectionsAsync(0);
    }

    [Test]
    public async Task A_second_GET_with_the_same_cookie_is_refused()
    {
        await using var bench = new ServerBench();
        await GetAsync(bench);
        var second = bench.Open();
        await second.SendAsync(Get);
        await Eventually.EqualAsync(() => second.Responses.Count, 1, "answers");
        Assert.That(second.Responses[0].Status, Is.EqualTo(400));
        await bench.AdvanceToConnectionsAsync(1);
    }

    [Test]
    public async Task A_tunnel_through_which_no_request_comes_within_10_s_is_closed()
    {
        await using var bench = new ServerBench();
        var get = await GetAsync(bench);
        bench.AdvanceBySteps(10);
        await get.EndsAsync();
        await bench.AdvanceToConnectionsAsync(0);
        var late = await PostAsync(bench);
        await Eventually.EqualAsync(() => late.Responses.Count, 1, "answers");
        await bench.AdvanceToConnectionsAsync(0);
    }

    [Test]
    public async Task What_is_no_Base64_ends_the_POST()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var get = await GetAsync(bench);
        var post = await PostAsync(bench);
        await PlayAsync(get, post);
        await post.SendAsync("T1BU!");
        await bench.AdvanceToConnectionsAsync(1);
        await post.EndsAsync();
        Assert.That(get.HasEnded, Is.False);
    }

    private const string Get =
        $"GET /live/cam HTTP/1.0\r\nx-sessioncookie: {Cookie}\r\nAccept: application/x-rtsp-tunnelled\r\nPragma: no-cache\r\n\r\n";

    private static string Encode(string text) => Convert.ToBase64String(Encoding.Latin1.GetBytes(text));

    private static async Task<ServerClient> GetAsync(ServerBench bench)
    {
        var client = bench.Open();
        await client.SendAsync(Get);
        await Eventually.EqualAsync(() => client.Responses.Count, 1, "answers to GET");
        var response = client.Responses[0];
        Assert.That((response.Version, response.Status), Is.EqualTo(("HTTP/1.0", 200)));
        Assert.That(response.Headers[RtspHeaderNames.ContentType], Is.EqualTo("application/x-rtsp-tunnelled"));
        return client;
    }

    private static async Task<ServerClient> PostAsync(ServerBench bench, string cookie = Cookie, System.Net.IPEndPoint? address = null)
    {
        var client = bench.Open(address);
        await client.SendAsync(
            $"POST /live/cam HTTP/1.0\r\nx-sessioncookie: {cookie}\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n");
        return client;
    }

    private static async Task PlayAsync(ServerClient get, ServerClient post)
    {
        await post.SendAsync(
            Encode(get.Request("SETUP", get.Url() + "/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"))
            + Encode(get.Request("PLAY", get.Url())));
        await Eventually.Async(() => get.FramesOf(0).Count > 0, $"media behind {string.Join(", ", get.Responses)}");
    }
}
