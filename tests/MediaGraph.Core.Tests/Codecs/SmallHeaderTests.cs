using MediaGraph.Codecs;
using MediaGraph.Media;
using NUnit.Framework;

namespace MediaGraph.Tests.Codecs;

/// <summary>The headers from which clock rates, channels and picture sizes come. Rows: H4.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SmallHeaderTests
{
    [Test]
    public void An_av1C_tells_the_pictures()
    {
        var codec = new Codec(MediaKind.Video, CodecNames.Av1, Codec.VideoClockRate, configuration: Vectors.Hex(Vectors.Av1C320));
        Assert.That(codec.Video, Is.EqualTo(new VideoParameters(320, 180, null, "Main", "2.0", 0)));
    }

    [TestCase("81000c00", Description = "no sequence header")]
    [TestCase("81000c00120a0b", Description = "only another unit")]
    [TestCase("01000c000a0b000000043cfeccdaf90040", Description = "no marker")]
    [TestCase("81e00c000a0b000000043cfeccdaf90040", Description = "profile 7")]
    [TestCase("81000c000aff", Description = "a size beyond the end")]
    [TestCase("81000c000affffffffffffff", Description = "a size without an end")]
    [TestCase("81000c008a0b000000043cfeccdaf90040", Description = "the forbidden bit")]
    [TestCase("81000c000a03000000", Description = "a header that breaks off")]
    [TestCase("81")]
    public void H4_An_av1C_without_a_sequence_header_tells_nothing(string hex) =>
        Assert.That(Av1SequenceHeader.TryParseRecord(Vectors.Hex(hex), out _), Is.False);

    [Test]
    public void A_reduced_still_picture_has_a_short_sequence_header()
    {
        var bits = new BitWriter().Bits(0b00011, 5).Bits(31, 5).Bits(7, 4).Bits(8, 4).Bits(199, 8).Bits(299, 9);
        Assert.That(Av1SequenceHeader.TryParse(bits.ToArray(), out var header));
        Assert.That((header, header.LevelName), Is.EqualTo((new Av1SequenceHeader(200, 300, null, 0, 31), "Maximum")));
    }

    [Test]
    public void Timing_and_operating_points_of_an_AV1_sequence_header_are_passed_over()
    {
        var bits = new BitWriter();
        bits.Bits(1, 3); // seq_profile
        bits.Bits(0, 2); // still_picture, reduced_still_picture_header
        bits.Bits(1, 1); // timing_info_present_flag
        bits.Bits(1001, 32);
        bits.Bits(60_000, 32);
        bits.Bits(1, 1); // equal_picture_interval
        bits.Bits(0b010, 3); // num_ticks_per_picture_minus_1: 1
        bits.Bits(1, 1); // decoder_model_info_present_flag
        bits.Bits(9, 5); // buffer_delay_length_minus_1
        bits.Bits(7, 32);
        bits.Bits(3, 5);
        bits.Bits(4, 5);
        bits.Bits(1, 1); // initial_display_delay_present_flag
        bits.Bits(1, 5); // two operating points
        foreach (var level in new uint[] { 9, 4 })
        {
            bits.Bits(0, 12);
            bits.Bits(level, 5);
            if (level > 7)
                bits.Bits(1, 1); // seq_tier
            bits.Bits(1, 1); // decoder_model_present_for_this_op
            bits.Bits(1, 10);
            bits.Bits(2, 10);
            bits.Bits(0, 1);
            bits.Bits(1, 1); // initial_display_delay_present_for_this_op
            bits.Bits(5, 4);
        }

        bits.Bits(10, 4);
        bits.Bits(10, 4);
        bits.Bits(1919, 11);
        bits.Bits(1079, 11);
        Assert.That(Av1SequenceHeader.TryParse(bits.ToArray(), out var header));
        Assert.That(header, Is.EqualTo(new Av1SequenceHeader(1920, 1080, 60_000 / 2002.0, 1, 9)));
        Assert.That((header.ProfileName, header.LevelName), Is.EqualTo(("High", "4.1")));
    }

    [TestCase("8004" + "81000c20", "81000c00")]
    [TestCase("81000cD3", "81000c13")]
    public void An_AV1_video_descriptor_becomes_a_record(string descriptor, string record)
    {
        Assert.That(Av1SequenceHeader.TryConvertDescriptor(Vectors.Hex(descriptor), out var converted));
        Assert.That(Convert.ToHexStringLower(converted), Is.EqualTo(record));
    }

    [TestCase("")]
    [TestCase("8004")]
    [TestCase("800481000c")]
    [TestCase("8005" + "81000c0000")]
    [TestCase("8004" + "01000c00")]
    public void H4_Other_descriptors_do_not(string descriptor) =>
        Assert.That(Av1SequenceHeader.TryConvertDescriptor(Vectors.Hex(descriptor), out _), Is.False);

    // OBU_TEMPORAL_DELIMITER, then the sequence header, then a frame; the last without the sequence header.
    [TestCase(CodecNames.Av1, "12000a0b000000043cfeccdaf900403200", true)]
    [TestCase(CodecNames.Av1, "12003200", false)]
    [TestCase(CodecNames.Vp8, "50010000", true)]
    [TestCase(CodecNames.Vp8, "51010000", false)]
    [TestCase(CodecNames.Vp9, "82498342", true)]
    [TestCase(CodecNames.Vp9, "86", false)]
    [TestCase(CodecNames.Vp9, "88", false, Description = "show_existing_frame")]
    [TestCase(CodecNames.Vp9, "B0", true, Description = "profile 3 has a bit more")]
    [TestCase(CodecNames.Vp9, "B2", false)]
    [TestCase(CodecNames.Vp9, "", false)]
    [TestCase(CodecNames.Vp8, "", false)]
    public void Keyframes_say_that_they_are(string name, string frame, bool isKeyframe) =>
        Assert.That(new Codec(MediaKind.Video, name, Codec.VideoClockRate).IsKeyframe(Vectors.Hex(frame)), Is.EqualTo(isKeyframe));

    [TestCase(Vectors.OpusHead, 2, 312)]
    [TestCase("4f70757348656164" + "0f06000080bb000000" + "00" + "01" + "0402000401020305", 6, 0, Description = "a mapping table, minor version 15")]
    public void An_OpusHead_tells_the_channels(string hex, int channels, int preSkip)
    {
        Assert.That(OpusHead.TryParse(Vectors.Hex(hex), out var head));
        Assert.That(head, Is.EqualTo(new OpusHead(channels, preSkip)));
    }

    [TestCase("")]
    [TestCase("4f70757348656164")]
    [TestCase("4f70757348656164" + "1002380180bb0000000000", Description = "another major version")]
    [TestCase("4f70757348656164" + "0100380180bb0000000000", Description = "no channels")]
    [TestCase("4f70757348656164" + "0106380180bb0000000001" + "0402", Description = "half a table")]
    public void H4_Other_bytes_are_no_OpusHead(string hex) => Assert.That(OpusHead.TryParse(Vectors.Hex(hex), out _), Is.False);

    [TestCase(Vectors.StreamInfo)]
    [TestCase("80000022" + Vectors.StreamInfo)]
    [TestCase("664c6143" + "00000022" + Vectors.StreamInfo + "84000000")]
    public void A_STREAMINFO_tells_rate_and_channels(string hex)
    {
        Assert.That(FlacStreamInfo.TryParse(Vectors.Hex(hex), out var info, out var block));
        Assert.That(info, Is.EqualTo(new FlacStreamInfo(44_100, 2)));
        Assert.That(Convert.ToHexStringLower(block), Is.EqualTo(Vectors.StreamInfo));
    }

    [TestCase("")]
    [TestCase("664c6143")]
    [TestCase("664c6143" + "04000022" + Vectors.StreamInfo, Description = "another block first")]
    [TestCase("664c6143" + "00000022" + "1200")]
    [TestCase("120012000004f7000567000002f00000227447a8bdc104009b7485185e039ef921e8", Description = "a rate of 0")]
    public void H4_Other_bytes_are_no_STREAMINFO(string hex) =>
        Assert.That(FlacStreamInfo.TryParse(Vectors.Hex(hex), out _, out _), Is.False);

    [TestCase(Vectors.Ac3Frame, false, 48_000, 6)]
    [TestCase(Vectors.EAc3Frame, true, 48_000, 6)]
    [TestCase("0b77000014404000", false, 48_000, 2, Description = "2/0 with dsurmod")]
    [TestCase("0b7700004048e900", false, 22_050, 6, Description = "bsid 9: half the rate")]
    [TestCase("0b770100c484" + "0000", true, 24_000, 2, Description = "fscod2")]
    public void AC_3_frames_tell_rate_and_channels(string hex, bool isEnhanced, int rate, int channels)
    {
        Assert.That(Ac3Header.TryParse(Vectors.Hex(hex), out var header));
        Assert.That(header, Is.EqualTo(new Ac3Header(isEnhanced, rate, channels)));
    }

    [TestCase("")]
    [TestCase("0b77b50b1e40")]
    [TestCase("0b78b50b1e40ebf8", Description = "no sync word")]
    [TestCase("0b77b50bde40ebf8", Description = "a reserved rate")]
    [TestCase("0b77b50b1e88ebf8", Description = "bsid 17")]
    [TestCase("0b770100f4840000", Description = "a reserved half rate")]
    public void H4_Other_bytes_are_no_AC_3(string hex) => Assert.That(Ac3Header.TryParse(Vectors.Hex(hex), out _), Is.False);

    [TestCase(Vectors.Mp3Frame, 22_050, 1)]
    [TestCase("fffb9064", 44_100, 2)]
    [TestCase("fffb94c4", 48_000, 1)]
    [TestCase("ffe31064", 11_025, 2, Description = "MPEG-2.5")]
    [TestCase("ffe318c4", 8_000, 1)]
    public void MPEG_audio_frames_tell_rate_and_channels(string hex, int rate, int channels)
    {
        Assert.That(Mp3Header.TryParse(Vectors.Hex(hex), out var header));
        Assert.That(header, Is.EqualTo(new Mp3Header(rate, channels)));
    }

    [TestCase("")]
    [TestCase("fffb90")]
    [TestCase("ff1b9064", Description = "no sync word")]
    [TestCase("ffeb9064", Description = "a reserved version")]
    [TestCase("fff99064", Description = "a reserved layer")]
    [TestCase("fffb9c64", Description = "a reserved rate")]
    [TestCase("fffbf064", Description = "a bad bit rate")]
    public void H4_Other_bytes_are_no_MPEG_audio(string hex) => Assert.That(Mp3Header.TryParse(Vectors.Hex(hex), out _), Is.False);
}
