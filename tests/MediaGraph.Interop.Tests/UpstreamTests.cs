using MediaGraph.Rtmp;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtsp;
using MediaGraph.Rtsp.Client;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

// Rows: S17, S19.

/// <summary>An edge fetches what its viewers ask for from an origin: two hubs with servers, and a third with the viewers.</summary>
[Category("Socket")]
public sealed class UpstreamTests
{
    [TestCase("rtmp")]
    [TestCase("rtsp")]
    public async Task S19_An_edge_has_what_the_origin_has_while_somebody_watches_and_nothing_else(string scheme)
    {
        await using var origin = await Destination.StartAsync(scheme);
        await origin.Hub.SetStreamAsync(new StreamDefinition("live/cam") { Sources = [$"file:{await Clips.ShortAsync()}"], Preload = true });
        await using var edge = await Destination.StartAsync(scheme, 0, new StreamHubOptions
        {
            Upstream = new UpstreamOptions(origin.Url("{name}")) { Names = "live/.+" },
            Sources = new SourceOptions { Linger = TimeSpan.FromMilliseconds(200) },
        });
        await using var rtmp = new RtmpClient(edge.Hub);
        await using var rtsp = new RtspClient(edge.Hub);
        edge.Hub.AddSourceProtocol(new RtmpSourceProtocol(rtmp));
        edge.Hub.AddSourceProtocol(new RtspSourceProtocol(rtsp));
        await using var viewers = new Viewers(scheme);

        var first = await viewers.PullAsync(edge.Url("live/cam"), "first");
        var second = await viewers.PullAsync(edge.Url("live/cam"), "second");
        await viewers.WaitForMediaAsync("first");
        await viewers.WaitForMediaAsync("second");
        Assert.That(origin.Hub.Find("live/cam")!.GetSnapshot().Consumers, Has.Length.EqualTo(1), "each stream is fetched once");
        Assert.That(edge.Hub.GetSnapshot().Streams.Single().Consumers, Has.Length.EqualTo(2));

        // A name that the origin has not, and one that is not allowed.
        await viewers.FailAsync(edge.Url("live/none"), "third");
        await viewers.FailAsync(edge.Url("other/cam"), "third");
        await Eventually.Async(() => edge.Hub.GetSnapshot().Streams.Length == 1, "what cannot be had leaves nothing");
        Assert.That(origin.Hub.GetSnapshot().Streams, Has.Length.EqualTo(1), "the origin has its own stream alone");

        await first.DisposeAsync();
        await second.DisposeAsync();
        await Eventually.Async(() => edge.Hub.GetSnapshot().Streams.IsEmpty, "the fetched stream is gone");
        await Eventually.Async(() => origin.Hub.Find("live/cam")!.GetSnapshot().Consumers.IsEmpty, "the origin sends nothing");
        await Eventually.Async(() => rtmp.Connections + rtsp.Connections == 0, "no connection is left");
    }

    /// <summary>A hub whose client pulls from the edge.</summary>
    private sealed class Viewers : IAsyncDisposable
    {
        private readonly StreamHub _hub = new(new StreamHubOptions { WaitForPublisher = TimeSpan.Zero });
        private readonly RtmpClient _rtmp;
        private readonly RtspClient _rtsp;
        private readonly string _scheme;

        public Viewers(string scheme)
        {
            _scheme = scheme;
            _rtmp = new RtmpClient(_hub);
            _rtsp = new RtspClient(_hub);
        }

        public async Task<IAsyncDisposable> PullAsync(string url, string name) => _scheme == "rtmp"
            ? await _rtmp.PullAsync(RtmpUrl.Parse(url), name)
            : await _rtsp.PullAsync(RtspUrl.Parse(url), name);

        /// <summary>RTMP's server agrees first, and ends the stream when it learns that there is none.</summary>
        public async Task FailAsync(string url, string name)
        {
            try
            {
                var pull = await PullAsync(url, name);
                if (pull is not RtmpTransfer transfer)
                    throw new AssertionException("It was had.");
                await transfer.Completion;
                Assert.That(_hub.Find(name), Is.Null);
            }
            catch (Exception e) when (e is RtmpClientException or RtspClientException)
            {
                Assert.That(e.Message, Is.Not.Empty);
            }
        }

        public Task WaitForMediaAsync(string name) => Eventually.Async(
            () => _hub.Find(name)?.GetSnapshot().Feed is { VideoPackets: > 10, AudioPackets: > 10 }, $"media of {name}");

        public async ValueTask DisposeAsync()
        {
            await _rtmp.DisposeAsync();
            await _rtsp.DisposeAsync();
            await _hub.DisposeAsync();
        }
    }
}
