using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Messages;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class UrlTests
{
    [TestCase("rtsp://h/cam", "rtsp://h/cam")]
    [TestCase("RTSP://h:554/cam/", "rtsp://h/cam/")]
    [TestCase("rtsps://h:322", "rtsps://h/")]
    [TestCase("rtsps://h:8322/a?b=c", "rtsps://h:8322/a?b=c")]
    [TestCase("rtsp://[::1]:8554/a", "rtsp://[::1]:8554/a")]
    [TestCase("rtsp://u:p@h/a%20b", "rtsp://h/a%20b")]
    [TestCase("rtsp://u:p@h/\u00E4?x=1#transport=udp", "rtsp://h/%C3%A4?x=1")]
    [TestCase("rtsp://h?channel=1", "rtsp://h/?channel=1")]
    public void An_address_is_asked_for_without_what_is_not_the_servers(string text, string requestUri) =>
        Assert.That(RtspUrl.Parse(text).RequestUri, Is.EqualTo(requestUri));

    [Test]
    public void An_address_has_user_password_and_transport()
    {
        var url = RtspUrl.Parse("rtsp://admin:p%40s%3As@w:rd@192.0.2.7:8554/live?token=t#transport=http");
        Assert.That((url.User, url.Password.Reveal()), Is.EqualTo(("admin", "p@s:s@w:rd")));
        Assert.That((url.Host, url.Port, url.IsSecure), Is.EqualTo(("192.0.2.7", 8554, false)));
        Assert.That((url.Path, url.Query, url.Transport), Is.EqualTo(("live", "token=t", (RtspUrlTransport?)RtspUrlTransport.Http)));
        Assert.That(RtspUrl.Parse("rtsp://h/a").Transport, Is.Null);
    }

    [TestCase("rtsp://admin:hunter2@h/live?password=hunter2#transport=tcp", "rtsp://h/live?***")]
    [TestCase("rtsp://h/user=admin&password=hunter2&channel=1.sdp", "rtsp://h/user=***")]
    public void An_address_prints_without_secrets(string text, string printed) =>
        Assert.That(RtspUrl.Parse(text).ToString(), Is.EqualTo(printed));

    [TestCase("")]
    [TestCase("rtmp://h/a")]
    [TestCase("rtsp:/h")]
    [TestCase("rtsp://")]
    [TestCase("rtsp:///a")]
    [TestCase("rtsp://h:0/a")]
    [TestCase("rtsp://h:65536/a")]
    [TestCase("rtsp://h:x/a")]
    [TestCase("rtsp://h/a b")]
    [TestCase("rtsp://h/a\r\nX: 1")]
    [TestCase("rtsp://u%0A:p@h/a")]
    [TestCase("rtsp://h/a#transport=sctp")]
    [TestCase("rtsp://h/a#timeout=5")]
    [TestCase("rtsp://::1/a")]
    public void What_is_no_address_is_refused_without_repeating_it(string text)
    {
        Assert.That(RtspUrl.TryParse(text, out _), Is.False);
        var message = Assert.Throws<FormatException>(() => RtspUrl.Parse(text))!.Message;
        Assert.That(text.Length < 12 || !message.Contains(text, StringComparison.Ordinal));
    }

    [Test]
    public void A_redirect_keeps_the_password_at_home()
    {
        var url = RtspUrl.Parse("rtsp://u:p@a/x#transport=udp");
        var same = url.Move("rtsp://A:8554/y", allowOtherHosts: false, out _)!;
        Assert.That((same.RequestUri, same.User, same.Transport), Is.EqualTo(("rtsp://A:8554/y", "u", url.Transport)));
        Assert.That(url.Move("/y?z", allowOtherHosts: false, out _)!.RequestUri, Is.EqualTo("rtsp://a/y?z"));
        var other = url.Move("rtsp://v:q@b/x", allowOtherHosts: true, out _)!;
        Assert.That((other.Host, other.User, other.Password.IsEmpty), Is.EqualTo(("b", (string?)null, true)));
        Assert.That(url.Move("rtsp://b/x", allowOtherHosts: false, out var error), Is.Null);
        Assert.That(error, Does.Contain("another host"));
        Assert.That(url.Move("http://a/x", allowOtherHosts: true, out _), Is.Null);
        Assert.That(RtspUrl.Parse("rtsps://a/x").Move("rtsp://a/x", allowOtherHosts: true, out _), Is.Null);
    }

    // What players do, and what devices make of RFC 2326 §C.1.1.
    [TestCase("rtsp://h/live", "trackID=1", "rtsp://h/live/trackID=1")]
    [TestCase("rtsp://h/live/", "trackID=1", "rtsp://h/live/trackID=1")]
    [TestCase("rtsp://h/live/", " trackID=1 ", "rtsp://h/live/trackID=1")]
    [TestCase("rtsp://h/live/", "/trackID=1", "rtsp://h/live/trackID=1")]
    [TestCase("rtsp://h/live", "/live/trackID=1", "rtsp://h/live/trackID=1")]
    [TestCase("rtsp://h", "trackID=1", "rtsp://h/trackID=1")]
    [TestCase("rtsp://h", "/trackID=1", "rtsp://h/trackID=1")]
    [TestCase("rtsp://h/cam/realmonitor?channel=1&subtype=0", "trackID=0", "rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=0")]
    [TestCase("rtsp://h/cam/realmonitor?channel=1/", "trackID=0", "rtsp://h/cam/realmonitor?channel=1/trackID=0")]
    [TestCase("rtsp://h/media.amp", "?ctype=video", "rtsp://h/media.amp?ctype=video")]
    [TestCase("rtsp://h/live", "rtsp://10.0.0.1:554/live/track1", "rtsp://10.0.0.1:554/live/track1")]
    [TestCase("rtsp://h/live", "RTSP://h/x", "RTSP://h/x")]
    [TestCase("rtsp://h/live", "rtsp://rtsp://h:554/stream1/track1", "rtsp://h:554/stream1/track1")]
    [TestCase("rtsp://h/live", "rtsp://u:p@h/live/1", "rtsp://h/live/1")]
    [TestCase("rtsp://h/live/", "*", "rtsp://h/live/")]
    [TestCase("rtsp://h/live", "", "rtsp://h/live")]
    [TestCase("rtsp://h/live", null, "rtsp://h/live")]
    [TestCase("rtsp://h/live", "a b\u00E4", "rtsp://h/live/a%20b%C3%A4")]
    public void A_control_attribute_becomes_a_url(string baseUri, string? control, string expected) =>
        Assert.That(RtspControl.Resolve(baseUri, control), Is.EqualTo(expected));

    [TestCase("rtsp://h/live/", null, "rtsp://h/live/")]
    [TestCase(null, "rtsp://h/other", "rtsp://h/other")]
    [TestCase("rtsp://a/1", "rtsp://a/2", "rtsp://a/1")]
    [TestCase("rtsp://rtsp://h.lan:554/s1/", null, "rtsp://h.lan:554/s1/")]
    [TestCase("rtsp://u:p@h/live/", null, "rtsp://h/live/")]
    [TestCase("rtsp://::ffff:192.0.2.1/onvif/profile.1/", null, "rtsp://::ffff:192.0.2.1/onvif/profile.1/")]
    [TestCase("/other/", null, "rtsp://cam:8554/other/")]
    [TestCase("", "", "rtsp://cam:8554/live?x=1")]
    [TestCase("stream", "nonsense", "rtsp://cam:8554/live?x=1")]
    [TestCase("rtsp://", null, "rtsp://cam:8554/live?x=1")]
    public void The_base_is_what_the_answer_says_or_what_was_asked_for(string? contentBase, string? location, string expected)
    {
        var response = new RtspResponse(200);
        if (contentBase is not null)
            response.Headers.Add("Content-Base", contentBase);
        if (location is not null)
            response.Headers.Add("Content-Location", location);
        Assert.That(RtspControl.BaseOf(response, "rtsp://cam:8554/live?x=1"), Is.EqualTo(expected));
    }

    [TestCase("rtsp://h/live/cam/trackID=1", "rtsp://h/live/cam", 1)]
    [TestCase("rtsp://h/live/cam/trackID=1/", "rtsp://h/live/cam", 1)]
    [TestCase("rtsp://h/live/cam/?video=h264/trackID=0", "rtsp://h/live/cam/?video=h264", 0)]
    [TestCase("rtsp://h/live/cam//TRACKID=12", "rtsp://h/live/cam", 12)]
    [TestCase("rtsp://h/live/cam/", "rtsp://h/live/cam", null)]
    [TestCase("rtsp://h/trackID=x", "rtsp://h/trackID=x", null)]
    [TestCase("*", "*", null)]
    [TestCase("trackID=1", "trackID=1", null)]
    [TestCase("", "", null)]
    public void A_request_for_a_track_is_taken_apart(string uri, string presentation, int? track)
    {
        Assert.That(RtspControl.Split(uri), Is.EqualTo((presentation, track)));
        Assert.That(RtspControl.Split(RtspControl.Resolve("rtsp://h/a?b", RtspControl.OfTrack(3))), Is.EqualTo(("rtsp://h/a?b", (int?)3)));
    }

    [Test]
    public void A_query_selects_tracks()
    {
        var query = RtspTrackQuery.Parse("video=H265,h264&audio=mpeg4-generic&audio&token=x&backchannel=1");
        Assert.That(query.HasBackchannel);
        Assert.That(query.Tracks.Select(track => track.ToString()), Is.EqualTo(
            ["video recvonly H265, H264", "audio recvonly AAC/90000", "audio recvonly"]));
        var empty = RtspTrackQuery.Parse("token=x&backchannel=0");
        Assert.That((empty.Tracks.IsEmpty, empty.HasBackchannel), Is.EqualTo((true, false)));
    }

    [TestCase("video=")]
    [TestCase("video")]
    [TestCase("VIDEO=copy")]
    [TestCase("video=h264,all")]
    public void A_query_may_leave_the_codec_open(string query)
    {
        var track = RtspTrackQuery.Parse(query).Tracks.Single();
        Assert.That((track.Kind, track.Direction, track.Codecs.IsEmpty), Is.EqualTo((MediaKind.Video, TrackDirection.ReceiveOnly, true)));
    }

    [Test]
    public void A_query_may_ask_for_what_opus_and_jpeg_are_called() =>
        Assert.That(
            RtspTrackQuery.Parse("video=mjpeg,hevc&audio=OPUS,pcma").Tracks.SelectMany(track => track.Codecs).Select(codec => codec.Name),
            Is.EqualTo([CodecNames.Jpeg, CodecNames.H265, CodecNames.Opus, CodecNames.Pcma]));
}
