using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

public sealed class ToolsTests
{
    [TestCase("ffmpeg", "-version")]
    [TestCase("ffprobe", "-version")]
    [TestCase("rtmpdump", "--help")]
    [TestCase("mpv", "--version")]
    [TestCase("cvlc", "--version")]
    [TestCase("nginx", "-v")]
    [TestCase("gst-launch-1.0", "--version")]
    [TestCase("gst-inspect-1.0", "rtmp2src")]
    [TestCase("gst-inspect-1.0", "rtmp2sink")]
    [TestCase("gst-inspect-1.0", "x264enc")]
    [TestCase("gst-inspect-1.0", "rtspsrc")]
    [TestCase("gst-inspect-1.0", "rtspclientsink")]
    [TestCase("gst-inspect-1.0", "h265parse")]
    [TestCase("gst-inspect-1.0", "rtpopuspay")]
    [TestCase("gst-inspect-1.0", "avdec_h264")]
    public async Task A_tool_that_the_tests_drive_is_installed(string program, string argument)
    {
        var result = await ExternalTool.RunAsync(program, [argument], withoutRoot: program == "cvlc");
        Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
    }
}
