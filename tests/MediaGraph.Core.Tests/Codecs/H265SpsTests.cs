using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class H265SpsTests
{
    // What ffprobe says about the same streams.
    [TestCase(Vectors.Sps265, 1920, 1080, 25, "Main", "4.0", 2, TestName = "H265 Main, 1080p cropped from 1088, B-frames")]
    [TestCase(Vectors.Sps720, 1280, 720, 30000 / 1001.0, "Main 10", "3.1", 0, TestName = "H265 Main 10, no B-frames, 29.97 Hz")]
    [TestCase(
        "4201010408000003009d0800000300005db006b201e9d4f96566924caf016808000003000800000301e304e4c3f0007a12000f4244",
        854, 482, 60, "Range Extensions", "3.1", 2, TestName = "H265 4:2:2, HRD parameters, temporal layers")]
    [TestCase(
        "4201010408000003009e0800000300005a9000a0402d2cb2b349272bc05a020000030002000003006410",
        640, 360, 50, "Range Extensions", "3.0", 2, TestName = "H265 4:4:4, scaling lists")]
    [TestCase(
        "42010101600000030040000003000003005aa00502016965959a4932bc05a1a0000003002000000641",
        640, 360, 50, "Main", "3.0", 2, TestName = "H265 Interlaced")]
    [TestCase(
        "4201012408000003009fc80000030000bac036203c73f96566924caf016c08000003000800000300a040",
        426, 240, 20, "Range Extensions", "6.2 (High tier)", 2, TestName = "H265 Monochrome, High tier")]
    public void Parses(string hex, int width, int height, double frameRate, string profile, string level, int reorderDepth)
    {
        Assert.That(H265Sps.TryParse(Vectors.Hex(hex), out var sps));
        Assert.That((sps!.Width, sps.Height), Is.EqualTo((width, height)));
        Assert.That(sps.FrameRate, Is.EqualTo(frameRate).Within(1e-9));
        Assert.That(sps.ProfileName, Is.EqualTo(profile));
        Assert.That(sps.LevelName, Is.EqualTo(level));
        Assert.That(sps.ReorderDepth, Is.EqualTo(reorderDepth));
    }

    [Test]
    public void H4_Every_cut_of_a_set_is_refused_or_loses_only_VUI()
    {
        var whole = Vectors.Hex(Vectors.Sps265);
        for (var length = 0; length < whole.Length; length++)
        {
            if (H265Sps.TryParse(whole.AsSpan(0, length), out var sps))
                Assert.That((sps.Width, sps.Height, sps.ReorderDepth), Is.EqualTo((1920, 1080, 2)));
            else
                Assert.That(length, Is.LessThan(35));
        }
    }

    [TestCase("", TestName = "H4 H265 nothing")]
    [TestCase("4201", TestName = "H4 H265 only a header")]
    [TestCase(Vectors.Pps720, TestName = "H4 H265 a PPS")]
    [TestCase("420901016000000300900000030000030078", TestName = "H4 H265 a set of another layer")]
    [TestCase("42010f016000000300900000030000030078", TestName = "H4 H265 eight sub-layers")]
    public void Refuses(string hex) => Assert.That(H265Sps.TryParse(Vectors.Hex(hex), out _), Is.False);

    [Test]
    public void A_VPS_states_the_frame_rate_that_the_SPS_does_not()
    {
        var vps = new BitWriter().Bits(0x4001, 16).Bits(0, 4).Bits(3, 2).Bits(0, 6).Bits(2, 3).Flag(true).Bits(0xFFFF, 16);
        WriteProfileTierLevel(vps, subLayers: 2);
        vps.Flag(true);
        for (var i = 0; i < 3; i++)
            vps.Ue(4).Ue(2).Ue(0);
        vps.Bits(3, 6).Ue(2).Bits(0b1010_0101, 8).Flag(true).Bits(1001, 32).Bits(24_000, 32).Flag(false);
        Assert.That(H265Vps.ReadFrameRate(vps.ToNalUnit()), Is.EqualTo(24_000 / 1001.0));
        Assert.That(H265Vps.ReadFrameRate(Vectors.Hex(Vectors.Vps720)), Is.Null);
        Assert.That(H265Vps.ReadFrameRate([]), Is.Null);
    }

    [Test]
    public void What_is_written_is_read_behind_any_reference_picture_sets()
    {
        var sets =
            from subLayers in Gen.Choose(1, 7)
            from chroma in Gen.Choose(0, 3)
            from width in Gen.Choose(16, 8000)
            from height in Gen.Choose(16, 5000)
            from crop in Gen.Choose(0, 1).ListOf(4)
            from bits in Gen.Choose(0, 1023)
            from seed in Gen.Choose(0, int.MaxValue)
            from count in Gen.Choose(0, 64)
            select (subLayers, chroma, width, height, crop: crop.ToArray(), bits, seed, count);

        Prop.ForAll(Arb.From(sets), set =>
        {
            bool Has(int bit) => (set.bits & bit) != 0;
            var random = new System.Random(set.seed);
            var writer = new BitWriter().Bits(0x4201, 16).Bits(0, 4).Bits((ulong)set.subLayers - 1, 3).Flag(Has(1));
            WriteProfileTierLevel(writer, set.subLayers - 1);
            writer.Ue(3).Ue(set.chroma);
            if (set.chroma == 3)
                writer.Flag(false);
            writer.Ue(set.width).Ue(set.height).Flag(true);
            foreach (var offset in set.crop)
                writer.Ue(offset);
            writer.Ue(2).Ue(1).Ue(4).Flag(Has(2));
            for (var i = Has(2) ? 0 : set.subLayers - 1; i < set.subLayers; i++)
                writer.Ue(15).Ue(i).Ue(0);
            writer.Ue(0).Ue(3).Ue(0).Ue(3).Ue(1).Ue(1).Flag(Has(4));
            if (Has(4))
            {
                writer.Flag(Has(8));
                if (Has(8))
                    WriteScalingLists(writer, random);
            }

            writer.Bits(2, 2).Flag(Has(16));
            if (Has(16))
                writer.Bits(0x77, 8).Ue(0).Ue(1).Flag(true);
            WriteReferencePictureSets(writer, random, set.count);
            writer.Flag(Has(32));
            if (Has(32))
                writer.Ue(2).Bits(17, 8).Flag(true).Bits(18, 8).Flag(false);
            writer.Bits(1, 2).Flag(true); // the VUI
            writer.Flag(true).Bits(255, 8).Bits(0x00010001, 32).Flag(false).Flag(true).Bits(5, 4).Flag(true).Bits(0x010101, 24);
            writer.Flag(true).Ue(0).Ue(0).Flag(false).Flag(Has(64)).Flag(true).Flag(true).Ue(0).Ue(1).Ue(2).Ue(3);
            writer.Flag(true).Bits(1001, 32).Bits(60_000, 32);

            Assert.That(H265Sps.TryParse(writer.ToNalUnit(), out var sps));
            var unitX = set.chroma is 1 or 2 ? 2 : 1;
            var unitY = set.chroma == 1 ? 2 : 1;
            Assert.Multiple(() =>
            {
                Assert.That(sps!.Width, Is.EqualTo(set.width - (unitX * (set.crop[0] + set.crop[1]))));
                Assert.That(sps.Height, Is.EqualTo(set.height - (unitY * (set.crop[2] + set.crop[3]))));
                Assert.That((sps.BitDepthLuma, sps.BitDepthChroma), Is.EqualTo((10, 9)));
                Assert.That(sps.ReorderDepth, Is.EqualTo(set.subLayers - 1));
                Assert.That(sps.IsFieldSequence, Is.EqualTo(Has(64)));
                Assert.That(sps.FrameRate, Is.EqualTo(60_000 / 1001.0), "read in step to the end");
            });
        }).QuickCheckThrowOnFailure();
    }

    private static void WriteProfileTierLevel(BitWriter writer, int subLayers)
    {
        writer.Bits(0x02, 8).Bits(0x20000000, 32).Bits(0x900000000000, 48).Bits(120, 8);
        for (var i = 0; i < subLayers; i++)
            writer.Flag(i % 2 == 0).Flag(i % 3 == 0);
        if (subLayers > 0)
            writer.Bits(0, 2 * (8 - subLayers));
        for (var i = 0; i < subLayers; i++)
            writer.Bits(ulong.MaxValue, i % 2 == 0 ? 44 : 0).Bits(0, i % 2 == 0 ? 44 : 0).Bits(90, i % 3 == 0 ? 8 : 0);
    }

    private static void WriteScalingLists(BitWriter writer, System.Random random)
    {
        for (var sizeId = 0; sizeId < 4; sizeId++)
        {
            for (var matrixId = 0; matrixId < 6; matrixId += sizeId == 3 ? 3 : 1)
            {
                var isExplicit = random.Next(2) == 0;
                writer.Flag(isExplicit);
                if (!isExplicit)
                {
                    writer.Ue(0);
                    continue;
                }

                for (var i = sizeId > 1 ? -1 : 0; i < Math.Min(64, 1 << (4 + (sizeId << 1))); i++)
                    writer.Se(random.Next(-8, 8));
            }
        }
    }

    // The derivation of §7.4.8, equations 7-61 and 7-62, word by word: the parser takes a shorter way.
    private static void WriteReferencePictureSets(BitWriter writer, System.Random random, int count)
    {
        writer.Ue(count);
        int[] negative = [], positive = [];
        for (var index = 0; index < count; index++)
        {
            var isPredicted = index > 0 && random.Next(2) == 0 && negative.Length + positive.Length < 15;
            if (index > 0)
                writer.Flag(isPredicted);
            if (!isPredicted)
            {
                negative = Differences(random, random.Next(0, 6), -1);
                positive = Differences(random, random.Next(0, 6), 1);
                writer.Ue(negative.Length).Ue(positive.Length);
                foreach (var side in (int[][])[negative, positive])
                {
                    for (var i = 0; i < side.Length; i++)
                        writer.Ue(Math.Abs(side[i] - (i == 0 ? 0 : side[i - 1])) - 1).Flag(random.Next(2) == 0);
                }

                continue;
            }

            var delta = random.Next(1, 5) * (random.Next(2) == 0 ? -1 : 1);
            writer.Flag(delta < 0).Ue(Math.Abs(delta) - 1);
            var use = new bool[negative.Length + positive.Length + 1];
            for (var i = 0; i < use.Length; i++)
            {
                var isUsedNow = random.Next(2) == 0;
                use[i] = isUsedNow || random.Next(2) == 0;
                writer.Flag(isUsedNow);
                if (!isUsedNow)
                    writer.Flag(use[i]);
            }

            var nextNegative = new List<int>();
            for (var i = positive.Length - 1; i >= 0; i--)
            {
                if (positive[i] + delta < 0 && use[negative.Length + i])
                    nextNegative.Add(positive[i] + delta);
            }

            if (delta < 0 && use[^1])
                nextNegative.Add(delta);
            for (var i = 0; i < negative.Length; i++)
            {
                if (negative[i] + delta < 0 && use[i])
                    nextNegative.Add(negative[i] + delta);
            }

            var nextPositive = new List<int>();
            for (var i = negative.Length - 1; i >= 0; i--)
            {
                if (negative[i] + delta > 0 && use[i])
                    nextPositive.Add(negative[i] + delta);
            }

            if (delta > 0 && use[^1])
                nextPositive.Add(delta);
            for (var i = 0; i < positive.Length; i++)
            {
                if (positive[i] + delta > 0 && use[negative.Length + i])
                    nextPositive.Add(positive[i] + delta);
            }

            negative = [.. nextNegative];
            positive = [.. nextPositive];
        }
    }

    private static int[] Differences(System.Random random, int count, int sign)
    {
        var differences = new int[count];
        for (var i = 0; i < count; i++)
            differences[i] = (i == 0 ? 0 : differences[i - 1]) + (sign * random.Next(1, 4));
        return differences;
    }
}
