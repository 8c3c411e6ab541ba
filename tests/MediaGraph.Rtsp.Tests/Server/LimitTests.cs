using MediaGraph.Graph;
using MediaGraph.Rtsp.Server;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>Deadlines and limits.</summary>
[TestFixture]
public sealed class LimitTests
{
    [TestCase("")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n")]
    public async Task A_connection_without_a_whole_first_request_is_cut_after_10_s(string text)
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.SendAsync(text);
        bench.AdvanceBySteps(9);
        if (text.Length > 0)
            await client.SendAsync("X"); // a byte now and then is no reason to wait longer
        Assert.That(client.HasEnded, Is.False);
        bench.AdvanceBySteps(1);
        await client.EndsAsync();
    }

    [Test]
    public async Task A_body_that_does_not_come_is_waited_for_10_s()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        await client.ExpectAsync(200, "OPTIONS", "*");
        await client.SendAsync("ANNOUNCE rtsp://s/live/cam RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 1000\r\n\r\nv=0");
        for (var i = 0; i < 9; i++)
        {
            await Task.Yield();
            bench.AdvanceBySteps(1);
            await client.SendAsync("x");
        }

        Assert.That(client.HasEnded, Is.False);
        await Eventually.Async(
            () =>
            {
                bench.AdvanceBySteps(1);
                return client.HasEnded;
            },
            "the end");
        Assert.That(bench.Log.Of(3005).Single().ToString(), Does.Contain("a request took too long"));
    }

    [Test]
    public async Task A_session_that_does_nothing_ends_after_60_s_and_any_request_refreshes_it()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.SetUpAsync();
        for (var i = 0; i < 3; i++)
        {
            bench.AdvanceBySteps(50);
            await client.ExpectAsync(200, "GET_PARAMETER", client.Url());
        }

        bench.AdvanceBySteps(59);
        Assert.That(client.HasEnded, Is.False);
        bench.AdvanceBySteps(1);
        await client.EndsAsync();
    }

    [Test]
    public async Task A_viewer_over_TCP_that_says_nothing_stays_as_long_as_it_takes_what_it_is_sent()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await Eventually.Async(() => client.FramesOf(0).Count > 0, "media");
        for (var i = 0; i < 100; i++)
        {
            bench.AdvanceBySteps(3);
            var had = client.FramesOf(0).Count;
            ServerBench.WriteFrame(feed, 40 * (i + 1));
            await Eventually.Async(() => client.FramesOf(0).Count > had, "the next frame");
        }

        await client.ExpectAsync(200, "OPTIONS", "*");
    }

    [Test]
    public async Task More_requests_than_100_in_a_second_end_the_connection()
    {
        await using var bench = new ServerBench();
        var client = bench.Open();
        for (var i = 0; i < 101; i++)
            await client.SendAsync(client.Request("OPTIONS", "*"));
        await Eventually.EqualAsync(() => client.Responses.Count, 100, "responses");
        await bench.AdvanceToConnectionsAsync(0);
        Assert.That(bench.TakeEvents().OfType<Events.ConnectionClosed>().Single().Reason.Code, Is.EqualTo(CloseCode.LimitExceeded));
    }

    [Test]
    public async Task Connections_beyond_the_limit_are_refused_and_counted_and_silent_ones_leave_room()
    {
        await using var bench = new ServerBench(new RtspServerOptions
        {
            Connections = new() { MaxConnections = 3, MaxHalfOpenPerAddress = 2 },
        });
        bench.Open();
        bench.Open();
        var third = bench.Open();
        await third.EndsAsync();
        var other = bench.Open(ServerBench.OtherAddress);
        await other.ExpectAsync(200, "OPTIONS", "*");
        Assert.That(bench.Server.RefusedConnections, Is.EqualTo(1));
        bench.AdvanceBySteps(10);
        await bench.AdvanceToConnectionsAsync(1);
        Assert.That(other.HasEnded, Is.False);
    }

    [Test]
    public async Task Stopping_tells_every_peer_and_returns_when_all_have_ended()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        await Eventually.Async(() => client.FramesOf(1).Count > 0, "a report");
        var stopping = bench.Server.StopAsync();
        await Eventually.Async(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromMilliseconds(50));
                return stopping.IsCompleted;
            },
            "the stop");
        await client.EndsAsync();
        Assert.That(client.FramesOf(1)[^1][^8..], Has.Length.EqualTo(8).And.ItemAt(1).EqualTo((byte)203), "BYE");
        Assert.That(bench.Server.Connections, Is.Zero);
    }

    [Test]
    public async Task A_stop_whose_time_is_up_cuts_who_does_not_read()
    {
        await using var bench = new ServerBench();
        await using var feed = bench.Publish();
        var client = await bench.PlayAsync();
        client.Server!.LimitSends(0);
        ServerBench.WriteKeyframe(feed, 40, 60_000);
        using var now = new CancellationTokenSource();
        var stopping = bench.Server.StopAsync(now.Token);
        await now.CancelAsync();
        await stopping;
        Assert.That(bench.Server.Connections, Is.Zero);
    }

    [Test]
    public void Options_out_of_range_are_all_named()
    {
        var options = new RtspServerOptions
        {
            SessionTimeout = default,
            UdpPorts = (80, 81),
            MaxSetups = 0,
            Connections = new() { MaxPerAddress = 0 },
            Limits = new() { MaxHeaders = 0 },
            Authentication = new() { Realm = "\"" },
        };
        Assert.That(options.Validate("Rtsp:"), Has.Exactly(6).Items.And.All.StartsWith("Rtsp:"));
        Assert.That(new RtspServerOptions().Validate(), Is.Empty);
    }
}
