using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Client;

// Rows: none; what an address says, and what it does not give away.
internal sealed class RtmpUrlTests
{
    [TestCase("rtmp://host/live/cam", "rtmp://host/live", "host", 1935, "live", "cam")]
    [TestCase("rtmps://host/live/cam", "rtmps://host/live", "host", 443, "live", "cam")]
    [TestCase("RTMP://host:1936/live/a/cam?token=x/y", "rtmp://host:1936/live/a", "host", 1936, "live/a", "cam?token=x/y")]
    [TestCase("rtmp://[::1]:1940/live/cam", "rtmp://[::1]:1940/live", "::1", 1940, "live", "cam")]
    [TestCase("rtmp://[::1]/live/cam", "rtmp://[::1]/live", "::1", 1935, "live", "cam")]
    [TestCase("rtmp://10.0.0.1/live", "rtmp://10.0.0.1/live", "10.0.0.1", 1935, "live", "")]
    [TestCase("rtmps://host:1935/app/", "rtmps://host:1935/app", "host", 1935, "app", "")]
    [TestCase("rtmp://host/live/cam/", "rtmp://host/live", "host", 1935, "live", "cam")]
    [TestCase("rtmp://host/app?token=x/key", "rtmp://host/app?token=x", "host", 1935, "app?token=x", "key")]
    [TestCase("rtmp://host/app?token=x", "rtmp://host/app?token=x", "host", 1935, "app?token=x", "")]
    public void An_address_names_server_application_and_key(string text, string tcUrl, string host, int port, string app, string key)
    {
        var url = RtmpUrl.Parse(text);
        Assert.That((url.TcUrl, url.Host, url.Port, url.App, url.Key, url.User), Is.EqualTo((tcUrl, host, port, app, key, (string?)null)));
    }

    [Test]
    public void User_and_password_may_be_escaped_and_are_never_printed()
    {
        var url = RtmpUrl.Parse("rtmp://me%40home:p%3Aw%2Fd@host/live/secret?token=1");
        Assert.Multiple(() =>
        {
            Assert.That((url.User, url.Password.Reveal()), Is.EqualTo(("me@home", "p:w/d")));
            Assert.That(url.ToString(), Is.EqualTo("rtmp://host/live/***"));
            Assert.That(url.TcUrl, Is.EqualTo("rtmp://host/live"));
        });
    }

    [TestCase("rtmp://host/app?token=x/key", ExpectedResult = "rtmp://host/app/***")]
    [TestCase("rtmp://host/key/", ExpectedResult = "rtmp://host/***")]
    [TestCase("rtmp://host/app?token=x", ExpectedResult = "rtmp://host/***")]
    public string What_may_be_secret_is_not_printed(string text) => RtmpUrl.Parse(text).ToString();

    [TestCase(null)]
    [TestCase("")]
    [TestCase("http://host/live/cam")]
    [TestCase("rtmp:/host/live/cam")]
    [TestCase("rtmp://")]
    [TestCase("rtmp://host")]
    [TestCase("rtmp://host/")]
    [TestCase("rtmp:///live/cam")]
    [TestCase("rtmp://host:0/live/cam")]
    [TestCase("rtmp://host:65536/live/cam")]
    [TestCase("rtmp://host:12x/live/cam")]
    [TestCase("rtmp://[::1/live/cam")]
    [TestCase("rtmp://[::1]x/live/cam")]
    [TestCase("rtmp://ho st/live/cam")]
    [TestCase("rtmp://host/live/c\nam")]
    [TestCase("rtmp://host/li\u009bve/cam")]
    [TestCase("rtmp://host/li\u202eve/cam")]
    public void What_is_no_address_is_refused_without_repeating_it(string? text)
    {
        Assert.That(RtmpUrl.TryParse(text, out _), Is.False);
        var thrown = Assert.Throws<FormatException>(() => RtmpUrl.Parse(text!));
        Assert.That(thrown!.Message, Does.Not.Contain("cam"));
    }

    [Test]
    public void A_host_is_no_longer_than_names_can_be() =>
        Assert.That(RtmpUrl.TryParse($"rtmp://{string.Join('.', Enumerable.Repeat("abcdefghi", 26))}/live/cam", out _), Is.False);

    [TestCase("rtmp://host/live?token=x", "rtmp://host/live/key", ExpectedResult = "rtmp://host/live?token=x key ")]
    [TestCase("", "rtmp://u:p@host/live/key", ExpectedResult = "rtmp://host/live key u")]
    [TestCase("rtmp://host/other", "rtmp://u:p@host/live/key", ExpectedResult = "rtmp://host/other key u")]
    [TestCase("rtmp://host:1940/a/b", "rtmp://u:p@host/live/key", ExpectedResult = "rtmp://host:1940/a/b key u")]
    [TestCase("/other", "rtmps://host/live/key", ExpectedResult = "rtmps://host/other key ")]
    [TestCase("//host:1940/other", "rtmps://host/live/key", ExpectedResult = "rtmps://host:1940/other key ")]
    [TestCase("rtmps://host/live", "rtmp://host/live/key", ExpectedResult = "rtmps://host/live key ")]
    [TestCase("rtmp://host/live", "rtmps://host/live/key", ExpectedResult = "the server leads from rtmps to rtmp, which is not followed")]
    [TestCase("rtmp://else/live", "rtmp://host/live/key", ExpectedResult = "the server leads to another host, which AllowOtherHosts forbids")]
    [TestCase("http://host/live", "rtmp://host/live/key", ExpectedResult = "the server names no RTMP address to go to")]
    public string A_server_leads_to_another_place(string target, string from) =>
        RtmpUrl.Parse(from).Move(target, allowOtherHosts: false, out var error) is { } moved
            ? $"{moved.TcUrl} {moved.Key} {moved.User}"
            : error;

    [Test]
    public void Credentials_do_not_go_to_another_host()
    {
        var moved = RtmpUrl.Parse("rtmp://u:p@host/live/key").Move("rtmp://else/live", allowOtherHosts: true, out _)!;
        Assert.That((moved.Host, moved.User, moved.Password.IsEmpty), Is.EqualTo(("else", (string?)null, true)));
    }
}
