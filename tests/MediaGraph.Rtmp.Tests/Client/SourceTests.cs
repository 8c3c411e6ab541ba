using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: S4, S10, S12, S20, T2.
internal sealed class SourceTests
{
    [Test]
    public async Task A_source_plays_while_somebody_wants_it_and_says_that_it_leaves()
    {
        await using var bench = await SetAsync(linger: TimeSpan.Zero);
        var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptPlayAsync("rtmp://server.example/live/***");
        await server.HeadersAsync(1);
        await server.GroupAsync(1, 0);
        await ReadyAsync(bench, lease);
        Assert.That(bench.Hub.Find("cam")!.Receivers.Select(receiver => receiver.Codec!.Name), Is.EquivalentTo(new[] { "H264", "AAC" }));

        lease.Dispose();
        await server.ExpectAsync(message => message.Name == "deleteStream", "deleteStream"); // before time goes by, of which a goodbye has little
        await AdvanceUntilAsync(bench, SourceState.Idle);
        Assert.That((bench.Client.Connections, Snapshot(bench).Runs, Snapshot(bench).Failures), Is.EqualTo((0, 1L, 0L)));
    }

    [Test]
    public async Task T8_Nothing_is_opened_for_those_who_only_talk()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam", SourceMedia.Talk);
        await ReadyAsync(bench, lease);
        await Eventually.EqualAsync(() => Snapshot(bench).State, SourceState.Idle, "the state");
        Assert.That(bench.ClientEnds, Is.Empty);
    }

    [TestCase("the handshake")]
    [TestCase("connect")]
    [TestCase("play")]
    public async Task S4_S20_T2_A_stop_takes_a_second_at_most_whatever_the_server_does_not_answer(string silent)
    {
        await using var bench = await SetAsync(linger: TimeSpan.Zero);
        var lease = bench.Hub.Lease("cam");
        var server = silent switch
        {
            "the handshake" => await bench.AcceptAsync(),
            "connect" => (await bench.AcceptConnectAsync()).Server,
            _ => await bench.AcceptStreamAsync(),
        };
        if (silent == "play")
            await server.ExpectAsync(message => message.Name == "play", "play");
        lease.Dispose();
        var began = bench.Time.GetTimestamp();
        await Eventually.Async(
            () =>
            {
                var isOver = Snapshot(bench).State == SourceState.Idle;
                if (!isOver && bench.Time.GetElapsedTime(began) < TimeSpan.FromSeconds(1))
                    bench.Time.Advance(TimeSpan.FromMilliseconds(10));
                return isOver;
            },
            "the source's end");
        Assert.That(bench.Client.Connections, Is.Zero);
    }

    [Test]
    public async Task S10_A_server_that_refuses_is_tried_again_and_viewers_are_told_why_without_what_is_secret()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptStreamAsync();
        await server.ExpectAsync(message => message.Name == "play", "play");
        await server.CommandAsync(1, "onStatus", AmfValue.Null, new AmfObject(
            new AmfProperty("level", "error"), new AmfProperty("code", "NetStream.Play.StreamNotFound"),
            new AmfProperty("description", "There is no key-of-cam at server.example.")));
        var failure = await FailureAsync(bench, lease);
        Assert.That(
            failure.Message, Does.StartWith("the source does not deliver: the server refused: NetStream.Play.StreamNotFound; the next try"));
        var next = await bench.AdvanceUntilAsync(bench.AcceptPlayAsync());
        await Eventually.EqualAsync(() => Snapshot(bench).State, SourceState.Live, "the state");
        await next.DisposeAsync();
        await AdvanceUntilAsync(bench, SourceState.BackingOff);
        Assert.That((Snapshot(bench).Runs, Snapshot(bench).Failures), Is.EqualTo((2L, 2L)));
    }

    [Test]
    public async Task A_server_that_says_nothing_is_tried_again()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        await bench.AcceptAsync();
        var failure = await FailureAsync(bench, lease);
        Assert.That(failure.Message, Does.StartWith("the source does not deliver: ").And.Not.Contain("example"));
        await AdvanceUntilAsync(bench, SourceState.BackingOff);
    }

    [Test]
    public async Task A_server_that_falls_silent_or_ends_the_stream_is_left_for_a_new_session()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptPlayAsync();
        await server.HeadersAsync(1);
        await server.GroupAsync(1, 0);
        await ReadyAsync(bench, lease);
        await AdvanceUntilAsync(bench, SourceState.BackingOff);
        Assert.That(Snapshot(bench).LastFailure!.Text, Does.EndWith("fell silent"));

        var next = await bench.AdvanceUntilAsync(bench.AcceptPlayAsync());
        await next.StatusAsync(1, "NetStream.Play.UnpublishNotify");
        await AdvanceUntilAsync(bench, SourceState.BackingOff);
        Assert.That(Snapshot(bench).LastFailure!.Text, Does.StartWith("the server's stream has ended"));
    }

    [Test]
    public async Task A_server_that_asks_to_reconnect_is_followed_once()
    {
        await using var bench = await SetAsync();
        using var lease = bench.Hub.Lease("cam");
        var server = await bench.AcceptPlayAsync();
        await server.StatusAsync(
            0, "NetConnection.Connect.ReconnectRequest", "status", new AmfProperty("tcUrl", "rtmp://server.example/other"));
        var next = await bench.AdvanceUntilAsync(bench.AcceptPlayAsync("rtmp://server.example/other/***"));
        await next.DisposeAsync();
        await bench.AdvanceUntilAsync(bench.AcceptPlayAsync("rtmp://server.example/live/***"));
    }

    private static async Task<ClientBench> SetAsync(TimeSpan? linger = null)
    {
        var bench = new ClientBench();
        await bench.Hub.SetStreamAsync(
            new StreamDefinition("cam") { Sources = ["rtmp://me:secret@server.example/live/key-of-cam"], Linger = linger });
        return bench;
    }

    private static SourceSnapshot Snapshot(ClientBench bench) => bench.Snapshot("cam").Sources[0];

    private static Task AdvanceUntilAsync(ClientBench bench, SourceState state) => bench.Time.AdvanceUntilAsync(
        () => Snapshot(bench).State == state, TimeSpan.FromMilliseconds(100), $"the source is {state}");

    private static async Task ReadyAsync(ClientBench bench, StreamLease lease) =>
        await await bench.AdvanceUntilAsync(lease.WhenReadyAsync(CancellationToken.None).ContinueWith(t => t, TaskScheduler.Default));

    private static async Task<StreamException> FailureAsync(ClientBench bench, StreamLease lease) =>
        (await Assert.CatchAsync<StreamException>(() => ReadyAsync(bench, lease)))!;
}
