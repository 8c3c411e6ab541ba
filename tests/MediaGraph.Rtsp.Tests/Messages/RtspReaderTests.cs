using MediaGraph.Rtsp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Messages;

/// <summary>Hazard rows H4 and H5, and the RTSP rows of the threat table.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtspReaderTests
{
    // RFC 2326 §10.2
    private const string Describe =
        "DESCRIBE rtsp://server.example.com/fizzle/foo RTSP/1.0\r\nCSeq: 312\r\nAccept: application/sdp, application/rtsl, application/mheg\r\n\r\n";

    private const string Options = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";

    [Test]
    public void A_request_of_the_standard_is_read()
    {
        var request = Wire.One<RtspRequest>(Describe);
        Assert.That(request.Method, Is.EqualTo("DESCRIBE"));
        Assert.That(request.Uri, Is.EqualTo("rtsp://server.example.com/fizzle/foo"));
        Assert.That(request.CSeq, Is.EqualTo(312));
        Assert.That(request.Headers.GetList("accept"), Is.EqualTo(["application/sdp", "application/rtsl", "application/mheg"]));
    }

    [Test]
    public void A_response_with_a_body_is_read()
    {
        var response = Wire.One<RtspResponse>(
            "RTSP/1.0 200 OK\r\nCSeq: 312\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
        Assert.That(response.Status, Is.EqualTo(200));
        Assert.That(response.Reason, Is.EqualTo("OK"));
        Assert.That(response.Body.ToArray(), Is.EqualTo(Wire.Bytes("v=0\r\n")));
    }

    [TestCase("RTSP/1.0 200\r\nCSeq: 1\r\n\r\n", 200, "")]
    [TestCase("RTSP/1.0  401  Not you\r\nCSeq: 1\r\n\r\n", 401, "Not you")]
    [TestCase("rtsp/1.0 454 x\nCSeq : 1\njunk without a colon\n\n", 454, "x")]
    [TestCase("\r\n\r\nRTSP/1.0 200 OK\r\n\r\n", 200, "OK")]
    public void What_devices_make_of_a_status_line_is_read(string text, int status, string reason)
    {
        var response = Wire.One<RtspResponse>(text);
        Assert.That((response.Status, response.Reason), Is.EqualTo((status, reason)));
    }

    [Test]
    public void Bare_line_feeds_end_lines() =>
        Assert.That(Wire.Read(Describe.Replace("\r\n", "\n", StringComparison.Ordinal)), Is.EqualTo([Describe]));

    [Test]
    public void A_folded_header_is_one() =>
        Assert.That(
            Wire.One<RtspRequest>("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX-A: one\r\n  two\r\n\ttree\r\n\r\n").Headers["x-a"],
            Is.EqualTo("one two tree"));

    [Test]
    public void Requests_that_come_together_are_read_one_after_the_other() =>
        Assert.That(Wire.Read(Options + Describe + Options), Is.EqualTo([Options, Describe, Options]));

    [Test]
    public void Interleaved_frames_come_between_messages_as_slices()
    {
        var bytes = Wire.Bytes("$\0\0\u0003abc$\u00FF\0\0" + Options + "$\u0001\0\u0001x");
        var buffer = new System.Buffers.ReadOnlySequence<byte>(bytes);
        var reader = new RtspReader(new RtspLimits());
        Assert.That(reader.TryRead(ref buffer, out var item) && item.IsInterleaved);
        Assert.That(item.Payload.FirstSpan == bytes.AsSpan(4, 3), "the same memory");
        Assert.That(new Wire(reader).Feed(bytes.AsSpan(7)), Is.EqualTo(["$255 ", Options, "$1 78"]));
    }

    [Test]
    public void Frames_take_no_memory()
    {
        var bytes = Wire.Bytes("$\0\0\u0003abc$\u0001\0\u0004abcd");
        var reader = new RtspReader(new RtspLimits());
        long Allocated()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
            {
                var buffer = new System.Buffers.ReadOnlySequence<byte>(bytes);
                while (reader.TryRead(ref buffer, out _))
                {
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Allocated();
        Assert.That(Allocated(), Is.Zero);
    }

    [TestCase("OPTIONS * RTSP/1.0\r\n\r\n", "error 400 no valid CSeq, CSeq ")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\n", "error 400 no valid CSeq, CSeq ")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 1\nX-Inj: 1\r\nCSeq: 4294967296\r\n\r\n", "error 400 several headers CSeq, CSeq 1")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nCSeq: 7\r\n\r\n", "error 400 several headers CSeq, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nSession: a\r\nsession: b\r\n\r\n", "error 400 several headers Session, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nno header\r\n\r\n", "error 400 a line that is no header, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nX: a\rb\r\n\r\n", "error 400 a control character in a header, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\nX: a\0b\r\nCSeq: 7\r\n\r\n", "error 400 a control character in a header, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\n folded\r\nCSeq: 7\r\n\r\n", "error 400 a folded line without a header, CSeq 7")]
    [TestCase("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nbad name: 1\r\nContent-Length: 3\r\n\r\nabc", "error 400 a line that is no header, CSeq 7")]
    public void H4_a_bad_header_whose_message_has_an_end_is_answered_and_the_connection_goes_on(string text, string error) =>
        Assert.That(Wire.Read(text + Options), Is.EqualTo([error, Options]));

    [TestCase("Content-Length: -1", "end 400 no valid length of the body, CSeq 7")]
    [TestCase("Content-Length: 99999999999999999999999999", "end 400 no valid length of the body, CSeq 7")]
    [TestCase("Content-Length: ", "end 400 no valid length of the body, CSeq 7")]
    [TestCase("Content-Length: 1 2", "end 400 no valid length of the body, CSeq 7")]
    [TestCase("Content-Length: 0x10", "end 400 no valid length of the body, CSeq 7")]
    [TestCase("Content-Length: 131073", "end 413 the body is too long, CSeq 7")]
    [TestCase("Content-Length: 9223372036854775807", "end 413 the body is too long, CSeq 7")]
    [TestCase("Content-Length: 5\r\nContent-Length: 5", "end 400 several lengths of the body, CSeq 7")]
    public void H4_a_bad_length_ends_the_connection_before_memory_is_taken(string header, string error) =>
        Assert.That(Wire.Read($"ANNOUNCE rtsp://a/b RTSP/1.0\r\nCSeq: 7\r\n{header}\r\n\r\n" + Options), Is.EqualTo([error]));

    [Test]
    public void A_body_of_the_greatest_length_is_read_when_it_is_there()
    {
        var text = $"ANNOUNCE rtsp://a/b RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 131072\r\n\r\n{new string('a', 131_072)}";
        Assert.That(Wire.Read(text[..^1]), Is.Empty);
        Assert.That(Wire.Read(text), Is.EqualTo([text]));
    }

    [Test]
    public void A_device_may_say_the_same_twice_but_not_two_things()
    {
        Assert.That(Wire.One<RtspResponse>("RTSP/1.0 200 OK\r\nCSeq: 1\r\nCSeq: 1\r\nSession: a\r\nSession: a\r\n\r\n").CSeq, Is.EqualTo(1));
        Assert.That(Wire.Read("RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: a\r\nSession: b\r\n\r\n"), Is.EqualTo(["error 400 several headers Session, CSeq 1"]));
        Assert.That(Wire.Read("RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), Is.EqualTo(["end 400 several lengths of the body, CSeq "]));
    }

    [TestCase("hello\r\n", "neither a message nor an interleaved frame")]
    [TestCase("\u0016\u0003\u0001", "neither a message nor an interleaved frame")]
    [TestCase(" OPTIONS * RTSP/1.0\r\n", "neither a message nor an interleaved frame")]
    [TestCase("GET /\r\n", "not a request line")]
    [TestCase("OPTIONS * HTTX/1.0\r\n", "not a request line")]
    [TestCase("PLAY a b RTSP/1.0\r\n", "not a request line")]
    [TestCase("PLAY  RTSP/1.0\r\n", "not a request line")]
    [TestCase("PLAY a\u0001b RTSP/1.0\r\n", "a control character in the start line")]
    [TestCase("RTSP/1.0 20 OK\r\n", "not a status line")]
    [TestCase("RTSP/1.0 2000 OK\r\n", "not a status line")]
    public void What_is_no_message_ends_the_connection_at_once(string text, string error) =>
        Assert.That(Wire.Read(text), Is.EqualTo([$"end 400 {error}, CSeq "]));

    [Test]
    public void Lines_have_a_greatest_length_whatever_ends_them([Values("\r\n", "\n")] string end)
    {
        var uri = new string('a', 2048 - "OPTIONS  RTSP/1.0".Length);
        Assert.That(Wire.Read($"OPTIONS {uri} RTSP/1.0{end}CSeq: 1{end}{end}"), Has.One.StartsWith("OPTIONS"));
        Assert.That(Wire.Read($"OPTIONS {uri}a RTSP/1.0{end}"), Is.EqualTo(["end 414 the start line is too long, CSeq "]));
        Assert.That(Wire.Read($"OPTIONS {uri}{uri}"), Is.EqualTo(["end 414 the start line is too long, CSeq "]));
        var value = new string('a', 2048 - "X: ".Length);
        Assert.That(Wire.Read($"OPTIONS * RTSP/1.0{end}CSeq: 1{end}X: {value}{end}{end}"), Has.One.StartsWith("OPTIONS"));
        Assert.That(Wire.Read($"OPTIONS * RTSP/1.0{end}CSeq: 1{end}X: {value}a{end}"), Is.EqualTo(["end 400 a header line is too long, CSeq 1"]));
    }

    [Test]
    public void H5_headers_have_a_greatest_number_and_length()
    {
        var start = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n";
        string Headers(int count, int length) => string.Concat(Enumerable.Repeat($"X: {new string('a', length - 3)}\r\n", count));
        Assert.That(Wire.Read(start + Headers(63, 10) + "\r\n"), Has.One.StartsWith("OPTIONS"));
        Assert.That(Wire.Read(start + Headers(64, 10)), Is.EqualTo(["end 400 too many headers, CSeq 1"]));
        Assert.That(Wire.Read(start + "X: 1\r\n" + string.Concat(Enumerable.Repeat(" x\r\n", 63))), Is.EqualTo(["end 400 too many headers, CSeq 1"]));
        Assert.That(Wire.Read(start + Headers(8, 2047) + "\r\n"), Has.One.StartsWith("OPTIONS"));
        Assert.That(Wire.Read(start + Headers(8, 2048)), Is.EqualTo(["end 400 the headers are too long, CSeq 1"]));
    }

    [Test]
    public void A_line_of_an_answer_is_bounded_by_all_its_headers()
    {
        string Answer(int length) => $"RTSP/1.0 200 OK\r\nCSeq: 1\r\nRTP-Info: {new string('a', length)}\r\n\r\n";
        Assert.That(Wire.Read(Answer(16_000)), Is.EqualTo([Answer(16_000)]));
        Assert.That(new Wire(new RtspReader(new RtspLimits())).Feed(Wire.Bytes(Answer(5000)), 50, 3000), Is.EqualTo([Answer(5000)]));
        Assert.That(Wire.Read(Answer(16 << 10)), Is.EqualTo(["end 400 a header line is too long, CSeq 1"]));
        Assert.That(Wire.Read(Answer((16 << 10) - 15)), Is.EqualTo(["end 400 the headers are too long, CSeq 1"]));
    }

    [Test]
    public void Blank_lines_between_messages_have_a_bound()
    {
        var limits = new RtspLimits { MaxGarbageBytes = 100 };
        var lines = string.Concat(Enumerable.Repeat("\r\n", 50));
        Assert.That(Wire.Read(lines + Options + lines + Options, limits), Is.EqualTo([Options, Options]));
        Assert.That(Wire.Read(lines + "\n", limits), Is.EqualTo(["end 400 too many bytes between messages, CSeq "]));
    }

    [Test]
    public void An_error_without_a_way_on_is_given_again()
    {
        var reader = new RtspReader(new RtspLimits());
        var wire = new Wire(reader);
        var first = wire.Feed("?"u8);
        Assert.That(wire.Feed(Wire.Bytes(Options)), Is.EqualTo(first));
    }

    [Test]
    public void Another_version_is_for_the_server_to_refuse() =>
        Assert.That(Wire.One<RtspRequest>("OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n").Version, Is.EqualTo("RTSP/2.0"));

    [Test]
    public void What_follows_an_http_header_is_the_tunnels()
    {
        var buffer = new System.Buffers.ReadOnlySequence<byte>(Wire.Bytes(
            "POST /cam HTTP/1.0\r\nx-sessioncookie: abc\r\nContent-Length: 32767\r\n\r\nT1BUSU9OUw=="));
        Assert.That(new RtspReader(new RtspLimits()).TryRead(ref buffer, out var item));
        Assert.That(((RtspRequest)item.Message!).IsHttp);
        Assert.That(item.Message!.Headers[RtspHeaderNames.SessionCookie], Is.EqualTo("abc"));
        Assert.That(buffer.Length, Is.EqualTo(12));
    }

    // Frames and messages that look sound stand in garbage.
    [TestCase("\u0001\u0002garbage", "$\u0001\0\u0004\u0080\u00C8xy", "$1 80C87879")]
    [TestCase("PLAY is only text", "$\0\0\u0004\u0080\u00C8xy", "$0 80C87879")]
    [TestCase("xx$\u0009\0\u0004\u0080bcd", "$\u0001\0\u0004\u0080\u00C8xy", "$1 80C87879")] // a channel that is not in use
    [TestCase("xx$\0\0\u0004abcd", "$\u0001\0\u0004\u0080\u00C8xy", "$1 80C87879")] // not RTP's version
    [TestCase("xx$\0\0\u0003\u0080ab", "$\u0001\0\u0004\u0080\u00C8xy", "$1 80C87879")] // shorter than RTCP
    [TestCase("\u0080\u0081RTSPlay", "RTSP/1.0 200 OK\r\n\r\n", "RTSP/1.0 200 OK\r\n\r\n")]
    [TestCase("RTSP/1.0 x\r\n", "TEARDOWN rtsp://a RTSP/1.0\r\nCSeq: 2\r\n\r\n", "TEARDOWN rtsp://a RTSP/1.0\r\nCSeq: 2\r\n\r\n")]
    public void Garbage_between_interleaved_frames_is_passed_over(string garbage, string next, string expected)
    {
        RtspReader? used = null;
        var items = Wire.Read("$\0\0\u0001a" + garbage + next + Options, configure: reader =>
        {
            (used, reader.SkipsGarbage, reader.Channels) = (reader, true, 2);
        });
        Assert.That(items, Is.EqualTo(["$0 61", expected, Options]));
        Assert.That(used!.GarbageBytes, Is.EqualTo(garbage.Length));
    }

    [Test]
    public void Garbage_has_a_bound()
    {
        var limits = new RtspLimits { MaxGarbageBytes = 100 };
        List<string> Read(int count) => Wire.Read(new string('\u0003', count) + Options, limits, reader => reader.SkipsGarbage = true);
        Assert.That(Read(100), Is.EqualTo([Options]));
        Assert.That(Read(101), Is.EqualTo(["end 400 too many bytes between messages, CSeq "]));
    }

    [Test]
    public void A_request_with_a_method_that_nobody_knows_is_no_garbage() =>
        Assert.That(
            Wire.Read("DANCE rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n", configure: reader => reader.SkipsGarbage = true),
            Has.One.StartsWith("DANCE"));
}
