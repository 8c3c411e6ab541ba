using MediaGraph.Media;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Streams;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

// Rows: P3, P4, P9, R8, H4, H5.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FeedTests
{
    private const string Sets = "18 001b" + Vectors.Sps1080 + "0006" + Vectors.Pps1080;
    private const string KeyStart = "7c 85 8840010203";
    private const string KeyEnd = "7c 45 04050607";

    [Test]
    public async Task What_came_by_rtp_goes_on_packet_by_packet_under_new_headers()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        var viewer = bench.Join();
        source.Send(Sets, 0);
        source.Send(KeyStart, 0);
        source.Send(KeyEnd, 0, marker: true);
        source.Send("41 9a 01", 3600);
        source.Send("41 9a 02", 3600, marker: true);
        var packets = await viewer.PacketsAsync();
        Assert.That(packets.Select(PayloadOf), Is.EqualTo(new[] { Sets, KeyStart, KeyEnd, "41 9a 01", "41 9a 02" }.Select(Hex)));
        Assert.That(packets.Select(packet => packet[1] & 0x80), Is.EqualTo([0, 0, 0x80, 0, 0x80]));
        Assert.That(packets.Select(packet => packet[1] & 0x7F), Is.All.EqualTo(96), "the type that was described to the viewer");
        Assert.That(bench.Hub.GetSnapshot().Streams[0].Feed!.VideoPackets, Is.EqualTo(2), "the graph counts frames");
    }

    [Test]
    public async Task Who_wants_frames_is_given_frames_made_of_the_packets()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        using var stop = new CancellationTokenSource();
        await using var batches = bench.Hub.Subscribe("a", stop.Token).GetAsyncEnumerator(stop.Token);
        source.Send(Sets, 0);
        source.Send(KeyStart, 0);
        source.Send(KeyEnd, 0, marker: true);
        source.Send("18 0003 41 9a 01 0003 41 9a 02", 3600, marker: true);
        var frames = new List<string>();
        while (frames.Count < 2 && await batches.MoveNextAsync())
        {
            using var batch = batches.Current;
            foreach (var packet in batch)
            {
                Assert.That(packet.Payload.Length, Is.EqualTo(packet.Length));
                frames.Add(Convert.ToHexString(packet.Payload.Span));
            }
        }

        Assert.That(frames, Is.EqualTo([Vectors.Units("65884001020304050607"), Vectors.Units("419a01", "419a02")]));
    }

    [Test]
    public async Task The_memory_of_packets_is_passed_on_once_and_copied_for_a_later_source()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        var first = bench.Join();
        source.Send(Sets, 0);
        source.Send(KeyStart, 0);
        source.Send(KeyEnd, 0, marker: true);
        var before = await first.PacketsAsync();
        var stored = bench.Hub.Pool.GetStatistics();
        await first.Subscription.DisposeAsync();
        var second = bench.Join(); // a new source, whose numbers are its own
        var after = await second.PacketsAsync();
        Assert.That(after.Select(PayloadOf), Is.EqualTo(before.Select(PayloadOf)));
        Assert.That(after.Select(packet => Convert.ToHexString(packet[..RtpHeader.Length])), Is.Not.EqualTo(before.Select(packet => Convert.ToHexString(packet[..RtpHeader.Length]))));
        Assert.That(bench.Hub.Pool.GetStatistics().OutstandingBytes, Is.GreaterThan(stored.OutstandingBytes), "it has a copy");
        Assert.That(await first.PacketsAsync(), Is.EqualTo(before));
    }

    [Test]
    public async Task P9_the_numbers_go_on_where_the_source_lost_packets_or_starts_over()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        var viewer = bench.Join();
        source.Send("65 88 01", 0, marker: true);
        source.Lose(7);
        source.Send("41 9a 01", 3600, marker: true); // nothing until the next keyframe
        source.Send("65 88 02", 7200, marker: true);
        source.Restart();
        source.Send("65 88 03", 0x70000000, marker: true);
        source.Send("65 88 04", 0x70000000 + 3600, marker: true);
        var packets = await viewer.PacketsAsync();
        Assert.That(
            packets.Select(PayloadOf).Where(payload => payload.StartsWith("6588", StringComparison.Ordinal)), Is.EqualTo(["658801", "658802", "658804"]),
            "the first packet of another source only announces it");
        var first = (packets[0][2] << 8) | packets[0][3];
        Assert.That(packets.Select(p => (p[2] << 8) | p[3]), Is.EqualTo(packets.Select((_, i) => (ushort)(first + i))));
        Assert.That(packets.Select(p => Convert.ToHexString(p[8..12])).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Packets_too_long_for_the_viewers_path_are_cut_anew()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        var viewer = bench.Join();
        var frame = "65 88" + string.Concat(Enumerable.Range(0, 4000).Select(i => $"{(byte)i | 1:X2}"));
        source.Send(frame, 0, marker: true);
        var packets = await viewer.PacketsAsync();
        Assert.That(packets, Has.Count.EqualTo(4));
        Assert.That(packets.Select(packet => packet.Length), Is.All.LessThanOrEqualTo(1400));
        using var received = new DepacketizerBench(options => new H264Depacketizer(Vectors.H264Bare, options));
        foreach (var packet in packets)
        {
            Assert.That(RtpHeader.TryParse(packet, out var header, out var payload));
            received.Push(payload, header.Timestamp, header.Marker);
        }

        Assert.That(received.Payloads, Is.EqualTo([Vectors.Units(Hex(frame))]));
    }

    [Test]
    public async Task What_nobody_understands_passes_as_it_is()
    {
        await using var bench = new GraphBench();
        var jpeg = new Codec(MediaKind.Video, CodecNames.Jpeg, 90_000, form: PayloadForm.Rtp);
        using var source = new Source(bench, jpeg, payloadType: 26);
        var viewer = bench.Join();
        source.Send("00000000 01 02 03 04 AA", 0);
        source.Send("00000005 01 02 03 04 BB", 0, marker: true);
        source.Send("00000000 01 02 03 04 CC", 3600);
        source.Lose();
        source.Send("00000000 01 02 03 04 DD", 3600, marker: true);
        source.Send("00000000 01 02 03 04 EE", 7200, marker: true);
        var packets = await viewer.PacketsAsync();
        Assert.That(packets.Select(packet => packet[^1]), Is.EqualTo([0xAA, 0xBB, 0xEE]), "a picture with a hole is left out");
        Assert.That(packets.Select(packet => packet[1]), Is.EqualTo([26, 26 | 0x80, 26 | 0x80]));
        Assert.That(source.Track.DroppedFrames, Is.EqualTo(1));
    }

    [Test]
    public async Task What_nobody_understands_of_sound_keeps_its_times_and_markers()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, new Codec(MediaKind.Audio, CodecNames.Ac3, 48_000, 2, form: PayloadForm.Rtp));
        var viewer = bench.Join();
        source.Send("0102 AA", 48_000); // the parts of one frame (RFC 4184 §4.1)
        source.Send("0302 BB", 48_000, marker: true);
        source.Send("0001 CC", 49_536, marker: true);
        source.Send("0102 DD", 51_072);
        var packets = await viewer.PacketsAsync();
        Assert.That(packets.Select(packet => packet[^1]), Is.EqualTo([0xAA, 0xBB, 0xCC, 0xDD]), "nothing is waited for");
        Assert.That(packets.Select(packet => packet[1] & 0x80), Is.EqualTo([0, 0x80, 0x80, 0]));
        Assert.That(packets.Select(packet => TimestampOf(packet) - TimestampOf(packets[0])), Is.EqualTo([0u, 0u, 1536u, 3072u]));
    }

    [Test]
    public async Task Decoding_order_numbers_do_not_reach_viewers_who_are_not_told_of_them()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H265, hasDecodingOrder: true);
        var viewer = bench.Join();
        source.Send("6001 0007 0004 4E010180 01 0005 2601AFAABB", 0); // DONL, and DOND
        source.Send("6201 93 0009 11AA", 0);
        source.Send("6201 53 BB", 0, marker: true);
        source.Send("0201 000A 80CC", 3600, marker: true);
        using var received = new DepacketizerBench(options => new H265Depacketizer(Vectors.H265Bare, options));
        foreach (var packet in await viewer.PacketsAsync())
        {
            Assert.That(RtpHeader.TryParse(packet, out var header, out var payload));
            received.Push(payload, header.Timestamp, header.Marker);
        }

        Assert.That(received.Payloads, Is.EqualTo([Vectors.Units("4E010180", "2601AFAABB", "260111AABB"), Vectors.Units("020180CC")]));
    }

    [Test]
    public async Task P3_sound_keeps_the_times_that_its_packets_have()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.Aac);
        var viewer = bench.Join();
        foreach (var time in new[] { 100_000u, 101_024u, 111_264u })
            source.Send("0010 0020 01020304", time, marker: true);
        var times = (await viewer.PacketsAsync()).Select(TimestampOf).ToArray();
        Assert.That(times.Select(time => time - times[0]), Is.EqualTo([0u, 1024u, 11_264u]));
    }

    [Test]
    public async Task P4_tracks_are_laid_on_one_time_by_their_sender_reports()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264, alone: false);
        var sound = source.AddTrack(Vectors.Aac, 97);
        source.Start();
        var viewer = bench.Join();
        source.Send("65 88 01", 5000, marker: true);
        bench.Time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.That(await viewer.PacketsAsync(), Is.Empty, "the reports are waited for");
        sound.Send("0010 0020 01020304", 77_000, marker: true);
        source.Report(seconds: 100, 5000); // the picture was taken at 100 s ...
        sound.Report(seconds: 101, 77_000 + 22_050); // ... and this sound half a second later
        var (picture, heard) = (await viewer.PacketsAsync(), await viewer.PacketsAsync(2));
        Assert.That(picture, Is.Not.Empty);
        var report = new byte[RtcpWriter.MaxLength];
        Assert.That(WallClockOf(0, picture[^1], 90_000) - WallClockOf(1, heard[0], 44_100), Is.EqualTo(-0.5).Within(0.001));

        double WallClockOf(int track, byte[] packet, int clockRate)
        {
            viewer.Output.WriteReport(viewer.Output.Offers[track], viewer.Stream, bench.Time.GetUtcNow(), report);
            ReadOnlySpan<byte> compound = report;
            RtcpPacket.TryRead(ref compound, out var read);
            read.TryReadSenderReport(out var sent);
            return (sent.NtpTime / 4_294_967_296.0) + ((double)unchecked((int)(TimestampOf(packet) - sent.RtpTime)) / clockRate);
        }
    }

    [Test]
    public async Task P4_without_reports_arrival_counts_after_half_a_second()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264, alone: false);
        source.AddTrack(Vectors.Aac, 97);
        source.Start();
        var viewer = bench.Join();
        source.Send("65 88 01", 5000, marker: true);
        bench.Time.Advance(TimeSpan.FromMilliseconds(499));
        source.Send("41 9a 01", 5000 + 3600, marker: true);
        Assert.That(await viewer.PacketsAsync(), Is.Empty);
        bench.Time.Advance(TimeSpan.FromMilliseconds(1));
        source.Feed.Tick();
        Assert.That((await viewer.PacketsAsync()).Count(packet => packet[^1] == 1), Is.EqualTo(2));
    }

    [Test]
    public async Task Over_udp_packets_are_put_in_order_and_what_is_late_is_not_waited_for()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264, isOrdered: false);
        var viewer = bench.Join();
        source.Send("65 88 01", 0, marker: true);
        source.SendSwapped("41 9a 02", "41 9a 03", 3600);
        Assert.That((await viewer.PacketsAsync()).Select(packet => packet[^1]).Where(last => last < 16), Is.EqualTo([1, 2, 3]));
        source.Lose();
        source.Send("65 88 04", 7200, marker: true);
        Assert.That((await viewer.PacketsAsync())[^1][^1], Is.EqualTo(3));
        bench.Time.Advance(TimeSpan.FromMilliseconds(101));
        source.Feed.Tick();
        Assert.That((await viewer.PacketsAsync())[^1][^1], Is.EqualTo(4));
    }

    [Test]
    public async Task R8_another_sender_replaces_none_that_is_heard()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264, isOrdered: false);
        var viewer = bench.Join();
        source.Send("65 88 01", 0, marker: true);
        using var forger = source.Forge();
        for (var i = 0; i < 5; i++)
            forger.Send("65 88 66", 3600 * (uint)i, marker: true);
        source.Send("41 9a 02", 3600, marker: true);
        Assert.That((await viewer.PacketsAsync()).Select(packet => packet[^1]).Where(last => last != 0xc0), Is.EqualTo([1, 2]));
        Assert.That(source.Track.IgnoredPackets, Is.EqualTo(5));
    }

    [Test]
    public async Task A_goodbye_is_noted_and_a_report_says_what_came()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        Assert.That(source.Track.LastArrival, Is.Null);
        source.Send("65 88 01", 0, marker: true);
        source.Lose();
        source.Send("65 88 02", 3600, marker: true);
        Assert.That(source.Track.LastArrival, Is.EqualTo(bench.Time.GetTimestamp()));
        var bytes = new byte[RtcpWriter.MaxLength];
        ReadOnlySpan<byte> compound = bytes.AsSpan(0, source.Track.WriteReport(bytes));
        Assert.That(RtcpPacket.TryRead(ref compound, out var packet) && packet.TryReadReport(0, out var report) && report.Lost == 1);
        source.Goodbye();
        Assert.That(source.Track.SaidGoodbye);
    }

    [Test]
    public async Task A_revoked_feed_is_noted_and_takes_nothing()
    {
        await using var bench = new GraphBench();
        using var source = new Source(bench, Vectors.H264);
        source.Send("65 88 01", 0, marker: true);
        Assert.That(source.Feed.IsEnded, Is.False);
        await source.Target!.DisposeAsync();
        source.Send("65 88 02", 3600, marker: true);
        Assert.That(source.Feed.IsEnded);
    }

    [Test]
    public async Task H4_any_packets_leave_the_feed_alive_and_no_memory_behind([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        await using var bench = new GraphBench();
        Codec[] codecs =
        [
            Vectors.H264, Vectors.H265, Vectors.Aac, new(MediaKind.Video, CodecNames.Vp9, 90_000), new(MediaKind.Video, CodecNames.Av1, 90_000),
            new(MediaKind.Video, CodecNames.Jpeg, 90_000, form: PayloadForm.Rtp),
        ];
        using var source = new Source(bench, codecs[seed % codecs.Length], isOrdered: random.Next(2) == 0);
        var viewer = bench.Join().Release();
        var bytes = new byte[64];
        for (var i = 0; i < 500; i++)
        {
            random.NextBytes(bytes);
            var packet = bytes.AsSpan(0, random.Next(bytes.Length));
            if (random.Next(4) > 0)
                source.Send(Convert.ToHexString(packet), (uint)(random.Next(3) * 3600), random.Next(3) == 0);
            else if (random.Next(2) == 0)
                source.Track.TakeRtp(packet);
            else
                source.Track.TakeRtcp(packet);
            if (random.Next(20) == 0)
                source.Restart();
            bench.Time.Advance(TimeSpan.FromMilliseconds(random.Next(30)));
        }

        await viewer.PacketsAsync();
        Assert.That(source.Feed.IsEnded, Is.False);
    }

    private static string Hex(string text) => text.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();

    private static string PayloadOf(byte[] packet) => Convert.ToHexString(packet[RtpHeader.Length..]);

    private static uint TimestampOf(byte[] packet) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4));

    // A camera: sends what it is told.
    private sealed class Source : IDisposable
    {
        private readonly GraphBench _bench;
        private readonly bool _isGuest; // the feed is another's
        private ushort _sequence = 65_530;
        private uint _ssrc = 0x11223344;

        public Source(
            GraphBench bench, Codec codec, int payloadType = 96, bool isOrdered = true, bool alone = true, bool hasDecodingOrder = false)
        {
            _bench = bench;
            Feed = new RtpFeed(bench.Hub.Pool, bench.Time);
            Format = GraphBench.FormatOf(codec, payloadType);
            if (hasDecodingOrder)
                Format = Format with { Parameters = new Dictionary<string, string> { ["sprop-max-don-diff"] = "1" } };
            Track = Feed.AddTrack(codec.Kind, Format, codec.Kind == MediaKind.Video ? "video" : "audio", isOrdered);
            if (!alone)
                return;
            Start();
            Report(1, 0); // aligned: nothing is held
        }

        private Source(Source other, SdpFormat format, RtpFeedTrack track)
        {
            (_bench, _isGuest, Feed, Format, Track) = (other._bench, true, other.Feed, format, track);
            _ssrc = 0x55667788;
        }

        public RtpFeed Feed { get; }

        public RtpFeedTrack Track { get; }

        public Feed? Target { get; private set; }

        private SdpFormat Format { get; }

        public void Start()
        {
            Target = _bench.Hub.Publish("a");
            Feed.Start(Target);
        }

        public Source AddTrack(Codec codec, int payloadType)
        {
            var format = GraphBench.FormatOf(codec, payloadType);
            return new Source(this, format, Feed.AddTrack(codec.Kind, format, "audio", isOrdered: true));
        }

        public Source Forge() => new(this, Format, Track);

        public void Lose(int count = 1) => _sequence += (ushort)count;

        public void Restart() => (_ssrc, _sequence) = (_ssrc + 1, 100);

        public void Send(string payload, uint timestamp, bool marker = false) => Track.TakeRtp(Make(payload, timestamp, marker));

        public void SendSwapped(string first, string second, uint timestamp)
        {
            var early = Make(first, timestamp, marker: false);
            Track.TakeRtp(Make(second, timestamp, marker: true));
            Track.TakeRtp(early);
        }

        public void Report(double seconds, uint rtpTime)
        {
            var bytes = new byte[RtcpWriter.MaxLength];
            var length = RtcpWriter.Write(bytes, new SenderReport(_ssrc, (ulong)(seconds * 4_294_967_296), rtpTime, 1, 1), "camera");
            Track.TakeRtcp(bytes.AsSpan(0, length));
        }

        public void Goodbye()
        {
            var bytes = new byte[RtcpWriter.MaxLength];
            Track.TakeRtcp(bytes.AsSpan(0, RtcpWriter.Write(bytes, new SenderReport(_ssrc, 1, 1, 1, 1), "camera", isLeaving: true)));
        }

        public void Dispose()
        {
            if (_isGuest)
                return;
            Feed.Dispose();
            Target?.Close(Graph.CloseReason.Requested);
        }

        private byte[] Make(string payload, uint timestamp, bool marker)
        {
            var bytes = Vectors.Hex(payload);
            var packet = new byte[RtpHeader.Length + bytes.Length];
            new RtpHeader((byte)Format.PayloadType, marker, _sequence++, timestamp, _ssrc).Write(packet);
            bytes.CopyTo(packet, RtpHeader.Length);
            return packet;
        }
    }
}
