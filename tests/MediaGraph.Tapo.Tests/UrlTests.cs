using MediaGraph.Tapo.Tests.Client;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class UrlTests
{
    private const string Hash = "48E19C483B43BD375C62A84CE3DAB42E";

    [TestCase("tapo://secret@192.168.1.10", TapoScheme.Tapo, "192.168.1.10", 8800, "admin", "secret", false)]
    [TestCase("TAPO://s%40c%3Aret@cam:8801", TapoScheme.Tapo, "cam", 8801, "admin", "s@c:ret", false)]
    [TestCase("tapo://admin:" + Hash + "@cam", TapoScheme.Tapo, "cam", 8800, "admin", Hash, true)]
    [TestCase("tapo://admin:secret@cam", TapoScheme.Tapo, "cam", 8800, "admin", "secret", false)]
    [TestCase("tapo://cam/stream", TapoScheme.Tapo, "cam", 8800, "admin", "", false)]
    [TestCase("vigi://admin:" + Hash + "@[fe80::1]", TapoScheme.Vigi, "fe80::1", 8800, "admin", Hash, false)]
    [TestCase("kasa://me%40x.org:secret@cam", TapoScheme.Kasa, "cam", 19443, "me@x.org", "secret", false)]
    public void Addresses_are_read(string text, TapoScheme scheme, string host, int port, string user, string password, bool isHash)
    {
        var url = TapoUrl.Parse(text);
        Assert.That(
            (url.Scheme, url.Host, url.Port, url.User, url.Password.Reveal(), url.IsHash),
            Is.EqualTo((scheme, host, port, user, password, isHash)));
        Assert.That(url.ToString(), Does.Not.Contain("s@c").And.Not.Contain("secret").And.Not.Contain(Hash).And.Not.Contain("me"));
    }

    [TestCase("tapo://x@cam", "HD", 0, "/stream")]
    [TestCase("tapo://x@cam?subtype=0&channel=1", "HD", 1, "/stream")]
    [TestCase("tapo://x@cam?subtype=1", "VGA", 0, "/stream")]
    [TestCase("tapo://x@cam?subtype=360P", "360P", 0, "/stream")]
    [TestCase("tapo://x@hub?deviceId=CHILD1&channel=2", "HD", 2, "/stream?deviceId=CHILD1")]
    [TestCase("tapo://x@hub?deviceId=CHILD1&playerId=1-2&type=video", "HD", 0, "/stream?deviceId=CHILD1&playerId=1-2&type=video")]
    [TestCase("kasa://u:x@cam", "HD", 0, "/https/stream/mixed")]
    [TestCase("kasa://u:x@cam:19443/https/stream/mixed?a=b", "HD", 0, "/https/stream/mixed?a=b")]
    public void Queries_are_read(string text, string resolution, int channel, string uri)
    {
        var url = TapoUrl.Parse(text);
        Assert.That((url.Resolution, url.Channel, url.RequestUri), Is.EqualTo((resolution, channel, uri)));
    }

    [TestCase("tapo://x@cam", null, null)]
    [TestCase("tapo://x@cam#talk=aec", TapoTalkMode.Aec, null)]
    [TestCase("tapo://x@cam#talk=half_duplex&packet=100", TapoTalkMode.HalfDuplex, 100)]
    [TestCase("tapo://x@cam?subtype=1#packet=200#talk=aec", TapoTalkMode.Aec, 200)]
    public void Options_are_read(string text, TapoTalkMode? mode, int? part)
    {
        var url = TapoUrl.Parse(text);
        Assert.That((url.TalkMode, url.TalkPart?.TotalMilliseconds), Is.EqualTo((mode, (double?)part)));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("rtsp://secret@cam")]
    [TestCase("tapo:")]
    [TestCase("tapo://")]
    [TestCase("tapo://secret@")]
    [TestCase("tapo://secret@cam:0")]
    [TestCase("tapo://user:secret@cam")]
    [TestCase("tapo://secret@cam/other")]
    [TestCase("tapo://secret@cam?channel=256")]
    [TestCase("tapo://secret@cam?channel=-1")]
    [TestCase("tapo://secret@cam#talk=loud")]
    [TestCase("tapo://secret@cam#packet=10")]
    [TestCase("tapo://secret@cam#packet=201")]
    [TestCase("tapo://secret@cam#transport=tcp")]
    [TestCase("tapo://secret@c am")]
    [TestCase("tapo://secret@cam\r\nX: y")]
    [TestCase("kasa://secret@cam")]
    [TestCase("kasa://cam")]
    public void Others_are_refused_in_words_without_secrets(string? text)
    {
        Assert.That(TapoUrl.TryParse(text, out _), Is.False);
        if (text is null)
            return;
        Assert.That(() => TapoUrl.Parse(text), Throws.TypeOf<FormatException>().With.Message.Not.Contains("secret"));
        using var protocol = new TapoSourceProtocol();
        Assert.That(() => protocol.CreateSource(text), Throws.TypeOf<FormatException>());
    }

    [Test]
    public void H4_any_text_is_an_address_or_none() => Fuzz.Run<FormatException>(
        [
            "tapo://admin:hash@[::1]:8800/stream?subtype=1&channel=2&deviceId=A%20B#talk=aec&packet=40"u8.ToArray(),
            "kasa://a%40b:c@host:1/https/stream/mixed?x=%zz#packet=20"u8.ToArray(), "vigi://x@y?channel=999"u8.ToArray(), [],
        ],
        (data, _) => TapoUrl.Parse(System.Text.Encoding.Latin1.GetString(data)).ToString());

    [Test]
    public void Options_that_are_out_of_range_are_all_named()
    {
        var options = new TapoOptions { DialTimeout = default, TalkPart = TimeSpan.FromSeconds(1), MaxPartBytes = 1, MaxFrameBytes = 1 };
        Assert.That(options.Validate("X:").Count(), Is.EqualTo(4));
        Assert.That(() => new TapoSourceProtocol(options), Throws.ArgumentException.With.Message.Contains("TalkPart"));
        Assert.That(new TapoOptions().Validate(), Is.Empty);
    }

    [Test]
    public void Nothing_prints_a_password()
    {
        using var protocol = new TapoSourceProtocol();
        var source = protocol.CreateSource("tapo://Cam-Pass-2024!@cam?deviceId=Cam-Pass-2024!&channel=1");
        Bench.AssertNoSecret(source.Name + source);
        Assert.That(source.Name, Is.EqualTo("tapo://cam?channel=1"));
    }
}
