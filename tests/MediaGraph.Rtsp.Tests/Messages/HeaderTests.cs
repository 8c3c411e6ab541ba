using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtsp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Messages;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class HeaderTests
{
    [Test]
    public void The_transport_example_of_the_standard_is_read()
    {
        // RFC 2326 §12.39
        var all = RtspTransport.ParseAll(
            "RTP/AVP;multicast;ttl=127;mode=\"PLAY\", RTP/AVP;unicast;client_port=3456-3457;mode=\"PLAY\"");
        Assert.That(all, Has.Count.EqualTo(2));
        Assert.That(all[0], Is.EqualTo(new RtspTransport { IsMulticast = true, Ttl = 127 }));
        Assert.That(all[1], Is.EqualTo(new RtspTransport { ClientPorts = new(3456, 3457) }));
    }

    [Test]
    public void Every_parameter_of_a_transport_is_written_as_it_is_read()
    {
        const string text = "RTP/SAVPF;unicast;destination=192.0.2.1;source=192.0.2.2;client_port=5000-5001;server_port=6000-6003;port=7000-7001;"
            + "ttl=1;ssrc=0A1B2C3D;mode=record";
        var transport = RtspTransport.ParseAll(text).Single();
        Assert.That(transport.Profile, Is.EqualTo("SAVPF"));
        Assert.That((transport.Destination, transport.Source, transport.Ssrc), Is.EqualTo(("192.0.2.1", "192.0.2.2", 0x0A1B2C3Du)));
        Assert.That((transport.ServerPorts, transport.IsRecord), Is.EqualTo(((PortPair?)new PortPair(6000, 6003), true)));
        Assert.That(transport.ToString(), Is.EqualTo(text));
        Assert.That(new RtspTransport { IsTcp = true, Interleaved = new(2, 3) }.ToString(), Is.EqualTo("RTP/AVP/TCP;unicast;interleaved=2-3"));
    }

    [TestCase("RTP/AVP/TCP;unicast;interleaved=0-1", true, 0, 1)]
    [TestCase("rtp/avp/tcp; Unicast; Interleaved = 4 - 5 ;x=y", true, 4, 5)]
    [TestCase("RTP/AVP;unicast;interleaved=2", true, 2, 3)] // no /TCP, one channel
    [TestCase("RTP/AVP/UDP;unicast;client_port=8000", false, 8000, 8001)]
    public void What_clients_and_devices_write_is_read(string text, bool isTcp, int first, int second)
    {
        var transport = RtspTransport.ParseAll(text).Single();
        Assert.That((transport.IsTcp, transport.Interleaved ?? transport.ClientPorts), Is.EqualTo((isTcp, (PortPair?)new PortPair(first, second))));
    }

    [TestCase("")]
    [TestCase(",;,")]
    [TestCase("RTP")]
    [TestCase("RAW/RAW/UDP;unicast")]
    [TestCase("RTP/AVP/SCTP")]
    [TestCase("RTP/AVP/TCP;interleaved=255")]
    [TestCase("RTP/AVP/TCP;interleaved=0-256")]
    [TestCase("RTP/AVP/TCP;interleaved=-1")]
    [TestCase("RTP/AVP;client_port=65536-65537")]
    [TestCase("RTP/AVP;client_port=99999999999")]
    [TestCase("RTP/AVP;client_port")]
    [TestCase("RTP/A VP;unicast")]
    public void What_does_not_exist_is_no_transport(string text) => Assert.That(RtspTransport.ParseAll(text), Is.Empty);

    [Test]
    public void The_first_alternative_that_exists_is_first() =>
        Assert.That(
            RtspTransport.ParseAll("MP2T/H2221/UDP;unicast,RTP/AVP/TCP;interleaved=0-999,RTP/AVP;unicast;client_port=1024-1025").Single().ClientPorts,
            Is.EqualTo(new PortPair(1024, 1025)));

    [TestCase("RTP/AVP/TCP;unicast;interleaved=6-7;ssrc=nothing", 6)]
    [TestCase("RTP/AVP;unicast;interleaved=6-7", 6)]
    [TestCase("RTP/AVP/TCP;unicast", 0)]
    [TestCase("RTP/AVP;unicast;ssrc= 0x00000001", 0)]
    [TestCase("RTP/AVP", 0)]
    public void A_server_may_answer_with_other_channels_or_less(string answer, int channel)
    {
        var asked = new RtspTransport { IsTcp = true, Interleaved = new(0, 1) };
        var chosen = RtspTransport.ParseAnswer(answer, asked);
        Assert.That(chosen, Is.Not.Null);
        Assert.That((chosen!.IsTcp, chosen.Interleaved), Is.EqualTo((true, (PortPair?)new PortPair(channel, channel + 1))));
    }

    [Test]
    public void A_server_that_chooses_another_way_is_not_followed()
    {
        var tcp = new RtspTransport { IsTcp = true, Interleaved = new(0, 1) };
        var udp = new RtspTransport { ClientPorts = new(5000, 5001) };
        Assert.That(RtspTransport.ParseAnswer("RTP/AVP;unicast;client_port=0-1;server_port=2-3", tcp), Is.Null);
        Assert.That(RtspTransport.ParseAnswer("RTP/AVP/TCP;interleaved=0-1", udp), Is.Null);
        Assert.That(RtspTransport.ParseAnswer("RTP/AVP;multicast;port=2-3", udp), Is.Null);
        Assert.That(RtspTransport.ParseAnswer(null, udp), Is.Null);
        Assert.That(RtspTransport.ParseAnswer("RTP/AVP;server_port=6000", udp)!.ClientPorts, Is.EqualTo(new PortPair(5000, 5001)));
    }

    [TestCase("12345678", "12345678", null)]
    [TestCase(" abc-._$+ ; timeout=60", "abc-._$+", 60)]
    [TestCase("a;Timeout = \"30\";x=1", "a", 30)]
    [TestCase("a;timeout=0", "a", null)]
    [TestCase("a;timeout=-5", "a", null)]
    [TestCase("a;timeout=9999999999999", "a", 86_400)]
    public void A_session_is_read(string text, string id, int? seconds)
    {
        Assert.That(RtspSessionId.TryParse(text, out var session));
        Assert.That((session!.Id, session.Timeout?.TotalSeconds), Is.EqualTo((id, (double?)seconds)));
    }

    [Test]
    public void A_session_is_written()
    {
        Assert.That(new RtspSessionId("a", TimeSpan.FromSeconds(60)).ToString(), Is.EqualTo("a;timeout=60"));
        Assert.That(new RtspSessionId("a").ToString(), Is.EqualTo("a"));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase(";timeout=60")]
    [TestCase("a b")]
    public void What_names_no_session_is_none(string? text) => Assert.That(RtspSessionId.TryParse(text, out _), Is.False);

    [TestCase("npt=now-", null, null, "npt=now-")]
    [TestCase("npt=0.0-", 0.0, null, "npt=0.000-")]
    [TestCase("npt=-20", null, 20.0, "npt=now-20.000")]
    [TestCase("NPT = 12:05:35.3 - 12:06:00 ;time=19970123T143720Z", 43535.3, 43560.0, "npt=43535.300-43560.000")]
    public void A_range_is_read(string text, double? start, double? end, string written)
    {
        Assert.That(RtspRange.TryParse(text, out var range));
        Assert.That((range.Start?.TotalSeconds, range.End?.TotalSeconds), Is.EqualTo((start, end)));
        Assert.That(range.ToString(), Is.EqualTo(written));
    }

    [TestCase(null)]
    [TestCase("clock=19961108T142300Z-")]
    [TestCase("npt=5")]
    [TestCase("npt=5-4")]
    [TestCase("npt=1:2-")]
    [TestCase("npt=NaN-")]
    [TestCase("npt=1e99-")]
    [TestCase("npt=99999999999999999999-")]
    public void What_is_no_range_is_none(string? text) => Assert.That(RtspRange.TryParse(text, out _), Is.False);

    [Test]
    public void The_rtp_info_example_of_the_standard_is_read()
    {
        // RFC 2326 §12.33
        var all = RtpInfo.ParseAll(
            "url=rtsp://foo.com/bar.avi/streamid=0;seq=45102,url=rtsp://foo.com/bar.avi/streamid=1;seq=30211;rtptime=3450012");
        Assert.That(all, Is.EqualTo((RtpInfo[])
        [
            new("rtsp://foo.com/bar.avi/streamid=0", 45_102, null), new("rtsp://foo.com/bar.avi/streamid=1", 30_211, 3_450_012),
        ]));
        Assert.That(
            RtpInfo.Format(all),
            Is.EqualTo("url=rtsp://foo.com/bar.avi/streamid=0;seq=45102,url=rtsp://foo.com/bar.avi/streamid=1;seq=30211;rtptime=3450012"));
    }

    [Test]
    public void Rtp_info_of_devices_is_read()
    {
        var all = RtpInfo.ParseAll("url=\"rtsp://h/a,b;c\" ; seq=99999; rtptime=-1 , url=h/d,e;f;seq=1;rtptime=4294967295, ,seq=3;url");
        Assert.That(all, Is.EqualTo((RtpInfo[])[new("rtsp://h/a,b;c", null, null), new("h/d,e;f", 1, null)]));
        Assert.That(RtpInfo.ParseAll(null), Is.Empty);
    }

    [Test]
    public void Lists_go_over_commas_and_lines() =>
        Assert.That(
            new RtspHeaders { { "Public", "OPTIONS, DESCRIBE ,,SETUP" }, { "public", "PLAY" } }.GetList("Public"),
            Is.EqualTo(["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]));

    [Test]
    public void Several_challenges_in_one_line_are_read()
    {
        // RFC 9110 §11.6.1
        var all = AuthenticationField.ParseAll(["Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\""]);
        Assert.That(all.Select(field => field.Scheme), Is.EqualTo(["Basic", "Newauth"]));
        Assert.That((all[0]["realm"], all[1]["REALM"], all[1]["type"]), Is.EqualTo(("simple", "apps", "1")));
        Assert.That(all[1]["title"], Is.EqualTo("Login to \"apps\""));
    }

    [Test]
    public void Challenges_in_several_lines_are_read_as_devices_write_them()
    {
        var all = AuthenticationField.ParseAll(
        [
            "digest realm = \"IP Camera(1, 2)\" nonce=abc,, stale=FALSE", "Negotiate, Basic realm=\"/\"", ",", "\"=", "Digest realm=\"cut off",
            "Basic dXNlcjpwYXNz==",
        ]);
        Assert.That(all.Select(field => field.Scheme), Is.EqualTo(["digest", "Negotiate", "Basic", "Digest", "Basic"]));
        Assert.That((all[0]["realm"], all[0]["nonce"], all[0]["stale"]), Is.EqualTo(("IP Camera(1, 2)", "abc", "FALSE")));
        Assert.That((all[2]["realm"], all[3]["realm"]), Is.EqualTo(("/", "cut off")));
        Assert.That(all[4].Token, Is.EqualTo("dXNlcjpwYXNz=="));
    }

    [Test]
    public void A_field_is_written_so_that_it_reads_the_same()
    {
        var field = new AuthenticationField("Digest");
        field.Add("realm", "a \"b\" \\c");
        field.Add("nc", "00000001", isQuoted: false);
        Assert.That(field.Format(), Is.EqualTo("Digest realm=\"a \\\"b\\\" \\\\c\", nc=00000001"));
        var read = AuthenticationField.Parse(field.Format())!;
        Assert.That((read["realm"], read["nc"]), Is.EqualTo(("a \"b\" \\c", "00000001")));
    }

    private static Gen<T?> Maybe<T>(Gen<T> gen) where T : struct => Gen.OneOf(Gen.Constant<T?>(null), gen.Select(value => (T?)value));

    private static Gen<PortPair> Ports(int most) => Gen.Choose(0, most).Two().Select(pair => new PortPair(pair.Item1, pair.Item2));

    private static Gen<RtspTransport> Transports =>
        from isTcp in Gen.Elements(true, false)
        from profile in Gen.Elements("AVP", "AVPF", "SAVP", "SAVPF")
        from flags in Gen.Elements(true, false).Two()
        from channels in Maybe(Ports(255))
        from ports in Maybe(Ports(65_535)).Three()
        from ssrc in Maybe(Gen.Choose(int.MinValue, int.MaxValue).Select(value => unchecked((uint)value)))
        from ttl in Maybe(Gen.Choose(0, 255))
        from address in Gen.Elements(null, "192.0.2.1", "[2001:db8::1]")
        select new RtspTransport
        {
            IsTcp = isTcp,
            Profile = profile,
            IsMulticast = flags.Item1,
            IsRecord = flags.Item2,
            Interleaved = isTcp ? channels : null,
            ClientPorts = ports.Item1,
            ServerPorts = ports.Item2,
            Ports = ports.Item3,
            Ssrc = ssrc,
            Ttl = ttl,
            Source = address,
            Destination = address,
        };

    [Test]
    public void Any_transports_are_read_as_they_are_written() =>
        Prop.ForAll(Transports.ListOf(5).ToArbitrary(), transports =>
            Assert.That(RtspTransport.ParseAll(string.Join(", ", transports)), Is.EqualTo(transports)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Test]
    public void Any_range_is_read_as_it_is_written() =>
        Prop.ForAll(Maybe(Gen.Choose(0, 1_000_000_000)).Two().ToArbitrary(), times =>
        {
            var range = new RtspRange(
                times.Item1 is { } start ? TimeSpan.FromMilliseconds(start) : null,
                times.Item2 is { } length ? TimeSpan.FromMilliseconds((times.Item1 ?? 0) + (long)length) : null);
            Assert.That(RtspRange.TryParse(range.ToString(), out var read));
            Assert.That(read, Is.EqualTo(range));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Test]
    public void Any_rtp_info_is_read_as_it_is_written() =>
        Prop.ForAll(
            (from url in Gen.Elements("rtsp://h/a/trackID=0", "rtsp://h/a?b=c&d", "trackID=1")
             from sequence in Maybe(Gen.Choose(0, 65_535).Select(value => (ushort)value))
             from time in Maybe(Gen.Choose(int.MinValue, int.MaxValue).Select(value => unchecked((uint)value)))
             select new RtpInfo(url, sequence, time)).ListOf(4).ToArbitrary(),
            entries => Assert.That(RtpInfo.ParseAll(RtpInfo.Format(entries)), Is.EqualTo(entries)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
}
