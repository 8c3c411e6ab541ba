using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class H264SpsTests
{
    // What ffprobe says about the same streams.
    [TestCase(Vectors.Sps1080, 1920, 1080, 25, "High", "4.0", 2, TestName = "High, 1080p cropped from 1088, B-frames")]
    [TestCase(Vectors.SpsBaseline, 320, 240, 15, "Constrained Baseline", "3.0", 0, TestName = "Baseline")]
    [TestCase(
        "674d4028eca03c0227ef011000000300100000030321f162d960",
        1920, 1080, 25, "Main", "4.0", 2, TestName = "Interlaced, cropped in field units")]
    [TestCase(
        "676e001fa6cd940d83de6f011000003e90000ea600f1831960",
        854, 480, 30000 / 1001.0, "High 10", "3.1", 2, TestName = "10 bits, 29.97 Hz")]
    [TestCase(
        "67f4000d919b282a10f1f1f808800000030080000019078a14cb",
        322, 242, 25, "High 4:4:4 Predictive", "1.3", 2, TestName = "4:4:4, odd cropping units")]
    [TestCase("677a002abcd94056061e6f0110000003001000000780f1831960", 1366, 768, 60, "High 4:2:2", "4.2", 2, TestName = "4:2:2")]
    [TestCase(
        "67640020acd9405005bb011000000300100000064626000f424001e84e4d38078c18cb",
        1280, 720, 50, "High", "3.2", 2, TestName = "HRD parameters before the reorder depth")]
    [TestCase("6764000af3650a11f89c05b2000003000200000300281e244b2c", 160, 120, 10, "High", "1.0", 2, TestName = "Monochrome")]
    [TestCase("6764001eacb201405ff2e022000003000200000300791e2c5c90", 640, 360, 30, "High", "3.0", 0, TestName = "Zero latency")]
    public void Parses(string hex, int width, int height, double frameRate, string profile, string level, int reorderDepth)
    {
        Assert.That(H264Sps.TryParse(Vectors.Hex(hex), out var sps));
        Assert.That((sps!.Width, sps.Height), Is.EqualTo((width, height)));
        Assert.That(sps.FrameRate, Is.EqualTo(frameRate).Within(1e-9));
        Assert.That(sps.ProfileName, Is.EqualTo(profile));
        Assert.That(sps.LevelName, Is.EqualTo(level));
        Assert.That(sps.ReorderDepth, Is.EqualTo(reorderDepth));
    }

    [Test]
    public void H4_Every_cut_of_a_set_is_refused_or_loses_only_VUI()
    {
        var whole = Vectors.Hex(Vectors.Sps1080);
        for (var length = 0; length < whole.Length; length++)
        {
            if (H264Sps.TryParse(whole.AsSpan(0, length), out var sps))
                Assert.That((sps.Width, sps.Height), Is.EqualTo((1920, 1080)));
            else
                Assert.That(length, Is.LessThan(14), "the pictures' size stands in the first bytes");
        }
    }

    [TestCase("", TestName = "H4 Nothing")]
    [TestCase("67", TestName = "H4 Only a header")]
    [TestCase("68ebe3cb22c0", TestName = "H4 A PPS")]
    [TestCase("67640028ffffffffffffffffffff", TestName = "H4 Cropped to less than nothing")]
    [TestCase("6764002800000000000000000000", TestName = "H4 An endless Exp-Golomb code")]
    public void Refuses(string hex) => Assert.That(H264Sps.TryParse(Vectors.Hex(hex), out _), Is.False);

    [Test]
    public void H4_A_set_above_64_KiB_is_refused()
    {
        var sps = new byte[70_000];
        Vectors.Hex(Vectors.Sps1080).CopyTo(sps, 0);
        Assert.That(H264Sps.TryParse(sps, out _), Is.False);
        Assert.That(H264Sps.TryParse(sps.AsSpan(0, 65_535), out _), "cabac_zero_words do no harm");
    }

    [Test]
    public void What_is_written_is_read()
    {
        var sets =
            from profile in Gen.Elements(66, 77, 88, 100, 110, 122, 244, 44, 118, 128)
            from flags in Gen.Choose(0, 255)
            from level in Gen.Elements(9, 10, 11, 13, 20, 31, 40, 41, 51, 62)
            from chroma in Gen.Choose(0, 3)
            from isInterlaced in Gen.Elements(true, false)
            from width in Gen.Choose(1, 500)
            from height in Gen.Choose(1, 300)
            from crop in Gen.Choose(0, 3).ListOf(4)
            from lists in Gen.Elements(true, false)
            from orderType in Gen.Choose(0, 2)
            from vui in Gen.Choose(0, 255)
            from reorder in Gen.Choose(-1, 16)
            from time in Gen.Choose(1, 60_000).Two()
            select new Model(
                profile, flags, level, chroma, isInterlaced, width, height, [.. crop], lists, orderType, vui, reorder,
                time.Item1, time.Item2);

        Prop.ForAll(Arb.From(sets), model =>
        {
            Assert.That(H264Sps.TryParse(model.Write(), out var sps));
            var unitX = model.Chroma is 1 or 2 ? 2 : 1;
            var unitY = (model.Chroma == 1 ? 2 : 1) * (model.IsInterlaced ? 2 : 1);
            var rate = model.TimeScale / (2.0 * model.UnitsInTick);
            Assert.Multiple(() =>
            {
                Assert.That(sps!.Width, Is.EqualTo((model.Width * 16) - (unitX * (model.Crop[0] + model.Crop[1]))));
                Assert.That(
                    sps.Height,
                    Is.EqualTo((model.Height * 16 * (model.IsInterlaced ? 2 : 1)) - (unitY * (model.Crop[2] + model.Crop[3]))));
                Assert.That(sps.FrameRate, Is.EqualTo(model.HasTiming && rate <= 1000 ? rate : null));
                Assert.That(sps.ProfileIdc, Is.EqualTo(model.Profile));
                Assert.That(sps.ConstraintFlags, Is.EqualTo(model.Flags));
                Assert.That(sps.LevelIdc, Is.EqualTo(model.Level));
                Assert.That(sps.IsInterlaced, Is.EqualTo(model.IsInterlaced));
                Assert.That(sps.ReorderDepth, Is.InRange(0, 16));
                if (model.OrderType == 2)
                    Assert.That(sps.ReorderDepth, Is.Zero);
                else if (model.HasReorder)
                    Assert.That((sps.ReorderDepth, sps.IsReorderDepthStated), Is.EqualTo((model.Reorder, true)));
                else if (model.Profile == 66)
                    Assert.That(sps.ReorderDepth, Is.Zero);
            });
        }).QuickCheckThrowOnFailure();
    }

    // MaxDpbFrames of table A-1.
    [TestCase(77, 0x00, 31, 80, 45, 5, TestName = "Reorder depth inferred: Main 3.1, 720p")]
    [TestCase(100, 0x00, 40, 120, 68, 4, TestName = "Reorder depth inferred: High 4.0, 1080p")]
    [TestCase(100, 0x00, 51, 20, 15, 16, TestName = "Reorder depth inferred: never above 16")]
    [TestCase(110, 0x10, 40, 120, 68, 0, TestName = "Reorder depth inferred: intra profile")]
    [TestCase(66, 0x40, 40, 120, 68, 0, TestName = "Reorder depth inferred: Baseline")]
    [TestCase(77, 0x10, 11, 11, 9, 4, TestName = "Reorder depth inferred: level 1b")]
    public void Infers_reorder_depth(int profile, int flags, int level, int width, int height, int expected)
    {
        var model = new Model(profile, flags, level, 1, false, width, height, [0, 0, 0, 0], false, 0, 0, -1, 1, 1);
        Assert.That(H264Sps.TryParse(model.Write(), out var sps));
        Assert.That((sps!.ReorderDepth, sps.IsReorderDepthStated), Is.EqualTo((expected, expected == 0)));
        Assert.That(sps.LevelName, Is.EqualTo(level == 11 ? "1b" : $"{level / 10}.{level % 10}"));
    }

    // Vui: one bit for each optional part.
    private sealed record Model(
        int Profile, int Flags, int Level, int ChromaFormat, bool IsInterlaced, int Width, int Height, int[] Crop, bool HasLists,
        int OrderType, int Vui, int Reorder, int UnitsInTick, int TimeScale)
    {
        private bool IsHigh => Profile is not (66 or 77 or 88);

        public int Chroma => IsHigh ? ChromaFormat : 1;

        public bool HasTiming => (Vui & 1) != 0;

        public bool HasReorder => Vui != 0 && Reorder >= 0;

        public byte[] Write()
        {
            var writer = new BitWriter().Bits(0x67, 8).Bits((ulong)Profile, 8).Bits((ulong)Flags, 8).Bits((ulong)Level, 8).Ue(0);
            if (IsHigh)
            {
                writer.Ue(Chroma);
                if (Chroma == 3)
                    writer.Flag(false);
                writer.Ue(2).Ue(2).Flag(false).Flag(HasLists);
                for (var i = 0; HasLists && i < (Chroma == 3 ? 12 : 8); i++)
                    WriteList(writer, i);
            }

            writer.Ue(4).Ue(OrderType);
            if (OrderType == 0)
                writer.Ue(2);
            else if (OrderType == 1)
                writer.Flag(true).Se(-3).Se(4).Ue(2).Se(-1).Se(1);
            writer.Ue(4).Flag(false).Ue(Width - 1).Ue(Height - 1).Flag(!IsInterlaced);
            if (IsInterlaced)
                writer.Flag(true);
            writer.Flag(true).Flag(true);
            foreach (var offset in Crop)
                writer.Ue(offset);
            writer.Flag(Vui != 0);
            if (Vui != 0)
                WriteVui(writer);
            return writer.ToNalUnit();
        }

        private static void WriteList(BitWriter writer, int index)
        {
            writer.Flag(index % 3 != 0);
            if (index % 3 == 1)
            {
                writer.Se(-8); // the default list
            }
            else if (index % 3 == 2)
            {
                for (var i = 0; i < (index < 6 ? 16 : 64); i++)
                    writer.Se(i % 2 == 0 ? 1 : -1);
            }
        }

        private void WriteVui(BitWriter writer)
        {
            bool Has(int bit) => (Vui & bit) != 0;
            writer.Flag(Has(2));
            if (Has(2))
                writer.Bits(Has(4) ? 255u : 1, 8).Bits(0, Has(4) ? 32 : 0);
            writer.Flag(Has(4));
            if (Has(4))
                writer.Flag(true);
            writer.Flag(Has(8));
            if (Has(8))
                writer.Bits(5, 4).Flag(Has(16)).Bits(0x010101, Has(16) ? 24 : 0);
            writer.Flag(Has(16));
            if (Has(16))
                writer.Ue(1).Ue(2);
            writer.Flag(HasTiming);
            if (HasTiming)
                writer.Bits((ulong)UnitsInTick, 32).Bits((ulong)TimeScale, 32).Flag(true);
            foreach (var hasHrd in (bool[])[Has(32), Has(64)])
            {
                writer.Flag(hasHrd);
                if (hasHrd)
                    writer.Ue(1).Bits(0x34, 8).Ue(999).Ue(77).Flag(true).Ue(5).Ue(6).Flag(false).Bits(0x12345, 20);
            }

            if (Has(32) || Has(64))
                writer.Flag(false);
            writer.Flag(Has(128)).Flag(HasReorder);
            if (HasReorder)
                writer.Flag(true).Ue(2).Ue(1).Ue(13).Ue(13).Ue(Reorder).Ue(16);
        }
    }
}
