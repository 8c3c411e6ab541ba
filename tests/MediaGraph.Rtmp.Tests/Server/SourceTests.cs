using MediaGraph.Media;
using MediaGraph.Rtmp.Tests.Support;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: S4, S8, M2, M3.
internal sealed class SourceTests
{
    [Test]
    public async Task S4_A_player_waits_visibly_and_is_fed_when_the_source_delivers()
    {
        await using var bench = new Bench();
        var source = await SetAsync(bench);
        var player = await bench.PlayAsync("cam");
        var (session, _) = await source.NextAsync();
        Assert.That(bench.Snapshot("live/cam").Consumers.Single().State, Is.EqualTo(SubscriptionState.Waiting));
        session.Publish(Track.Of(new Codec(MediaKind.Audio, CodecNames.Pcma, 8000, 1)))
            .Tracks[0].Write(new byte[160], TimeSpan.Zero);
        await Eventually.Async(() => player.Media.Count > 0, "sound");
        Assert.That(bench.Snapshot("live/cam").Consumers.Single().State, Is.EqualTo(SubscriptionState.Fed));
    }

    [Test]
    public async Task S8_M3_A_player_is_told_why_the_source_cannot_be_had()
    {
        await using var bench = new Bench();
        var source = await SetAsync(bench);
        var player = await bench.PlayAsync("cam");
        await source.FailNextAsync("the camera refused");
        var end = await player.ExpectStatusAsync("NetStream.Play.Failed");
        Assert.That(end.Values[3].AsObject!["level"].AsString, Is.EqualTo("error"));
        Assert.That(
            end.Values[3].AsObject!["description"].AsString,
            Does.StartWith("the source does not deliver: the camera refused; the next try is in "));
        Assert.That(bench.Snapshot("live/cam") is { Leases: 0, Consumers: [] });
    }

    [Test]
    public async Task S4_M2_A_player_that_closes_while_it_waits_frees_everything_at_once()
    {
        await using var bench = new Bench();
        var source = await SetAsync(bench);
        var player = await bench.PlayAsync("cam");
        await source.NextAsync();
        await player.DisposeAsync();
        await Eventually.EqualAsync(() => source.Open, 0, "sessions of the source"); // no time goes by
        Assert.That(bench.Snapshot("live/cam") is { Leases: 0, Consumers: [] });
    }

    [Test]
    public async Task A_stream_with_sources_cannot_be_published()
    {
        await using var bench = new Bench();
        await SetAsync(bench);
        var publisher = await bench.ConnectAsync();
        await publisher.CreateStreamAsync();
        await publisher.CommandAsync(1, "publish", MediaGraph.Rtmp.Amf.AmfValue.Null, "cam", "live");
        var refusal = await publisher.ExpectStatusAsync("NetStream.Publish.BadName");
        Assert.That(refusal.Values[3].AsObject!["description"].AsString, Is.EqualTo("the stream has sources of its own"));
    }

    private static async Task<LedSource> SetAsync(Bench bench)
    {
        var source = new LedSource();
        bench.Hub.AddSourceProtocol(source);
        await bench.Hub.SetStreamAsync(new StreamDefinition("live/cam") { Sources = ["led:"], Linger = TimeSpan.Zero });
        return source;
    }
}
