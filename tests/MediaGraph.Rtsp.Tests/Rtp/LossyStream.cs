using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>
/// Frames that are cut into packets, lose some, and are put together again: what comes out is exactly the whole frames that can be
/// decoded.
/// </summary>
internal static class LossyStream
{
    /// <summary>Checks a codec.</summary>
    /// <param name="codec">The frames' codec.</param>
    /// <param name="makeFrame">A frame, of whether it is a keyframe, a length, and a seed.</param>
    /// <param name="packetize">Makes a packetizer.</param>
    /// <param name="depacketize">Makes a depacketizer.</param>
    public static void Check(
        Codec codec, Func<bool, int, int, byte[]> makeFrame, Func<RtpSenderOptions, Packetizer> packetize,
        Func<DepacketizerOptions, Depacketizer> depacketize)
    {
        var lengths = Gen.Frequency((4, Gen.Choose(1, 60)), (3, Gen.Choose(60, 3000)), (1, Gen.Choose(3000, 40_000)));
        var frames = Gen.Choose(0, 4).Zip(lengths).Zip(Gen.Choose(0, int.MaxValue));
        var cases =
            from list in frames.NonEmptyListOf()
            from room in Gen.OneOf(Gen.Choose(64, 300), Gen.Choose(1000, 1500), Gen.Constant(65_535))
            from loss in Gen.Frequency((2, Gen.Constant(0)), (1, Gen.Choose(1, 30)))
            from seed in Gen.Choose(0, int.MaxValue)
            select (
                Frames: list.Take(12).Select((f, i) => (i == 0 || f.Item1.Item1 == 0, f.Item1.Item2, f.Item2)).ToArray(),
                Room: room, Loss: loss, Seed: seed);
        Prop.ForAll(cases.ToArbitrary(), c => CheckOne(codec, makeFrame, packetize, depacketize, c.Frames, c.Room, c.Loss, c.Seed))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    private static void CheckOne(
        Codec codec, Func<bool, int, int, byte[]> makeFrame, Func<RtpSenderOptions, Packetizer> packetize,
        Func<DepacketizerOptions, Depacketizer> depacketize, (bool IsKeyframe, int Length, int Seed)[] frames, int room, int loss, int seed)
    {
        var random = new Random(seed);
        using var bench = new DepacketizerBench(depacketize, isTraced: false);
        using var run = new RtpRun(bench.Pool, isInterleaved: seed % 2 == 0);
        var packetizer = packetize(new RtpSenderOptions
        {
            Ssrc = 7,
            PayloadType = 96,
            ClockRate = 90_000,
            FirstSequenceNumber = (ushort)seed,
            FirstTimestamp = (uint)seed,
            MaxPacketLength = room,
        });
        var reception = new RtpReception(90_000, TimeProvider.System, TimeSpan.Zero);
        var expected = new List<(string Payload, long Time, bool IsKeyframe)>();
        var isRunning = false;
        var hasLost = false;
        long first = 0;
        for (var i = 0; i < frames.Length; i++)
        {
            var payload = makeFrame(frames[i].IsKeyframe, frames[i].Length, frames[i].Seed);
            var packet = bench.Pool.CreatePacket(
                payload, codec, i * 3000, i * 3000, frames[i].IsKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
            packetizer.Packetize(packet, run);
            packet.Release();
            Assert.That(run.Count, Is.Positive);
            var isWhole = true;
            for (var j = 0; j < run.Count; j++)
            {
                Assert.That(run[j].Length, Is.LessThanOrEqualTo(room));
                Assert.That(RtpHeader.TryParse(run[j], out var header, out var body));
                Assert.That(header.Marker, Is.EqualTo(j == run.Count - 1));
                var isLost = random.Next(100) < loss && (i, j) != (0, 0);
                reception.Accept(header, out var sequence, out var timestamp); // as if all came, so that numbers stay plain
                if (i == 0 && j == 0)
                    first = timestamp;
                if (!isLost)
                    bench.Push(sequence, timestamp - first, header.Marker, body);
                isWhole &= !isLost;
            }

            isRunning = isWhole && (isRunning || frames[i].IsKeyframe);
            hasLost |= !isWhole;
            if (isRunning)
                expected.Add((Convert.ToHexString(payload), i * 3000, frames[i].IsKeyframe));
        }

        Assert.That(bench.Frames.Select(f => (f.Payload, f.PresentationTime, f.IsKeyframe)), Is.EqualTo(expected));
        Assert.That(bench.Frames.Select(f => f.DecodeTime), Is.Ordered.And.Unique);
        Assert.That(bench.Frames.Where(f => f.FollowsLoss).Select(f => f.IsKeyframe), Is.All.True);
        if (expected.Count > 0)
            Assert.That(bench.Frames[^1].Codec.HasSameParameters(codec), Is.True);
        if (!hasLost)
            Assert.That(bench.Depacketizer.DroppedFrames, Is.Zero);
        Assert.That(bench.Depacketizer.LatePackets, Is.Zero);
    }
}
