using FsCheck;
using FsCheck.Fluent;
using MediaGraph.Rtsp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Messages;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtspMessageTests
{
    private static readonly string[] Words = ["a", "Session", "x-y", "rtsp://h:554/p?q=1", "\u00E9t\u00E9", "7", "a, b;c=\"d\"", "", "\tq r"];

    private static Gen<RtspMessage> Messages =>
        from isRequest in Gen.Elements(true, false)
        from method in Gen.Elements("OPTIONS", "DESCRIBE", "GET_PARAMETER", "x-new")
        from status in Gen.Choose(100, 999)
        from reason in Gen.Elements("OK", "", "Not \u00E0 me", "a  b")
        from cseq in Gen.Choose(0, int.MaxValue)
        from headers in (from name in Gen.Elements("X-A", "Range", "Transport", "Require")
                         from value in Gen.Elements(Words)
                         select (name, value)).ListOf(8)
        from body in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(30)
        select Make(isRequest, method, status, reason, cseq, headers, body);

    [Test]
    public void Any_message_is_read_as_it_was_written_however_it_is_split() =>
        Prop.ForAll(Messages.ArrayOf(4).ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), (messages, seed) =>
        {
            var expected = new List<string>();
            var bytes = new List<byte>();
            foreach (var message in messages)
            {
                expected.Add(System.Text.Encoding.Latin1.GetString(message.ToArray()));
                expected.Add("$3 80FF0A");
                bytes.AddRange(message.ToArray());
                bytes.AddRange((byte[])[(byte)'$', 3, 0, 3, 0x80, 0xFF, 0x0A]);
            }

            var actual = new Wire(new RtspReader(new RtspLimits())).FeedInPieces([.. bytes], new Random(seed));
            Assert.That(actual, Is.EqualTo(expected));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Test]
    public void Nothing_can_be_smuggled_into_a_message()
    {
        var headers = new RtspHeaders();
        Assert.That(() => headers.Add("X", "1\r\nY: 2"), Throws.ArgumentException);
        Assert.That(() => headers.Add("X", "1\0"), Throws.ArgumentException);
        Assert.That(() => headers.Add("X: 1\r\nY", "2"), Throws.ArgumentException);
        Assert.That(() => headers.Add("X", "\u0100"), Throws.ArgumentException);
        Assert.That(() => new RtspRequest("PLAY x", "*"), Throws.ArgumentException);
        Assert.That(() => new RtspRequest("PLAY", "* RTSP/1.0\n"), Throws.ArgumentException);
        Assert.That(() => new RtspResponse(200, "OK\r\nX: 1"), Throws.ArgumentException);
        Assert.That(headers, Is.Empty);
    }

    [Test]
    public void The_length_is_the_bodys_whatever_the_headers_say()
    {
        var response = new RtspResponse(200) { Headers = { { "Content-Length", "99" } }, Body = "ab"u8.ToArray() };
        Assert.That(response.ToArray(), Is.EqualTo(Wire.Bytes("RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab")));
    }

    [Test]
    public void A_message_prints_without_its_headers() =>
        Assert.That(
            new RtspRequest("OPTIONS", "*") { Headers = { { "Authorization", "Basic c2VjcmV0" } } }.ToString(),
            Is.EqualTo("OPTIONS * RTSP/1.0"));

    private static RtspMessage Make(
        bool isRequest, string method, int status, string reason, int cseq, List<(string Name, string Value)> headers, byte[] body)
    {
        var fields = new RtspHeaders { { "CSeq", $"{cseq}" } };
        foreach (var (name, value) in headers)
            fields.Add(name, value.Trim());
        return isRequest
            ? new RtspRequest(method, "rtsp://a/b?c=d") { Headers = fields, Body = body }
            : new RtspResponse(status, reason) { Headers = fields, Body = body };
    }
}
