using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using MediaGraph.Containers.AnnexB;
using MediaGraph.Containers.Flv;
using MediaGraph.Diagnostics;
using MediaGraph.Events;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Relays;
using MediaGraph.Rtmp;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Server;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Tapo;
using MediaGraph.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

/// <summary>
/// The C# of README.md and docs, run. The documents' text is compared with these files: lines as they are here, but for the
/// indentation and for the ports, which are 1935 and 8554 there.
/// </summary>
[TestFixture]
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed partial class SnippetsTests
{
    private static readonly byte[] Sps = Convert.FromHexString("67640028acd940780227e5c044000003000400000300c83c60c658");
    private static readonly byte[] Pps = Convert.FromHexString("68ebe3cb22c0");
    private static readonly byte[] Keyframe = [0, 0, 0, 4, 0x65, 0x88, 0x84, 0];

    // The code that the documents show, and the directives that it needs.
    private static readonly string[] Sources =
        ["SnippetsTests.cs", "TokenAuthorizer.cs", "PasswordAuthorizer.cs", "Intercom.cs", "FlvOverTcp.cs"];

    // What only the tests themselves use.
    private static readonly string[] OwnUsings =
    [
        "using System.Diagnostics.Metrics;", "using System.Text.RegularExpressions;", "using MediaGraph.Diagnostics;",
        "using MediaGraph.Testing;", "using NUnit.Framework;",
    ];

    private static IEnumerable<string> Documents =>
        Directory.EnumerateFiles(RepositoryRoot.Combine("docs"), "*.md").Append(RepositoryRoot.Combine("README.md"))
            .Select(path => Path.GetRelativePath(RepositoryRoot.Path, path));

    [TestCaseSource(nameof(Documents))]
    public void The_code_in_a_document_is_compiled(string document)
    {
        var code = Normalize(string.Join('\n', ReadSources()
            .Append(File.ReadAllText(RepositoryRoot.Combine("samples", "CustomProtocol", "TsOverTcpProtocol.cs")))));
        foreach (var block in BlocksOf(document).Where(block => !AreUsings(block)))
        {
            var text = Normalize(block);
            text = text.Replace("1935", "port", StringComparison.Ordinal).Replace("8554", "port", StringComparison.Ordinal);
            Assert.That(code, Does.Contain(text));
        }
    }

    [Test]
    public void The_namespaces_in_the_documents_are_those_that_their_code_needs()
    {
        var needed = ReadSources().SelectMany(Usings).Distinct().Except(OwnUsings).ToList();
        var guide = BlocksOf(Path.Combine("docs", "embedding.md")).Single(AreUsings);
        Assert.That(Usings(guide), Is.EquivalentTo(needed));
        Assert.That(needed, Is.SupersetOf(Usings(BlocksOf("README.md").Single(AreUsings))));
    }

    [Test]
    public async Task Publishing_over_rtmp_and_watching_by_code()
    {
        const int port = 0;
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;

        await using var hub = new StreamHub();
        await using var rtmp = new RtmpServer(hub, new() { EndPoint = new(IPAddress.Loopback, port) });
        await rtmp.StartAsync(stop);              // binds and throws; then LocalEndPoint is set (port 0 works)

        var clip = RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv");
        var url = $"rtmp://{rtmp.LocalEndPoint}/live/cam";
        await using var encoder = ExternalTool.Start("ffmpeg", ["-v", "error", "-re", "-i", clip, "-t", "1", "-c", "copy", "-f", "flv", url]);
        await Eventually.Async(() => hub.Find("live/cam") is not null, "the encoder publishes");
        Assert.That(hub.GetSnapshot().Streams.Single().Feed!.Protocol, Is.EqualTo("rtmp"));
        var ending = EndWhenFed(hub);

        await foreach (var batch in hub.Subscribe("live/cam", stop))
        {
            using (batch)
            {
                foreach (var packet in batch)
                    Console.WriteLine($"{packet.DecodeTimestamp} {packet.Codec.Name} {packet.Length} bytes");
            }
        }

        await ending;
    }

    [Test]
    public async Task Publishing_over_rtmp_and_watching_over_rtsp()
    {
        const int port = 0;
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;

        await using var hub = new StreamHub();
        await using var rtmp = new RtmpServer(hub, new() { EndPoint = new(IPAddress.Loopback, port) });
        await using var rtsp = new RtspServer(hub, new() { EndPoint = new(IPAddress.Loopback, port) });
        await rtmp.StartAsync(stop);              // binds and throws; then LocalEndPoint is set (port 0 works)
        await rtsp.StartAsync(stop);

        var clip = RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv");
        await using var encoder = ExternalTool.Start(
            "ffmpeg", ["-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", $"rtmp://{rtmp.LocalEndPoint}/live/cam"]);
        await Eventually.Async(() => hub.Find("live/cam") is not null, "the encoder publishes");
        var played = await ExternalTool.RunAsync(
            "ffmpeg", ["-v", "error", "-i", $"rtsp://{rtsp.LocalEndPoint}/live/cam", "-t", "1", "-f", "null", "-"]);
        Assert.That(played.ExitCode, Is.Zero, played.Error);
    }

    [Test]
    public async Task A_stream_with_a_source()
    {
        await using var hub = new StreamHub();
        await using var client = new RtspClient(hub);
        hub.AddSourceProtocol(new RtspSourceProtocol(client));   // a host that was given AddRtsp() has done this
        await hub.SetStreamAsync(new StreamDefinition("porch") { Sources = ["rtsp://192.168.1.20/stream1"] });
        await hub.RemoveStreamAsync("porch");        // returns when the source, its viewers and talkers have ended
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
    }

    [Test]
    public async Task Sources_by_rtmp_and_rtsp_and_from_tapo_cameras()
    {
        await using var hub = new StreamHub();
        await using (var client = new RtmpClient(hub))
        {
            hub.AddSourceProtocol(new RtmpSourceProtocol(client));
            await hub.SetStreamAsync(new StreamDefinition("porch") { Sources = ["rtmp://192.0.2.7/live/porch"] });
        }

        await using (var client = new RtspClient(hub))
        {
            hub.AddSourceProtocol(new RtspSourceProtocol(client));
            await hub.SetStreamAsync(new StreamDefinition("porch") { Sources = ["rtsp://user:password@192.0.2.7/stream1#transport=tcp"] });
        }

        using var tapo = new TapoSourceProtocol();
        hub.AddSourceProtocol(tapo);
        await hub.SetStreamAsync(new StreamDefinition("door") { Sources = ["tapo://PASSWORD@192.168.1.10"] });
        await hub.SetStreamAsync(new StreamDefinition("door")
        {
            Sources = ["rtsp://user:password@192.168.1.10/stream1", "tapo://PASSWORD@192.168.1.10#media=talk"],
        });
        Assert.That(
            hub.GetSnapshot().Streams.SelectMany(stream => stream.Sources).Select(source => source.Name).ToList(),
            Has.Count.EqualTo(3).And.None.Contains("password").And.None.Contains("PASSWORD"));
    }

    [Test]
    public async Task Relays_and_an_edge()
    {
        await using (var hub = new StreamHub())
        {
            await using var rtmp = new RtmpClient(hub);
            await using var rtsp = new RtspClient(hub);
            hub.AddRelayProtocol(new RtmpRelayProtocol(rtmp));   // rtmp:// and rtmps://; a host that was given AddRtmp() has done this
            hub.AddRelayProtocol(new RtspRelayProtocol(rtsp));   // rtsp:// and rtsps://; and AddRtsp() this

            // at run time
            Relay relay = hub.AddRelay("live/cam", "rtmps://live.example/app/secret-key");
            await relay.DisposeAsync();                          // ends it; the server is told

            // Not called: it would dial.
            var withTheStream = async () =>
            {
                // with the stream
                await hub.SetStreamAsync(new StreamDefinition("porch")
                {
                    Sources = ["rtsp://192.0.2.7/stream1"],
                    PushTo = ["rtmp://one.example/live/porch", "rtsp://two.example/porch"],
                });
            };
            _ = withTheStream;
            Assert.That(hub.GetSnapshot().Streams, Is.Empty);
        }

        {
            await using var hub = new StreamHub(new StreamHubOptions
            {
                Upstream = new UpstreamOptions("rtsp://origin.example:port/{name}") { Names = "live/[a-z0-9-]+" },
            });
            Assert.That(hub.GetSnapshot().Streams, Is.Empty);
        }
    }

    [Test]
    public async Task A_lease_keeps_sources_running()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        var clip = RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv");
        await hub.SetStreamAsync(new StreamDefinition("porch") { Sources = [$"file:{clip}"] }, stop);
        using var lease = hub.Lease("porch");            // the sources run from now on
        await lease.WhenReadyAsync(stop);                // throws with the reason when none of them can be had
        Assert.That(lease.Stream.IsPublished);
    }

    [Test]
    public async Task In_and_out_by_code()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        var (sps, pps, accessUnit, presentationTime) = (Sps, Pps, Keyframe, TimeSpan.Zero);
        var received = 0;

        var publishing = Task.Run(
            async () =>
            {
                await using var feed = hub.Publish("live/cam", Track.H264(sps, pps));
                feed.Write(accessUnit, presentationTime);
                await Eventually.Async(() => Volatile.Read(ref received) > 0, "the packet was received");
            },
            stop);
        await Eventually.Async(() => hub.Find("live/cam") is not null, "the stream exists");
        await foreach (var batch in hub.Subscribe("live/cam", stop)) using (batch) { Interlocked.Add(ref received, batch.Count); }
        await publishing;
        Assert.That(received, Is.EqualTo(1));
    }

    [Test]
    public async Task Several_tracks_and_frames_that_are_not_shown_in_the_order_in_which_they_are_decoded()
    {
        await using var hub = new StreamHub();
        var vps = Convert.FromHexString("40010c01ffff02200000030090000003000003005d928090");
        var sps = Convert.FromHexString("42010102200000030090000003000003005da00280802d136592a4932bc05a02000007d20000ea6010");
        var pps = Convert.FromHexString("4401c172b46240");
        byte[] audioSpecificConfig = [0x12, 0x10], picture = [0, 0, 0, 4, 0x26, 1, 0xAF, 0], sound = [0x21, 0x10];
        var (presentationTime, decodeTime) = (TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(40));

        await using var feed = hub.Publish("live/show", Track.H265(vps, sps, pps), Track.Aac(audioSpecificConfig));
        var (video, audio) = (feed.Tracks[0], feed.Tracks[1]);
        video.Write(picture, presentationTime, decodeTime, isKeyframe: true);
        audio.Write(sound, presentationTime);

        Assert.That(
            hub.Find("live/show")!.GetSnapshot().Tracks.Select(track => (track.Codec!.ToString(), track.Packets)),
            Is.EquivalentTo([("H265", 1L), ("AAC/44100/2", 1L)]));
    }

    [Test]
    public async Task A_byte_stream_with_start_codes()
    {
        await using var hub = new StreamHub();
        var ticks = 0L;
        byte[] byteStream = [0, 0, 0, 1, .. Sps, 0, 0, 0, 1, .. Pps, 0, 0, 1, .. Keyframe.AsSpan(4, 3)];

        await using var feed = hub.Publish("live/door");
        var video = new AnnexBFeedWriter(feed, CodecNames.H264);   // or H265
        video.Write(byteStream, ticks, ticks);                     // one access unit, shown and decoded at ticks of 90 kHz
        if (video.Track is not null)
            feed.Settle();                                         // no other track will come: nobody waits for one

        var track = hub.Find("live/door")!.GetSnapshot().Tracks.Single();
        Assert.That((track.Codec!.Name, track.Packets), Is.EqualTo(("H264", 1L)));
    }

    [Test]
    public async Task A_relay_protocol_of_ones_own()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        hub.AddRelayProtocol(new FlvOverTcp());   // or among the services of a host, as an IRelayProtocol
        hub.AddRelay("live/elsewhere", "flv+tcp://192.0.2.7:9000");

        await using var feed = hub.Publish("live/cam", Track.H264(Sps, Pps));
        feed.Write(Keyframe, TimeSpan.Zero);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var relay = hub.AddRelay("live/cam", $"flv+tcp://{listener.LocalEndpoint}");
        using var client = await listener.AcceptTcpClientAsync(stop);
        var reader = new FlvReader(client.GetStream(), hub.Pool);
        var lengths = new List<int>();
        while (lengths.Count < 2 && await reader.ReadAsync(stop) is { } tag)
        {
            lengths.Add(tag.Length);
            tag.Body.Release();
        }

        Assert.That(lengths, Has.Count.EqualTo(2).And.Member(5 + Keyframe.Length), "parameters and the keyframe");
    }

    [Test]
    public async Task Talking_by_code()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        var heard = new MemoryStream();
        var peer = new Peer("intercom");
        var (sps, pps, microphone) = (Sps, Pps, new byte[160]);

        await using var feed = hub.Publish("live/door", Track.H264(sps, pps));
        feed.OfferSpeaker(new Intercom(_ => ValueTask.FromResult<Stream>(heard)));

        await using var talk = await hub.TalkAsync(new TalkRequest("live/door") { Peer = peer }, stop);   // who may, the authorizer says
        for (var time = TimeSpan.Zero; time < TimeSpan.FromSeconds(1); time += TimeSpan.FromMilliseconds(20))
        {
            if (talk.Write(microphone, time) == TalkResult.Busy)   // 20 ms in talk.Codec; the first packet starts the talk
                break;                                             // another talks
        }

        await Eventually.Async(() => hub.Find("live/door")!.GetSnapshot().Speaker!.Talker!.Packets > 0, "the device was given something");
        await talk.DisposeAsync();
        Assert.That(heard.ToArray(), Is.Not.Empty);
    }

    [Test]
    public async Task Relaying_between_servers()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var origin = new StreamHub();
        await using var server = new RtmpServer(origin, new() { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync(stop);
        await using var feed = origin.Publish("live/cam", Track.H264(Sps, Pps));
        await using var hub = new StreamHub();
        var (from, to) = ($"rtmp://{server.LocalEndPoint}/live/cam", $"rtmp://user:password@{server.LocalEndPoint}/app/key");

        var relayed = Task.Run(
            async () =>
            {
                await using var client = new RtmpClient(hub);
                await using var pull = await client.PullAsync(RtmpUrl.Parse(from), "in/cam", stop);   // rtmp://origin.example/live/cam
                await using var push = await client.PushAsync("in/cam", RtmpUrl.Parse(to), stop);     // rtmp://user:password@ingest.example/app/key
                CloseReason reason = await push.Completion;   // ends when the stream, or the connection, does
                return reason;
            },
            stop);
        await ComesBackAsync(origin, feed);
        await hub.DisposeAsync();
        Assert.That((await relayed).Code, Is.EqualTo(CloseCode.Stopping));
    }

    [Test]
    public async Task Pulling_and_pushing_over_rtsp()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var origin = new StreamHub();
        await using var server = new RtspServer(origin, new() { EndPoint = new(IPAddress.Loopback, 0) });
        await server.StartAsync(stop);
        await using var feed = origin.Publish("live/cam", Track.H264(Sps, Pps));
        await using var hub = new StreamHub();
        var (from, to) = ($"rtsp://user:password@{server.LocalEndPoint}/live/cam", $"rtsp://{server.LocalEndPoint}/app/key");

        var relayed = Task.Run(
            async () =>
            {
                await using var client = new RtspClient(hub);
                await using var pull = await client.PullAsync(RtspUrl.Parse(from), "in/cam", stop);   // rtsp://user:password@camera/path#transport=udp
                await using var push = await client.PushAsync("in/cam", RtspUrl.Parse(to), stop);
                CloseReason reason = await push.Completion;   // ends when the stream, or the connection, does
                return reason;
            },
            stop);
        await ComesBackAsync(origin, feed);
        await hub.DisposeAsync();
        Assert.That((await relayed).Code, Is.EqualTo(CloseCode.Stopping));
    }

    [Test]
    public async Task In_a_host()
    {
        var args = new[] { "--MediaGraph:Rtmp:Listen=0", "--MediaGraph:Rtsp:Listen=0" };

        var builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"))
            .AddRtmp().AddRtsp().AddTapo();
        using var host = builder.Build();
        await host.StartAsync();

        Assert.That(host.Services.GetRequiredService<RtmpServer>().LocalEndPoint!.Port, Is.Positive);
        Assert.That(host.Services.GetRequiredService<RtspServer>().LocalEndPoint!.Port, Is.Positive);
        await host.StopAsync();
    }

    [Test]
    public void Options_in_code()
    {
        var services = new ServiceCollection();
        services.AddMediaGraph()
            .ConfigureHub(hub => hub with { WaitForPublisher = TimeSpan.FromSeconds(30) })
            .AddRtmp(rtmp => rtmp with { EndPoint = new(IPAddress.Any, 1936) })
            .AddRtsp(rtsp => rtsp with { UdpPorts = (50_000, 50_099) });

        using var provider = services.BuildServiceProvider();
        Assert.That(provider.GetRequiredService<MediaGraphSettings>().Rtmp.EndPoint.Port, Is.EqualTo(1936));
        Assert.That(provider.GetRequiredService<MediaGraphSettings>().Rtsp.UdpPorts, Is.EqualTo((50_000, 50_099)));
    }

    [Test]
    public async Task Following_events()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        var log = new List<string>();

        using var events = hub.Events.Subscribe();
        await using (hub.Publish("live/cam"))
        {
        }

        events.Dispose(); // what was published before can still be read

        await foreach (var e in events.Reader.ReadAllAsync(stop))
        {
            if (e is PublishStopped stopped)
                log.Add($"{stopped.Stream} was published for {stopped.Duration}: {stopped.Reason}");
        }

        Assert.That(log.Single(), Does.StartWith("live/cam was published for"));
    }

    [Test]
    public async Task Keeping_packets()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        await using var feed = hub.Publish("live/cam", Track.H264(Sps, Pps));
        feed.Write(Keyframe, TimeSpan.Zero);
        var latest = default(MediaPacket);
        var ending = EndWhenFed(hub);

        await foreach (var batch in hub.Subscribe("live/cam", stop))
        {
            using (batch) // releases the batch's references
            {
                foreach (var packet in batch.Where(p => p.IsKeyframe))
                {
                    packet.Retain();   // kept beyond the batch ...
                    latest?.Release(); // ... and given back exactly once
                    latest = packet;
                }
            }
        }

        await ending;
        Assert.That(latest!.Payload.Length, Is.EqualTo(Keyframe.Length));
        latest.Release();
    }

    [Test]
    public async Task Writing_an_FLV_file()
    {
        using var stopping = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        var stop = stopping.Token;
        await using var hub = new StreamHub();
        await using var feed = hub.Publish("live/cam", Track.H264(Sps, Pps));
        feed.Write(Keyframe, TimeSpan.Zero);
        var ending = EndWhenFed(hub);
        var path = Path.GetTempFileName();
        try
        {
            await WriteAsync();
            await ending;
            var tags = File.OpenRead(path);
            await using (tags)
            {
                var reader = new FlvReader(tags, hub.Pool);
                var lengths = new List<int>();
                while (await reader.ReadAsync(stop) is { } tag)
                {
                    lengths.Add(tag.Length);
                    tag.Body.Release();
                }

                Assert.That(lengths, Has.Count.EqualTo(2).And.Member(5 + Keyframe.Length), "parameters and the keyframe");
            }
        }
        finally
        {
            File.Delete(path);
        }

        async Task WriteAsync()
        {
            await using var file = File.Create(path);
            var writer = new FlvWriter(file);
            await foreach (var batch in hub.Subscribe("live/cam", stop))
            {
                using (batch)
                {
                    foreach (var (packet, track) in batch.Zip(batch.Tracks))
                        await writer.WriteAsync(packet, track, stop);
                }
            }
        }
    }

    [Test]
    public async Task Reading_meters()
    {
        await using var hub = new StreamHub();
        await using var feed = hub.Publish("live/cam");
        var streams = 0L;

        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == MetricNames.CoreMeter && instrument.Name == MetricNames.Streams)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((_, value, _, _) => streams += value);
        listener.Start();
        listener.RecordObservableInstruments();

        Assert.That(streams, Is.Positive);
    }

    // When a second frame has come back under another name, both calls have returned.
    private static Task ComesBackAsync(StreamHub origin, Feed feed)
    {
        var time = TimeSpan.Zero;
        return Eventually.Async(
            () =>
            {
                feed.Write(Keyframe, time += TimeSpan.FromMilliseconds(40));
                return origin.Find("app/key")?.GetSnapshot().Tracks.Any(track => track.Packets > 1) == true;
            },
            "the stream comes back under another name");
    }

    private static async Task EndWhenFed(StreamHub hub)
    {
        await Eventually.Async(
            () => hub.Find("live/cam")?.GetSnapshot().Consumers.Any(c => c.Packets.Delivered > 0) == true, "a packet was delivered");
        await hub.DisposeAsync();
    }

    private static IEnumerable<string> ReadSources() =>
        Sources.Select(file => File.ReadAllText(RepositoryRoot.Combine("tests", "MediaGraph.Hosting.Tests", file)));

    private static IEnumerable<string> BlocksOf(string document) =>
        CodeBlock().Matches(File.ReadAllText(RepositoryRoot.Combine(document))).Select(match => match.Groups[1].Value);

    private static bool AreUsings(string block) => Usings(block).Count() == Normalize(block).Split('\n').Length;

    private static IEnumerable<string> Usings(string code) => UsingDirective().Matches(code).Select(match => match.Value);

    private static string Normalize(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^using [\w.]+;", RegexOptions.Multiline)]
    private static partial Regex UsingDirective();
}
