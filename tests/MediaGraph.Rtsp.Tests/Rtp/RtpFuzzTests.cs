using MediaGraph.Codecs;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Tests.Sdp;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>Whatever bytes come, nothing throws and no memory is left over. Rows: H4, H5.</summary>
[TestFixture, Parallelizable(ParallelScope.All), Category("Fuzz")]
internal sealed class RtpFuzzTests
{
    private static readonly string[] H264Packets =
    [
        $"78 001B {Vectors.Sps1080} 0006 {Vectors.Pps1080}", "7C85 88AA", "7C05 BBCC", "7C45 DD", "6588AABB", "4188CC", "09F0", "068001",
        $"00000001{Vectors.SpsBaseline}00000001{Vectors.Pps1080}000001 6588AA", $"7C87{Vectors.Sps1080[2..]}", "7C47 00000168EE",
    ];

    private static readonly string[] H265Packets =
    [
        $"6001 0018 {Vectors.Vps720} 0029 {Vectors.Sps720} 0007 {Vectors.Pps720}", "6201 93 AFAA", "6201 13 BBCC", "6201 53 DD",
        "2601AFAABB", "020180CC", "460150", "4E010180", "6001 0007 0004 4E010180 01 0003 020180", "6201 D3 AFAABB",
        $"00000001{Vectors.Vps720}00000001{Vectors.Sps720}000001{Vectors.Pps720}000001 2601AF",
    ];

    private static readonly string[] AacPackets =
    [
        "0030 0018 0010 0008 AAAAAA BBBB CC", "0010 0028 AABB", "0010 0028 CC", "0010 0028 DDEE", "0010 0008 FF",
        "0010 08 0C AABB CCDDEE", "FFF15080015FFC AABBCC", "0010 0050 FFF14C40015FFC AABBCC",
    ];

    private static readonly string[] LatmPackets =
    [
        "03 AAAAAA 00 01 CC", "05 AABB", "CCDDEE", "06 211004608C1C", "02 AABB 01 CC FFFF", "200011901FE0310880230460E0",
        "8310880230460E00", "200011901FE0310880230460E0 8310880230460E00", "200012101FE0310880230460E0",
    ];

    [Test]
    public void H4_RTP_headers() => Fuzz.Run<InvalidDataException>(
        [Vectors.Hex("B2E0123489ABCDEF010203041111111122222222BEDE000110AA0000AABB000003"), Vectors.Hex("80E0123489ABCDEF01020304AA")],
        (data, random) =>
        {
            if (!RtpHeader.TryParse(data, out var header, out var payload))
                return;
            var reception = new RtpReception(90_000, TimeProvider.System, TimeSpan.Zero);
            for (var i = 0; i < 4; i++)
                reception.Accept(header with { SequenceNumber = (ushort)random.Next(), Ssrc = (uint)random.Next(2) }, out _, out _);
            _ = reception.CreateReport();
            if (payload.Length > data.Length - RtpHeader.Length)
                throw new InvalidOperationException("The payload is longer than what is there.");
        });

    [Test]
    public void H4_RTCP() => Fuzz.Run<InvalidDataException>(
        [
            Vectors.Hex("81C8000C000000011122334455667788 99AABBCC0000000A00000FA0 0000000940FFFFFE000100050000002033445566 00018000"),
            Vectors.Hex("82CA0005000000070101610000000001 0202626201016300 A1CB0002 00000001 00000004"),
        ],
        (data, random) =>
        {
            ReadOnlySpan<byte> rest = data;
            var synchronizer = new RtpSynchronizer(TimeProvider.System);
            var clock = synchronizer.AddTrack(1 + random.Next(1_000_000_000));
            while (RtcpPacket.TryRead(ref rest, out var packet))
            {
                if (packet.TryReadSenderReport(out var report))
                    clock.Accept(report);
                clock.OffsetOf(random.NextInt64(1L << 40));
                for (var i = 0; i < 32; i++)
                    packet.TryReadReport(i, out _);
                packet.IsGoodbyeOf(1);
                packet.TryReadCanonicalName(1, out _);
            }
        });

    [Test]
    public void H4_H5_H264() => Run(
        H264Packets, o => new H264Depacketizer(Vectors.H264Bare, o), IsWholeUnits,
        o => new H264Packetizer(o));

    [Test]
    public void H4_H5_H265() => Run(
        H265Packets, o => new H265Depacketizer(Vectors.H265Bare, o), IsWholeUnits, o => new H265Packetizer(o));

    [Test]
    public void H4_H5_H265_with_decoding_order() =>
        Run(H265Packets, o => new H265Depacketizer(Vectors.H265, o, hasDecodingOrder: true), IsWholeUnits, o => new H265Packetizer(o));

    [TestCase(13, 3, 3)]
    [TestCase(6, 2, 2)]
    [TestCase(16, 0, 16)]
    [TestCase(1, 0, 0)]
    [TestCase(0, 0, 0)]
    public void H4_H5_AAC(int size, int index, int delta) => Run(
        AacPackets, o => new AacDepacketizer(size == 6 ? null : Vectors.Aac, o, new AacFormat(size, index, delta)),
        frame => frame.Length > 0, o => new AacPacketizer(o));

    [TestCase("cpresent=0;config=40002420")]
    [TestCase("cpresent=0;config=410024203FD04A00")]
    [TestCase("cpresent=1;config=40002420")]
    [TestCase("cpresent=1")]
    public void H4_H5_LATM(string parameters)
    {
        var session = SdpReaderTests.Read($"m=audio 0 RTP/AVP 96\na=rtpmap:96 MP4A-LATM/90000\na=fmtp:96 {parameters}\n");
        var format = session.Medias.Single().Format!;
        Run(LatmPackets, o => Depacketizer.Create(format, o), frame => frame.Length > 0, o => new AacPacketizer(o));
    }

    [Test]
    public void H4_H5_VP8() => Run(
        ["10 50AA", "90 F0 8005 07 20 50AA", "00 BB", "10 51CC", "21 DD"],
        o => new Vp8Depacketizer(new Codec(MediaKind.Video, CodecNames.Vp8, 90_000), o), frame => frame.Length > 0,
        o => new Vp8Packetizer(o));

    [Test]
    public void H4_H5_VP9() => Run(
        [
            "0C 82AA", "F8 05 00 03 02 82AA", "04 BB", "4C 86CC", "AC 05 00 07 82AA", "AC 05 02 07 86AA",
            "0A 38 050002D00A0005A0 0204AA00 82AA",
        ],
        o => new Vp9Depacketizer(new Codec(MediaKind.Video, CodecNames.Vp9, 90_000), o), frame => frame.Length > 0,
        o => new Vp9Packetizer(o));

    [Test]
    public void H4_H5_AV1() => Run(
        [
            "28 0C 08000000043CFECCDAF90040 30AABB", "68 0C 08000000043CFECCDAF90040 34 18", "D0 AAAA", "A0 01CC 2805", "10 30CC",
            "08 0D 0A0B000000043CFECCDAF90040 033001AA",
        ],
        o => new Av1Depacketizer(new Codec(MediaKind.Video, CodecNames.Av1, 90_000), o), IsWholeTemporalUnit, o => new Av1Packetizer(o));

    private static bool IsWholeTemporalUnit(ReadOnlySpan<byte> frame)
    {
        var position = 0;
        while (Av1Unit.TryRead(frame, position, out var unit))
            position = unit.PayloadStart + unit.PayloadLength;
        return position == frame.Length;
    }

    private static bool IsWholeUnits(ReadOnlySpan<byte> frame)
    {
        while (NalUnits.TryReadLengthPrefixed(ref frame, NalUnits.LengthSize, out _))
        {
        }

        return frame.IsEmpty;
    }

    // Packets with three bytes in front of each: what is special, and its length.
    private static void Run(
        string[] packets, Func<DepacketizerOptions, Depacketizer> make, Func<ReadOnlySpan<byte>, bool> isWhole,
        Func<RtpSenderOptions, Packetizer> cut)
    {
        var seeds = new List<byte[]>();
        for (var i = 0; i < packets.Length; i++)
        {
            seeds.Add([.. Enumerable.Range(i, 6).SelectMany(j => Frame(Vectors.Hex(packets[j % packets.Length]), j % 3 == 0))]);
            seeds.Add([.. Frame(Vectors.Hex(packets[i]), true), .. Frame(Vectors.Hex(packets[i]), true)]);
        }

        var frames = 0;
        Fuzz.Run<InvalidDataException>(seeds, (data, random) =>
        {
            var pool = new PacketPool(new PacketPoolOptions { Diagnostics = false });
            using var run = new RtpRun(pool);
            var packetizer = cut(
                new RtpSenderOptions { Ssrc = 1, PayloadType = 96, ClockRate = 90_000, MaxPacketLength = 64 + random.Next(100) });
            long? last = null;
            var rate = 0; // of the clock that it was in: sound may go on in another
            var failure = "";
            var clock = new RtpSynchronizer(TimeProvider.System).AddTrack(90_000);
            using (var depacketizer = make(new DepacketizerOptions(pool, 90_000, Keep, clock)))
            {
                var (sequence, timestamp) = (0L, 0L);
                for (var position = 0; position + 3 <= data.Length;)
                {
                    var flags = data[position];
                    var length = Math.Min((data[position + 1] << 8) | data[position + 2], data.Length - position - 3);
                    sequence += (flags & 0x70) == 0x70 ? random.Next(-2, 4) : 1;
                    timestamp += (flags & 2) != 0 ? random.Next(-9000, 90_000) : 0;
                    depacketizer.Push(sequence, timestamp, (flags & 1) != 0, data.AsSpan(position + 3, length));
                    position += 3 + length;
                }
            }

            run.Dispose();
            if (pool.GetStatistics().OutstandingBuffers != 0)
                failure = "A buffer is left.";
            if (failure.Length > 0)
                throw new InvalidOperationException(failure);

            void Keep(in RtpFrame frame)
            {
                if (frame.DecodeTime <= last && frame.Codec.ClockRate == rate)
                    failure = "Decode time did not grow.";
                (last, rate) = (frame.DecodeTime, frame.Codec.ClockRate);
                frames++;
                if (!isWhole(frame.Buffer.Span[..frame.Length]))
                    failure = "Not a frame.";
                var packet = pool.CreatePacket(
                    frame.Buffer, 0, frame.Length, frame.Codec, frame.DecodeTime, frame.PresentationTime,
                    frame.IsKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
                packetizer.Packetize(packet, run);
                packet.Release();
            }
        });
        Assert.That(frames, Is.GreaterThan(100), "some must be good");
    }

    private static byte[] Frame(byte[] packet, bool marker) =>
        [(byte)(marker ? 3 : 0), (byte)(packet.Length >> 8), (byte)packet.Length, .. packet];
}
