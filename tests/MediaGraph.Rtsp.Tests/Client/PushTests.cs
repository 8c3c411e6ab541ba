using System.Text;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Tests.Rtp;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: R4 (client half).
internal sealed class PushTests
{
    private static readonly Codec Audio = new(MediaKind.Audio, CodecNames.Pcmu, 8000, 1);

    [Test]
    public async Task R4_a_stream_is_announced_and_no_media_precedes_the_agreement()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        feed.Write(new byte[160], TimeSpan.Zero);
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptAsync(request => request.Method == RtspMethods.Record ? "" : null);
        var record = await server.ExpectAsync(RtspMethods.Record);
        feed.Write(new byte[160], TimeSpan.FromSeconds(1));
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "ANNOUNCE", "SETUP", "RECORD" }));
        Assert.That(Encoding.UTF8.GetString(server.Requests.ElementAt(1).Body.Span), Does.Contain("a=rtpmap:0 PCMU/8000"));
        Assert.That(server.Requests.ElementAt(1).Headers["Content-Type"], Is.EqualTo("application/sdp"));
        Assert.That(server.Requests.ElementAt(2).Uri, Is.EqualTo("rtsp://server.example/cam/trackID=0"));
        Assert.That(server.Requests.ElementAt(2).Headers["Transport"], Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"));
        Assert.That(server.Frames, Is.Empty);
        await server.SendAsync(TestServer.Reply(200).Replace("{CSeq}", record.Headers["CSeq"], StringComparison.Ordinal));
        var transfer = await pushing;
        feed.Write(new byte[160], TimeSpan.FromSeconds(2));
        await Eventually.Async(() => server.Frames.Any(frame => frame.Channel == 0), "media");
        Assert.That(transfer.IsPush);
        Assert.That(async () => await transfer.SetUpAsync(Track.Audio()), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Sender_reports_go_out_at_once_and_in_intervals()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        var (server, _) = await PushAsync(bench);
        feed.Write(new byte[160], TimeSpan.Zero);
        await bench.PassAsync(2);
        await Eventually.EqualAsync(() => Reports(server), 1, "reports");
        await bench.PassAsync(4);
        await Eventually.EqualAsync(() => Reports(server), 2, "reports");
    }

    [Test]
    public async Task The_end_says_goodbye_and_tears_down()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        var (server, transfer) = await PushAsync(bench);
        feed.Write(new byte[160], TimeSpan.Zero);
        await transfer.DisposeAsync();
        Assert.That(server.Methods.Last(), Is.EqualTo("TEARDOWN"));
        Assert.That(server.Frames.Any(frame => frame.Channel == 1 && frame.Payload.AsSpan().IndexOf([(byte)0x81, (byte)203]) > 0), "a goodbye");
    }

    [Test]
    public async Task The_end_of_the_stream_ends_the_push()
    {
        await using var bench = new ClientBench();
        var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        var (server, transfer) = await PushAsync(bench);
        await feed.DisposeAsync();
        await bench.PassUntilTeardownAsync(server);
        await bench.EndOfAsync(transfer);
        Assert.That(server.Methods, Has.Exactly(1).EqualTo("TEARDOWN"));
    }

    [Test]
    public async Task P12_parameters_that_the_server_was_not_told_of_end_the_push_with_a_word()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Vectors.Aac));
        var (server, transfer) = await PushAsync(bench);
        feed.Write([1, 2, 3], TimeSpan.Zero);
        await Eventually.Async(() => server.Frames.Any(frame => frame.Channel == 0), "media");
        feed.Tracks[0].Announce(Codec.Aac([0x11, 0x90])); // 48,000 Hz: the description said something else
        feed.Write([1, 2, 3], TimeSpan.FromSeconds(1));
        await server.ExpectAsync("TEARDOWN"); // before time goes by, of which a goodbye has little
        Assert.That((await bench.EndOfAsync(transfer)).Code, Is.EqualTo(CloseCode.CodecMismatch));
        Assert.That(server.Methods, Has.Exactly(1).EqualTo("TEARDOWN"));
    }

    [Test]
    public async Task A_stream_that_nobody_publishes_is_not_pushed()
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(bench.Client.PushAsync("live/cam", ClientBench.Url()));
        Assert.That(failure.Reason.Text, Is.EqualTo("nobody publishes this stream"));
        Assert.That(bench.ClientEnds, Is.Empty);
    }

    [Test]
    public async Task A_stream_that_sends_nothing_is_not_waited_for_long()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish(new PublishRequest("live/cam"));
        var failure = await bench.FailAsync(bench.Client.PushAsync("live/cam", ClientBench.Url()));
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.Deadline, "the stream's publisher sends nothing")));
    }

    [Test]
    public async Task Nothing_is_pushed_through_a_tunnel()
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        var failure = await bench.FailAsync(bench.Client.PushAsync("live/cam", ClientBench.Url("rtsp://server.example/cam#transport=http")));
        Assert.That(failure.Reason.Text, Is.EqualTo("a stream cannot be pushed through an HTTP tunnel"));
    }

    [TestCase(RtspMethods.Announce, 403)]
    [TestCase(RtspMethods.Record, 455)]
    public async Task A_refusal_fails_the_call(string stage, int status)
    {
        await using var bench = new ClientBench();
        await using var feed = bench.Hub.Publish("live/cam", Track.Of(Audio));
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        await bench.AcceptAsync(request => request.Method == stage ? TestServer.Reply(status) : null);
        Assert.That((await bench.FailAsync(pushing)).StatusCode, Is.EqualTo(status));
        Assert.That(bench.Hub.Find("live/cam")!.GetSnapshot().Consumers, Is.Empty);
    }

    private static async Task<(TestServer Server, RtspTransfer Transfer)> PushAsync(ClientBench bench)
    {
        var pushing = bench.Client.PushAsync("live/cam", ClientBench.Url());
        var server = await bench.AcceptAsync();
        return (server, await pushing.WaitAsync(Eventually.DefaultLimit, TimeProvider.System));
    }

    private static int Reports(TestServer server) => server.Frames.Count(frame => frame.Channel == 1 && frame.Payload[1] == 200);
}
