using System.Text.RegularExpressions;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed partial class OptionsTests
{
    [Test]
    public void Without_arguments_the_defaults_are_those_of_the_help()
    {
        var options = LoadOptions.Parse([])!;
        Assert.That(options, Is.EqualTo(new LoadOptions()));
        var url = $"(rtmp://{options.Host}:{options.Port}/{options.App}/{options.Name})";
        Assert.That(LoadOptions.Usage.Contains(url, StringComparison.Ordinal), Is.True, url);
    }

    [TestCase("rtmp://localhost/app", "localhost", 1935, "app", "load")]
    [TestCase("rtmp://10.0.0.1:1936/live/cam", "10.0.0.1", 1936, "live", "cam")]
    [TestCase("rtmp://[::1]:80/live/a/b", "::1", 80, "live", "a/b")]
    [TestCase("rtsp://localhost/app", "localhost", 554, "app", "load")]
    [TestCase("rtsp://10.0.0.1:8554/live/cam", "10.0.0.1", 8554, "live", "cam")]
    public void A_url_names_the_server(string url, string host, int port, string app, string name)
    {
        var options = LoadOptions.Parse([url])!;
        Assert.That((options.Host, options.Port, options.App, options.Name), Is.EqualTo((host, port, app, name)));
        Assert.That(options.Url, Does.StartWith(url[..7]));
        Assert.That(options.Publishing, Is.EqualTo(options));
    }

    [Test]
    public void It_may_be_published_elsewhere()
    {
        var options = LoadOptions.Parse(["rtsp://127.0.0.1:8554/live/a", "--publish", "rtmp://localhost/app"])!;
        Assert.That((options.Url, options.Publishing.Url), Is.EqualTo(("rtsp://127.0.0.1:8554/live", "rtmp://localhost:1935/app")));
        Assert.That((options.Name, options.Publishing.Name), Is.EqualTo(("a", "a")));
    }

    [Test]
    public void A_group_is_two_seconds_and_a_slow_viewer_reads_a_quarter_unless_they_are_given()
    {
        var options = LoadOptions.Parse(["--gop", "7", "--fps", "50", "--bitrate", "8", "--slow", "1"])!;
        Assert.That((options.Gop, options.SlowRate), Is.EqualTo((7, 2.0)));
        options = LoadOptions.Parse(["--fps", "50", "--slow-rate", "0.5", "--bitrate", "8"])!;
        Assert.That((options.Gop, options.SlowRate), Is.EqualTo((100, 0.5)));
    }

    [Test]
    public void Every_option_of_the_help_is_understood_and_has_its_field()
    {
        var names = OptionNames().Matches(LoadOptions.Usage).Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.That(names, Has.Length.GreaterThan(18));
        foreach (var name in names)
        {
            var options = LoadOptions.Parse(name switch
            {
                "--audio" or "--flood" => [name],
                "--transport" => ["rtsp://127.0.0.1/live", name, "udp"],
                "--publish" => [name, "rtsp://127.0.0.1/live"],
                _ => [name, "3"],
            })!;
            Assert.That(options, Is.Not.EqualTo(new LoadOptions()), name);
        }
    }

    [TestCase("--help")]
    [TestCase("-h")]
    public void Who_asks_for_help_gets_it(string argument) => Assert.That(LoadOptions.Parse(["--viewers", "3", argument]), Is.Null);

    [TestCase("--views is no option.", "--views", "3")]
    [TestCase("--viewers must be 0 to 20000, not 'many'.", "--viewers", "many")]
    [TestCase("--viewers must be 0 to 20000, not ''.", "--viewers")]
    [TestCase("--seconds must be 1 to 3600, not '0'.", "--seconds", "0")]
    [TestCase("--bitrate must be 0.01 to 1000 Mbit/s, not '-1'.", "--bitrate", "-1")]
    [TestCase("--json needs a value.", "--json")]
    [TestCase("'http://a/b' is no address of the form rtmp://HOST[:PORT]/APP[/NAME] or rtsp://HOST[:PORT]/APP[/NAME].", "http://a/b")]
    [TestCase("'localhost' is no address of the form rtmp://HOST[:PORT]/APP[/NAME] or rtsp://HOST[:PORT]/APP[/NAME].", "localhost")]
    [TestCase("'rtmp://host' names no application, such as rtmp://host/live.", "rtmp://host")]
    [TestCase("'rtsp://host' names no application, such as rtsp://host/live.", "--publish", "rtsp://host")]
    [TestCase("--transport must be tcp or udp, not 'sctp'.", "--transport", "sctp")]
    [TestCase("--transport udp needs rtsp://.", "--transport", "udp")]
    [TestCase("Over UDP nobody is slow or stalled: the server does not see it.", "rtsp://host/live", "--transport", "udp", "--slow", "1")]
    [TestCase("More viewers are slow or stalled than there are.", "--viewers", "3", "--slow", "2", "--stalled", "2")]
    [TestCase("There is nothing to do: no viewers, no flood, no churn, nobody idle.", "--viewers", "0")]
    [TestCase("So many frames of so few bits have no room for their numbers: more --bitrate or less --fps.", "--bitrate", "0.01")]
    [TestCase("A keyframe would be larger than 4 MiB: less --bitrate, more --fps or a smaller --gop.", "--bitrate", "1000")]
    public void What_makes_no_sense_is_said(string message, params string[] arguments) =>
        Assert.That(() => LoadOptions.Parse(arguments), Throws.InstanceOf<FormatException>().With.Message.EqualTo(message));

    [TestCase("4", "30", "60")]
    [TestCase("4", "30", "1")]
    [TestCase("0.5", "15", "5")]
    [TestCase("20", "60", "600")]
    public void Frames_add_up_to_the_bit_rate(string bitrate, string fps, string gop)
    {
        var options = LoadOptions.Parse(["--bitrate", bitrate, "--fps", fps, "--gop", gop])!;
        var track = SyntheticTrack.ForStreams(options)[0][0];
        var bytes = Enumerable.Range(0, options.Gop).Sum(i => (long)track.Length(i));
        Assert.That(bytes * 8 / track.TimeOf(options.Gop).TotalSeconds / 1e6, Is.EqualTo(options.Bitrate).Within(1).Percent);
        Assert.That(track.Length(0), Is.GreaterThanOrEqualTo(track.Length(1)));
        Assert.That(track.LongestFrame, Is.EqualTo(track.Length(0)));
    }

    [GeneratedRegex(@"^  (--[a-z-]+) ", RegexOptions.Multiline)]
    private static partial Regex OptionNames();
}
