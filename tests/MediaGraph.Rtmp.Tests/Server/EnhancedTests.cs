using MediaGraph.Media;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtmp.Tests.Support;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Server;

// Rows: P2, P12, P13.

/// <summary>Enhanced RTMP v2 through the server: who is given what, in which form, and what late joiners are told.</summary>
internal sealed class EnhancedTests
{
    private const string Hvc1 = "68766331";
    private const string Av01 = "61763031";
    private const string Vp09 = "76703039";
    private const string Opus = "4F707573";
    private const string Avc1 = "61766331";

    private const string HvcC =
        "0102200000009000000000005DF000FCFDFAFA00000F03A00001001840010C01FFFF02200000030090000003000003005D928090"
        + "A100010029" + "42010102200000030090000003000003005DA00280802D136592A4932BC05A02000007D20000EA6010" + "A200010007" + "4401C172B46240";

    private const string Av1C = "81000C000A0B000000043CFECCDAF90040";
    private const string OpusHead = "4F707573486561640102380180BB0000000000";
    private const string Nal = "00000002" + "2601";
    private const string ColorInfo = "020009636F6C6F72496E666F" + "03" + "000009";
    private const string Channels = "01" + "02" + "00000003";

    private static readonly AmfProperty[] TakesH265 = Takes(0, "hvc1");
    private static readonly AmfProperty[] TakesAll = Takes(0x0E, "*");

    [Test]
    public async Task The_answer_to_connect_says_what_the_server_takes_whatever_the_client_listed()
    {
        await using var bench = new Bench();
        foreach (var says in new[] { [], TakesH265, TakesAll })
        {
            var client = await bench.OpenAsync();
            client.Says = says;
            var information = (await client.ConnectAsync()).Values[3].AsObject!;
            string[] video = ["avc1", "hvc1", "av01", "vp09", "vp08", "vvc1"];
            string[] audio = ["mp4a", ".mp3", "Opus", "fLaC", "ac-3", "ec-3"];
            Assert.That(information["fourCcList"].AsArray!.Select(v => v.AsString), Is.EqualTo(video.Concat(audio)));
            Assert.That(Map("videoFourCcInfoMap"), Is.EqualTo(video.Select(code => (code, 4.0))), "CanForward");
            Assert.That(Map("audioFourCcInfoMap"), Is.EqualTo(audio.Select(code => (code, 4.0))), "CanForward");
            Assert.That((int)information["capsEx"].AsNumber! & 0x0E, Is.EqualTo(0x0E), "Multitrack, ModEx, TimestampNanoOffset");
            await client.DisposeAsync();
            await bench.AdvanceToConnectionsAsync(0);

            IEnumerable<(string, double?)> Map(string name) => information[name].AsObject!.Properties.Select(p => (p.Name, p.Value.AsNumber));
        }
    }

    // What is published, what the player says, and what it gets.
    [TestCase("9 90" + Hvc1 + HvcC + " 9 93" + Hvc1 + Nal, "", "", "H265", TestName = "H265 for a classic player")]
    [TestCase("9 90" + Hvc1 + HvcC + " 9 93" + Hvc1 + Nal, "hvc1", "9 90" + Hvc1 + HvcC + " 9 93" + Hvc1 + Nal, "", TestName = "H265 by its code")]
    [TestCase("9 90" + Hvc1 + HvcC + " 9 93" + Hvc1 + Nal, "4224", "9 1C00000000" + HvcC + " 9 1C01000000" + Nal, "", TestName = "H265 as codec 12")]
    [TestCase("9 1C00000000" + HvcC + " 9 1C01FFFFFF" + Nal, "hvc1", "9 90" + Hvc1 + HvcC + " 9 91" + Hvc1 + "FFFFFF" + Nal, "", TestName = "H265 from codec 12 by its code")]
    [TestCase("9 1C00000000" + HvcC + " 9 1C01FFFFFF" + Nal, "4224", "9 1C00000000" + HvcC + " 9 1C01FFFFFF" + Nal, "", TestName = "H265 from codec 12 as codec 12")]
    [TestCase("9 1C00000000" + HvcC + " 9 1C01FFFFFF" + Nal, "252", "", "H265", TestName = "H265 for a player with other bits")]
    [TestCase("9 90" + Av01 + Av1C + " 9 91" + Av01 + "0A0B", "av01", "9 90" + Av01 + Av1C + " 9 91" + Av01 + "0A0B", "", TestName = "AV1")]
    [TestCase("9 90" + Av01 + Av1C + " 9 91" + Av01 + "0A0B", "hvc1", "", "AV1", TestName = "AV1 for a player of H265")]
    [TestCase("9 91" + Vp09 + "82AA 8 90" + Opus + OpusHead + " 8 91" + Opus + "FCAA", "", "", "VP9, Opus", TestName = "VP9 and Opus for a classic player")]
    [TestCase("9 91" + Vp09 + "82AA 8 90" + Opus + OpusHead + " 8 91" + Opus + "FCAA", "Opus", "8 90" + Opus + OpusHead + " 8 91" + Opus + "FCAA", "", TestName = "VP9 and Opus for a player of Opus")]
    [TestCase("9 91" + Vp09 + "82AA 8 AF001190 8 AF01AA", "", "8 AF001190 8 AF01AA", "", TestName = "VP9 and AAC for a classic player")]
    [TestCase("9 91" + Vp09 + "82AA 8 AF001190 8 AF01AA", "*", "9 91" + Vp09 + "82AA 8 AF001190 8 AF01AA", "", TestName = "VP9 and AAC for a player of everything")]
    [TestCase("8 91" + "2E6D7033" + "FFFB9064", "", "8 2F" + "FFFB9064", "", TestName = "MP3 by its code, as it always was")]
    [TestCase("8 90" + "6D703461" + "1190 8 91" + "6D703461" + "AA", "*", "8 AF001190 8 AF01AA", "", TestName = "AAC by its code, as it always was")]
    [TestCase("8 72D5", "3191", "", "PCMA", TestName = "A-law for a player without that bit")]
    [TestCase("9 14AABB", "128", "", "VP6", TestName = "VP6 for a player without that bit")]
    public async Task A_player_is_given_what_it_takes_or_told_what_it_does_not(string published, string says, string expected, string refused)
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, published);
        await publisher.SyncAsync();
        AmfProperty[] properties = int.TryParse(says, out var bits)
            ? [new("videoCodecs", (double)bits), new("audioCodecs", (double)bits)]
            : says.Length > 0 ? Takes(0, says) : [];
        if (refused.Length == 0)
        {
            var viewer = await bench.PlayAsync("cam", properties);
            Assert.That(viewer.Media.Select(m => $"{(int)m.Type} {Convert.ToHexString(m.Payload)}").Order(), Is.EqualTo(Tags(expected).Order()));
            return;
        }

        var player = await bench.OpenAsync();
        player.Says = properties;
        await player.ConnectAsync();
        var stream = await player.CreateStreamAsync();
        await player.CommandAsync(stream, "play", AmfValue.Null, "cam");
        var status = (await player.ExpectStatusAsync("NetStream.Play.Failed", stream)).Values[3].AsObject!;
        Assert.That(status["level"].AsString, Is.EqualTo("error"));
        Assert.That(status["description"].AsString, Does.StartWith($"codecs not matched: {refused} ⇒ "));
        await bench.AdvanceToConnectionsAsync(1);
        Assert.That(player.Media, Is.Empty);
    }

    [Test]
    public async Task Viewers_who_take_different_things_watch_one_stream_each_in_its_form()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"9 90{Hvc1}{HvcC} 8 AF001190 9 93{Hvc1}{Nal} 8 AF01AA");
        await publisher.SyncAsync();
        var classic = await bench.PlayAsync("cam");
        var legacy = await bench.PlayAsync("cam", [new("videoCodecs", 4096d + 128)]);
        var enhanced = await bench.PlayAsync("cam", TakesH265);
        var all = await bench.PlayAsync("cam", TakesAll);
        await WriteAsync(publisher, 40, $"9 A1{Hvc1}000028{Nal} 8 AF01BB");
        await publisher.SyncAsync();
        foreach (var viewer in new[] { classic, legacy, enhanced, all })
            await viewer.SyncAsync();
        Assert.That(Video(classic), Is.Empty);
        Assert.That(Video(legacy), Is.EqualTo(new[] { $"1C00000000{HvcC}", $"1C01000000{Nal}", $"2C01000028{Nal}" }));
        Assert.That(Video(enhanced), Is.EqualTo(new[] { $"90{Hvc1}{HvcC}", $"93{Hvc1}{Nal}", $"A1{Hvc1}000028{Nal}" }));
        Assert.That(Video(all), Is.EqualTo(Video(enhanced)));
        foreach (var viewer in new[] { classic, legacy, enhanced, all })
            Assert.That(Audio(viewer), Is.EqualTo(new[] { "AF001190", "AF01AA", "AF01BB" }));
    }

    [Test]
    public async Task A_viewer_whose_codec_changes_to_one_that_it_does_not_take_is_told_and_ended()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await publisher.GroupAsync(1, 0, frames: 1);
        await publisher.SyncAsync();
        var classic = await bench.PlayAsync("cam");
        var enhanced = await bench.PlayAsync("cam", Takes(0, "av01"));
        await WriteAsync(publisher, 80, $"9 90{Av01}{Av1C} 9 91{Av01}0A0B");
        var told = await classic.ExpectStatusAsync("NetStream.Play.UnpublishNotify");
        Assert.That(told.Values[3].AsObject!["description"].AsString, Is.EqualTo("codecs not matched: AV1 ⇒ H264, AAC, MP3, PCMA, PCMU"));
        await bench.AdvanceToConnectionsAsync(2);
        await enhanced.SyncAsync();
        Assert.That(Video(enhanced).TakeLast(2), Is.EqualTo(new[] { $"90{Av01}{Av1C}", $"91{Av01}0A0B" }));
    }

    [Test]
    public async Task Codes_that_are_assumed_are_given_to_players_that_name_none()
    {
        await using var bench = new Bench(new RtmpServerOptions { AssumedFourCcs = ["hvc1"] });
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"9 90{Hvc1}{HvcC} 9 93{Hvc1}{Nal}");
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam");
        Assert.That(Video(viewer), Is.EqualTo(new[] { $"90{Hvc1}{HvcC}", $"93{Hvc1}{Nal}" }));
    }

    [Test]
    public async Task P12_Of_a_group_whose_codec_changed_a_late_joiner_is_given_what_it_takes()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.VideoAsync(1, 0, Samples.VideoHeader);
        await publisher.VideoAsync(1, 0, Samples.Keyframe());
        await WriteAsync(publisher, 0, $"8 91{Opus}FC01");
        await WriteAsync(publisher, 20, $"8 91{Opus}FC02");
        await WriteAsync(publisher, 40, "8 AF001190 8 AF0103 8 AF0104");
        await publisher.SyncAsync();
        var classic = await bench.PlayAsync("cam");
        var all = await bench.PlayAsync("cam", TakesAll);
        await WriteAsync(publisher, 80, "8 AF0105");
        await publisher.SyncAsync();
        await classic.SyncAsync();
        await all.SyncAsync();
        Assert.That(Audio(classic), Is.EqualTo(new[] { "AF001190", "AF0103", "AF0104", "AF0105" }));
        Assert.That(Audio(all), Is.EqualTo(new[] { $"91{Opus}FC01", $"91{Opus}FC02", "AF001190", "AF0103", "AF0104", "AF0105" }));
        Assert.That(Video(classic), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task P12_Video_that_a_late_joiner_does_not_take_is_left_out_up_to_the_next_keyframe_it_takes()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"9 91{Av01}0A0B");
        await publisher.VideoAsync(1, 40, Samples.VideoHeader);
        await publisher.VideoAsync(1, 40, Samples.InterFrame()); // an encoder that changed without a keyframe
        await publisher.SyncAsync();
        var classic = await bench.PlayAsync("cam");
        await publisher.VideoAsync(1, 80, Samples.InterFrame());
        await publisher.VideoAsync(1, 120, Samples.Keyframe());
        await publisher.SyncAsync();
        await classic.SyncAsync();
        Assert.That(Video(classic), Is.EqualTo(new[] { Convert.ToHexString(Samples.VideoHeader), Convert.ToHexString(Samples.Keyframe()) }));
    }

    // ---- Metadata and MultichannelConfig ----------------------------------------------------------------------------------

    [Test]
    public async Task P13_A_late_joiner_is_given_the_last_metadata_and_channels_before_the_frames_that_they_are_for()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"9 90{Hvc1}{HvcC} 8 90{Opus}{OpusHead} 9 94{Hvc1}{ColorInfo}AA 8 94{Opus}{Channels} 9 93{Hvc1}{Nal} 8 91{Opus}FCAA");
        await WriteAsync(publisher, 1000, $"9 94{Hvc1}{ColorInfo} 9 93{Hvc1}{Nal} 8 91{Opus}FCBB");
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam", TakesAll);
        Assert.That(Video(viewer), Is.EqualTo(new[] { $"94{Hvc1}{ColorInfo}", $"90{Hvc1}{HvcC}", $"93{Hvc1}{Nal}" }));
        Assert.That(Audio(viewer), Is.EqualTo(new[] { $"94{Opus}{Channels}", $"90{Opus}{OpusHead}", $"91{Opus}FCBB" }));
        await WriteAsync(publisher, 1040, $"9 94{Hvc1}{ColorInfo}BB 9 A3{Hvc1}{Nal}");
        await publisher.SyncAsync();
        await viewer.SyncAsync();
        Assert.That(Video(viewer).TakeLast(2), Is.EqualTo(new[] { $"94{Hvc1}{ColorInfo}BB", $"A3{Hvc1}{Nal}" }), "live, in order");
    }

    [Test]
    public async Task Metadata_goes_only_to_those_who_take_the_code_it_belongs_to()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await WriteAsync(publisher, 0, $"9 94{Avc1}{ColorInfo}");
        await publisher.GroupAsync(1, 0, frames: 1);
        await publisher.SyncAsync();
        var classic = await bench.PlayAsync("cam");
        var enhanced = await bench.PlayAsync("cam", Takes(0, "avc1"));
        await WriteAsync(publisher, 40, $"9 94{Avc1}{ColorInfo}AA");
        await publisher.VideoAsync(1, 40, Samples.InterFrame());
        await publisher.SyncAsync();
        await classic.SyncAsync();
        await enhanced.SyncAsync();
        Assert.That(Video(classic).Select(v => v[..2]), Is.EqualTo(new[] { "17", "17", "27" }));
        Assert.That(Video(enhanced).Select(v => v[..2]), Is.EqualTo(new[] { "94", "17", "17", "94", "27" }));
    }

    [Test]
    public async Task P12_Metadata_of_a_codec_that_is_gone_is_not_given_to_late_joiners()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"9 90{Hvc1}{HvcC} 9 94{Hvc1}{ColorInfo} 9 93{Hvc1}{Nal}");
        await WriteAsync(publisher, 40, $"9 90{Av01}{Av1C} 9 91{Av01}0A0B");
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam", TakesAll);
        Assert.That(Video(viewer), Is.EqualTo(new[] { $"90{Av01}{Av1C}", $"91{Av01}0A0B" }));
    }

    // ---- Times ------------------------------------------------------------------------------------------------------------

    [Test]
    public async Task P2_Nanoseconds_go_to_those_who_take_them_and_the_nearest_millisecond_to_others()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        var classic = await bench.PlayAsync("cam", TakesH265);
        var exact = await bench.PlayAsync("cam", Takes(0x0C, "hvc1"));
        await WriteAsync(publisher, 0, $"9 90{Hvc1}{HvcC} 9 93{Hvc1}{Nal}");
        await WriteAsync(publisher, 40, $"9 A70207A12001{Hvc1}000050{Nal} 9 A702000000" + $"03{Hvc1}{Nal}");
        await publisher.SyncAsync();
        await classic.SyncAsync();
        await exact.SyncAsync();
        Assert.That(Video(exact)[2], Is.EqualTo($"A70207A12001{Hvc1}000050{Nal}"), "as it came");
        Assert.That(Video(classic)[2], Is.EqualTo($"A1{Hvc1}000051{Nal}"), "80.5 ms to the nearest");
    }

    // ---- Multitrack -------------------------------------------------------------------------------------------------------

    [Test]
    public async Task Tracks_go_to_those_who_take_multitrack_and_the_default_ones_to_all()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await publisher.HeadersAsync(1);
        await WriteAsync(publisher, 0, $"9 9600{Av01}01{Av1C} 8 9500{Opus}02{OpusHead}");
        var all = await bench.PlayAsync("cam", TakesAll);
        var classic = await bench.PlayAsync("cam", Takes(0x0C, "*"));
        await publisher.GroupAsync(1, 0, frames: 1);
        await WriteAsync(publisher, 0, $"9 9601{Av01}010A0B 8 9501{Opus}02FCAA");
        await WriteAsync(publisher, 40, $"9 A621{Avc1}00{"00000C"}000028{"00000005"}4101020304{Av01}01{"000002"}1A1B 8 9511{Opus}02{"000002"}FCBB");
        await publisher.SyncAsync();
        await all.SyncAsync();
        await classic.SyncAsync();
        Assert.That(Video(all), Is.EqualTo(new[]
        {
            Convert.ToHexString(Samples.VideoHeader), $"9600{Av01}01{Av1C}", Convert.ToHexString(Samples.Keyframe()), $"9601{Av01}010A0B",
            "2701000028" + "000000054101020304", $"A601{Av01}011A1B",
        }));
        Assert.That(Audio(all).TakeLast(2), Is.EqualTo(new[] { $"9501{Opus}02FCAA", $"9501{Opus}02FCBB" }));
        Assert.That(Video(classic), Is.EqualTo(new[]
        {
            Convert.ToHexString(Samples.VideoHeader), Convert.ToHexString(Samples.Keyframe()), "2701000028" + "000000054101020304",
        }));
        Assert.That(Audio(classic), Is.EqualTo(new[] { Convert.ToHexString(Samples.AudioHeader), Convert.ToHexString(Samples.Audio()) }));
    }

    [Test]
    public async Task P13_Only_the_default_videos_keyframes_begin_the_groups_of_the_sound()
    {
        await using var bench = new Bench();
        var publisher = await bench.PublishAsync("cam");
        await WriteAsync(publisher, 0, $"8 AF001190 9 9601{Av01}010A01"); // the other track comes first
        await WriteAsync(publisher, 0, $"9 91{Av01}0A00 8 AF0100");
        await WriteAsync(publisher, 40, $"9 A1{Av01}3200 8 AF0101");
        await WriteAsync(publisher, 80, $"9 9601{Av01}010A02 8 AF0102");
        await WriteAsync(publisher, 120, $"9 A601{Av01}013202 8 AF0103");
        await publisher.SyncAsync();
        var viewer = await bench.PlayAsync("cam", TakesAll);
        Assert.That(Video(viewer).Where(v => v.StartsWith("96", StringComparison.Ordinal) || v.StartsWith("A6", StringComparison.Ordinal)),
            Is.EqualTo(new[] { $"9601{Av01}010A02", $"A601{Av01}013202" }), "from its own keyframe");
        Assert.That(Video(viewer).Except(Video(viewer).Where(v => v[1] == '6')), Is.EqualTo(new[] { $"91{Av01}0A00", $"A1{Av01}3200" }));
        Assert.That(Audio(viewer), Is.EqualTo(new[] { "AF001190", "AF0100", "AF0101", "AF0102", "AF0103" }), "from the default video's");
    }

    [Test]
    public async Task Too_many_tracks_end_the_publisher_and_nobody_else()
    {
        await using var bench = new Bench();
        var other = await bench.PublishAsync("other");
        var publisher = await bench.PublishAsync("cam");
        for (var i = 0; i < 17; i++)
            await WriteAsync(publisher, 0, $"9 9601{Av01}{i:X2}0A0B");
        await bench.AdvanceToConnectionsAsync(1);
        await other.SyncAsync();
        Assert.That(bench.Hub.Find("live/cam"), Is.Null);
    }

    // "type body type body ..."
    private static async Task WriteAsync(TestClient publisher, uint time, string tags)
    {
        foreach (var tag in Tags(tags))
            await publisher.MessageAsync((RtmpMessageType)(tag[0] - '0'), 1, Convert.FromHexString(tag[2..]), time);
    }

    private static IEnumerable<string> Tags(string tags) =>
        tags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Chunk(2).Select(tag => $"{tag[0]} {tag[1].ToUpperInvariant()}");

    private static string[] Video(TestClient viewer) => Payloads(viewer, RtmpMessageType.Video);

    private static string[] Audio(TestClient viewer) => Payloads(viewer, RtmpMessageType.Audio);

    private static string[] Payloads(TestClient viewer, RtmpMessageType type) =>
        [.. viewer.Media.Where(m => m.Type == type).Select(m => Convert.ToHexString(m.Payload))];

    private static AmfProperty[] Takes(int capsEx, params string[] codes) =>
        [new("fourCcList", AmfValue.StrictArray([.. codes.Select(code => (AmfValue)code)])), new("capsEx", (double)capsEx)];

    [Test]
    public async Task A_track_that_becomes_playable_reaches_who_is_there_already()
    {
        await using var bench = new Bench();
        await using var feed = bench.Hub.Publish("live/two");
        var track = feed.AddTrack(Track.Of(new Codec(MediaKind.Audio, CodecNames.Opus, 48_000, 2)));
        feed.AddTrack(Track.Of(Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
        var viewer = await bench.PlayAsync("two");
        track.Announce(Codec.Aac([0x12, 0x10]));
        track.Write([1, 2, 3], TimeSpan.FromMilliseconds(20));
        await viewer.ExpectAsync(m => m.Payload is [0xAF, 1, 1, 2, 3], "sound");
    }

    [Test]
    public async Task Data_that_no_player_knows_is_left_out()
    {
        await using var bench = new Bench();
        await using var feed = bench.Hub.Publish("live/two", Track.Of(Codec.FromAvcConfiguration(Samples.VideoHeader.AsSpan(5))));
        var early = await bench.PlayAsync("two");
        var data = feed.AddTrack(Track.Of(new Codec(MediaKind.Data, "KLV", 90_000), "klv"));
        data.Write([1, 2, 3], TimeSpan.Zero);
        var late = await bench.PlayAsync("two");
        feed.Tracks[0].Write(Samples.Keyframe().AsSpan(5), TimeSpan.Zero);
        foreach (var viewer in new[] { early, late })
            await viewer.ExpectAsync(m => m.Payload is [0x17, 1, ..], "a keyframe");
    }
}
