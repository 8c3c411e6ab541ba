using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Sdp;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Tests.Messages;
using MediaGraph.Security;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests;

/// <summary>H4, H5: any bytes give values or an error, throw nothing, and take little memory.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class MessageFuzzTests
{
    private static readonly byte[][] MessageSeeds =
    [
        Text("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\0\0\u0004\u0080abc"),
        Text("ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
        Text("RTSP/1.0 200 OK\nCSeq: 2\nSession: 12345678;timeout=60\n folded\n\n"), Text("$\u0001\0\0$\u0002\u00FF\u00FFab\r\n\r\n"),
        Text("garbage\u0001\u0002$\0\0\u0008\u0080\u00C8abcdefPLAY rtsp://h/a RTSP/1.0\r\nCSeq: 3\r\nContent-Length: -1\r\n\r\n"),
        Text("POST /a HTTP/1.0\r\nx-sessioncookie: a\r\nContent-Length: 32767\r\n\r\nAAAA"), [],
    ];

    private static readonly byte[][] HeaderSeeds =
    [
        Text("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=0A1B2C3D;mode=\"PLAY\", RTP/AVP;multicast;port=1-2;ttl=3"),
        Text("RTP/AVP;unicast;client_port=5000-5001;server_port=6000;source=a;destination=b"), Text("12345678;timeout=60"),
        Text("npt=12:05:35.3-now"), Text("npt=0.0-"), Text("url=rtsp://h/a,b;seq=1;rtptime=2,url=\"c\";seq=3"),
        Text("Digest realm=\"a \\\"b\\\"\", nonce=\"c\", qop=\"auth,auth-int\", stale=TRUE, Basic realm=\"d\", Negotiate abc=="),
        Text("rtsp://user:p%40ss@[::1]:8554/live/cam?video=h264,h265&audio=all&backchannel=1#transport=udp"),
        Text("rtsp://rtsp://h/a/trackID=1"), Text("/live/trackID=0/"), [],
    ];

    private static readonly byte[][] DescriptionSeeds =
    [
        Text("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=control:*\r\na=recvonly\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            + $"a=fmtp:96 {SdpReaderSeed}\r\na=control:trackID=0\r\n"),
        Text("m=audio 0 RTP/AVP 97 8 0\na=rtpmap:97 MPEG4-GENERIC/16000/1\na=fmtp:97 mode=AAC-hbr; sizelength=13; indexlength=3; config=1408\na=sendonly"),
        Text("m=video 0 RTP/AVP 98\na=rtpmap:98 H265/90000\na=fmtp:98 sprop-vps=QAEMAf//AWAAAAMAkAAAAwAAAwBdlZgJ;sprop-sps=QgEBAWAAAAMAkAAAAwAAAwBdoAKAgC0W;sprop-pps=RAHBcrRiQA=="),
        Text("m=audio 0 RTP/AVP 97 98 99\na=rtpmap:97 MP4A-LATM/48000/2\na=fmtp:97 cpresent=0;config=40005623101fe0\n"
            + "a=rtpmap:98 MP4A-LATM/44100\na=fmtp:98 config=40002420adca00\na=rtpmap:99 MP4A-LATM/90000\na=fmtp:99 cpresent=1;config=8010000028240002AAAAA7FC12AA"),
        Text("v=0\nm=\nm=audio\nm=video 0\nm=application/X 0 RTP/AVP smart/1/90000\na=rtpmap:95 X\na=rtpmap:\na=fmtp:96"), [],
    ];

    private const string SdpReaderSeed = Sdp.SdpReaderTests.H264;

    [Test]
    public void H4_RtspReader() => Fuzz.Run<FormatException>(MessageSeeds, (data, random) =>
    {
        var limits = new RtspLimits { MaxBodyBytes = 64, MaxGarbageBytes = 64, MaxHeaders = 4, MaxLineBytes = 80, MaxHeaderBytes = 128 };
        var (skips, channels) = (random.Next(2) == 0, random.Next(257));
        RtspReader NewReader() => new(limits) { SkipsGarbage = skips, Channels = channels };
        var whole = new Wire(NewReader()).Feed(data);
        var pieces = new Wire(NewReader()).FeedInPieces(data, random);
        if (!whole.SequenceEqual(pieces))
            Assert.That(pieces, Is.EqualTo(whole), "the split makes a difference");
    });

    [Test]
    public void H5_RtspReader_takes_little_memory() => Fuzz.Run<FormatException>(MessageSeeds, (data, random) =>
    {
        var reader = new RtspReader(new RtspLimits()) { SkipsGarbage = random.Next(2) == 0 };
        var buffer = new System.Buffers.ReadOnlySequence<byte>(data);
        while (reader.TryRead(ref buffer, out var item) && item.Error is not { CanContinue: false })
        {
        }
    }, boundsMemory: true);

    [Test]
    public void H4_headers() => Fuzz.Run<FormatException>(HeaderSeeds, (data, random) =>
    {
        var text = Encoding.Latin1.GetString(data);
        var transports = RtspTransport.ParseAll(text);
        foreach (var transport in transports)
        {
            if (transport.Interleaved is { Rtp: < 0 or > 255 } || transport.ClientPorts is { Rtcp: < 0 or > 65_535 })
                Assert.Fail("out of range");
        }

        RtspTransport.ParseAnswer(text, new RtspTransport { IsTcp = true, Interleaved = new(0, 1) });
        if (RtspSessionId.TryParse(text, out var session) && RtspSessionId.TryParse(session.ToString(), out var again) && again != session)
            Assert.Fail("another session");
        if (RtspRange.TryParse(text, out var range) && !RtspRange.TryParse(range.ToString(), out _))
            Assert.Fail("no range");
        RtpInfo.Format(RtpInfo.ParseAll(text));
        AuthenticationField.ParseAll([text, text]);
    }, boundsMemory: true);

    [Test]
    public void H4_urls() => Fuzz.Run<FormatException>(HeaderSeeds, (data, random) =>
    {
        var text = Encoding.Latin1.GetString(data);
        if (RtspUrl.TryParse(text, out var url))
        {
            var request = new RtspRequest("DESCRIBE", url.RequestUri);
            if (!RtspUrl.TryParse(request.Uri, out var again) || again.RequestUri != request.Uri || again.User is not null)
                Assert.Fail("another address");
            RtspTrackQuery.Parse(url.Query);
        }

        // What a device says can always be asked for.
        var answer = new RtspResponse(200);
        if (RtspText.IsValue(text))
            answer.Headers.Add("Content-Base", text);
        var (presentation, _) = RtspControl.Split(new RtspRequest("SETUP", RtspControl.Resolve(RtspControl.BaseOf(answer, "rtsp://h/a"), text)).Uri);
        if (presentation.Length == 0)
            Assert.Fail("no presentation");
        RtspUrl.Parse("rtsp://h/a").Move(text, allowOtherHosts: true, out _);
    }, boundsMemory: true);

    [Test]
    public void H4_SdpSession() => Fuzz.Run<FormatException>(DescriptionSeeds, (data, _) =>
    {
        if (!SdpSession.TryParse(data, new RtspLimits(), out var session, out var error))
        {
            Assert.That(error, Is.Not.Empty);
            return;
        }

        session.FindBackchannel();
        foreach (var format in session.Medias.SelectMany(media => media.Formats))
        {
            if ((format.Codec is null) != (format.Problem is not null) || format.PayloadType is < 0 or > 127 || (format.Codec is not null && format.ClockRate < 1))
                Assert.Fail($"{format}");
            if (format.Codec is { } codec && SdpCodecs.WhyNot(codec) is null)
                SdpWriter.Write(session.Name, 1, SdpOffer.Assign(([codec], "trackID=0", SdpDirection.None)));
        }
    });

    [Test]
    public void H4_authentication()
    {
        var server = new RtspServerAuthentication(new RtspAuthenticationOptions(), isSecure: true, TimeProvider.System);
        var challenge = new RtspResponse(401);
        server.Challenge(challenge.Headers);
        var client = new RtspClientAuthentication("ada", new Secret("hunter2"), allowsBasic: true);
        client.TryAccept(challenge, out _);
        byte[][] seeds =
        [
            Text(client.Authorize("PLAY", "rtsp://h/a")!), Text("Basic YTpi"), .. challenge.Headers.GetAll("WWW-Authenticate").Select(Text), [],
        ];
        Fuzz.Run<FormatException>(seeds, (data, random) =>
        {
            var text = Encoding.Latin1.GetString(data);
            if (!RtspText.IsValue(text))
                return;
            var request = new RtspRequest("PLAY", "rtsp://h/a") { Headers = { { "Authorization", text } } };
            if (server.Read(request, out var credentials) == RtspAuthenticationOutcome.Given)
                credentials.Verify(new Secret("guess"));
            var fuzzed = new RtspClientAuthentication("ada", new Secret("hunter2"), allowsBasic: true);
            var response = new RtspResponse(401) { Headers = { { "WWW-Authenticate", text } } };
            if (fuzzed.TryAccept(response, out _))
                _ = new RtspRequest("PLAY", "*") { Headers = { { "Authorization", fuzzed.Authorize("PLAY", "*")! } } };
        }, boundsMemory: true);
    }

    private static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);
}
