using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Testing;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// The programs of others that speak RTSP: servers, publishers and viewers, each with the command line that works (Debian 12: ffmpeg 5.1,
/// GStreamer 1.22, mpv 0.35, VLC 3.0). They end with the <see cref="LiveServer"/> at the latest.
/// </summary>
public static class RtspPeers
{
    // GStreamer's rtspclientsink sends AAC as MP4A-LATM (RFC 6416) unless that payloader is out of the way.
    private const string NoLatm = "GST_PLUGIN_FEATURE_RANK=rtpmp4apay:NONE";

    /// <summary>Kinds of publishers over RTSP and RTMP.</summary>
    public static IReadOnlyList<string> Publishers { get; } =
        ["ffmpeg rtmp", "ffmpeg rtsp tcp", "ffmpeg rtsp udp", "GStreamer rtmp", "GStreamer rtsp tcp", "GStreamer rtsp udp"];

    /// <summary>Kinds of viewers over RTSP.</summary>
    public static IReadOnlyList<string> Viewers { get; } =
        ["ffmpeg tcp", "ffmpeg udp", "ffmpeg http", "GStreamer tcp", "GStreamer udp", "GStreamer http", "mpv tcp"];

    /// <summary>
    /// Publishes a clip in real time, once. ffmpeg ends well on SIGINT (exit code 255) and sends TEARDOWN; GStreamer's rtspclientsink over
    /// UDP does not always come to its end: kill it.
    /// </summary>
    /// <param name="kind">One of <see cref="Publishers"/>.</param>
    public static ExternalTool Publish(this LiveServer server, string kind, string clip, MediaFormat format, string url)
    {
        string[] ffmpeg = ["-nostdin", "-hide_banner", "-loglevel", "warning", "-re", "-i", clip, "-map", "0", "-c", "copy"];
        var (video, audio) = ($"d.video_0 ! queue ! {format.VideoParser} !", $"d.audio_0 ! queue ! {format.AudioParser} !");
        return kind switch
        {
            "ffmpeg rtmp" => server.Start("ffmpeg", [.. ffmpeg, "-f", "flv", url]),
            "ffmpeg rtsp tcp" or "ffmpeg rtsp udp" => server.Start("ffmpeg", [.. ffmpeg, "-f", "rtsp", "-rtsp_transport", kind[^3..], url]),
            // FLV wants decode times, which Matroska has not: without the timestamper presentation times are lost. No G.711.
            "GStreamer rtmp" => GStreamer(
                server,
                $"filesrc location={clip} ! matroskademux name=d {video} h264timestamper ! m. {audio} m. " +
                $"flvmux streamable=true name=m ! rtmp2sink sync=true location={url}"),
            // Announces the pads in reverse: sound first.
            "GStreamer rtsp tcp" or "GStreamer rtsp udp" => GStreamer(
                server,
                $"rtspclientsink location={url} protocols={kind[^3..]} name=s " +
                $"filesrc location={clip} ! matroskademux name=d {video} s.sink_0 {audio} s.sink_1"),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown publisher"),
        };
    }

    /// <summary>
    /// Plays a stream until the server says that it is over: RTCP BYE for every track, or the end of the connection. An end by itself is
    /// exit code 0 with all of them.
    /// </summary>
    /// <param name="kind">One of <see cref="Viewers"/>, or "ffmpeg rtmp".</param>
    /// <param name="url">rtsp:// (or rtmp://); GStreamer's scheme for the tunnel is made from it.</param>
    public static Viewer Watch(this LiveServer server, string kind, string url, MediaFormat format)
    {
        string[] ffmpeg = ["-nostdin", "-hide_banner", "-loglevel", "warning"];
        var transport = kind.Split(' ')[1];
        var file = server.NewFile(kind.StartsWith("ffmpeg", StringComparison.Ordinal) ? "framehash" : "mkv");
        var tool = kind switch
        {
            "ffmpeg rtmp" => server.Start("ffmpeg", [.. ffmpeg, "-i", url, .. format.HashOptions, file]),
            "ffmpeg tcp" or "ffmpeg udp" or "ffmpeg http" => server.Start(
                "ffmpeg", [.. ffmpeg, "-rtsp_transport", transport, "-i", url, .. format.HashOptions, file]),
            // buffer-mode=none: times are the RTP timestamps', not corrected by when the packets came.
            "GStreamer tcp" or "GStreamer udp" => GStreamer(server, $"rtspsrc location={url} protocols={transport} {Recorder()}"),
            "GStreamer http" => GStreamer(
                server, $"rtspsrc location={url.Replace("rtsp:", "rtsph:", StringComparison.Ordinal)} {Recorder()}"),
            // Records from the second keyframe on when it has shown the first already.
            "mpv tcp" or "mpv udp" or "mpv http" => server.Start(
                "mpv", "--no-config", "--vo=null", "--ao=null", $"--rtsp-transport={transport}", $"--stream-record={file}", url),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown viewer"),
        };
        return new Viewer(kind, tool, file, format);

        // No caps between the source and the depayloaders, which take their kind alone: for such links gst-launch tries its filters on each pad
        // that comes, from the threads of both, and sometimes ends with a track that is linked to nothing.
        string Recorder() =>
            $"buffer-mode=none name=s matroskamux name=m ! filesink async=false location={file} " +
            $"s. ! rtp{format.VideoPayload}depay ! {format.VideoParser} ! queue ! m. " +
            $"s. ! rtp{format.AudioPayload}depay ! {format.AudioParser} ! queue ! m.";
    }

    /// <summary>
    /// GStreamer's RTSP server with a clip; every viewer gets it from its beginning, in real time. The URL has no credentials.
    /// </summary>
    /// <param name="transports">"tcp", "udp", "tcp,udp"; a tunnel is "tcp".</param>
    /// <param name="user">"name:password"; null for nobody.</param>
    /// <param name="authentication">"digest" (MD5 without qop) or "basic".</param>
    public static Task<string> StartGstServerAsync(
        this LiveServer server, string clip, MediaFormat format, string transports = "tcp,udp", string? user = null,
        string authentication = "digest") =>
        StartGstServerAsync(server, [
            "--launch",
            $"( filesrc location={clip} ! matroskademux name=d " +
            $"d.video_0 ! queue ! {format.VideoParser} ! rtp{format.VideoPayload}pay name=pay0 pt=96 config-interval=-1 " +
            $"d.audio_0 ! queue ! {format.AudioParser} ! rtp{format.AudioPayload}pay name=pay1 )",
            "--transports", transports, .. user is null ? [] : new[] { "--user", user, "--auth", authentication }]);

    /// <summary>
    /// GStreamer's RTSP server for one publisher. Its jitter buffer bends the times: compare payloads alone. The file is complete when the
    /// server has written "ended", after TEARDOWN or the end of the connection.
    /// </summary>
    /// <param name="soundFirst">The order in the publisher's ANNOUNCE, which must be the pipeline's.</param>
    public static async Task<(string Url, Viewer Recorder)> StartGstRecorderAsync(
        this LiveServer server, MediaFormat format, bool soundFirst)
    {
        var file = server.NewFile("mkv");
        var (video, audio) = (soundFirst ? "depay1" : "depay0", soundFirst ? "depay0" : "depay1");
        var url = await StartGstServerAsync(server, [
            "--record", "--launch",
            $"( rtp{format.VideoPayload}depay name={video} ! {format.VideoParser} ! queue ! " +
            $"matroskamux name=m ! filesink async=false location={file} " +
            $"rtp{format.AudioPayload}depay name={audio} ! {format.AudioParser} ! queue ! m. )"]);
        return (url, new Viewer("GStreamer's server", server.LastStarted, file, format));
    }

    /// <summary>
    /// VLC as RTSP server, over UDP alone (461 for anything else). The clip runs once, from now on, whether somebody looks or not; VLC then
    /// ends. The port is ours to choose.
    /// </summary>
    public static async Task<string> StartVlcServerAsync(this LiveServer server, string clip)
    {
        var (port, copy) = (FreePort.Find(), server.NewFile("mkv"));
        File.Copy(clip, copy); // where another user than root can read it
        var url = Url(port);
        server.StartWithoutRoot("cvlc", "--ignore-config", copy, "--sout", $"#rtp{{sdp={url}}}", "vlc://quit");
        await LiveServer.WaitForListenerAsync(port);
        // It listens before it knows what it has to offer, and answers 500 until then.
        var describe = $"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n";
        await Eventually.Async(() => Ask(port, describe).Contains(" 200 ", StringComparison.Ordinal), "VLC serves");
        return url;
    }

    /// <summary>
    /// ffmpeg waits for one publisher (ANNOUNCE, RECORD) and ends with it. It takes TCP and UDP, and answers SETUP only when the Transport
    /// header says <c>mode=record</c>, lower case and without quotes.
    /// </summary>
    public static async Task<(string Url, Viewer Recorder)> StartFfmpegListenerAsync(this LiveServer server, MediaFormat format)
    {
        var (port, file) = (FreePort.Find(), server.NewFile("framehash"));
        var tool = server.Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-rtsp_flags", "listen", "-i", Url(port), .. format.HashOptions, file]);
        await LiveServer.WaitForListenerAsync(port);
        return (Url(port), new Viewer("ffmpeg's listener", tool, file, format));
    }

    private static string Ask(int port, string request)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port) { ReceiveTimeout = 2000 };
            client.GetStream().Write(Encoding.ASCII.GetBytes(request));
            return new StreamReader(client.GetStream()).ReadLine() ?? "";
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return ""; // it is not ready
        }
    }

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{port}/x");

    // "env" becomes gst-launch-1.0: the process keeps its id.
    private static ExternalTool GStreamer(LiveServer server, string pipeline) =>
        server.Start("env", [NoLatm, "gst-launch-1.0", "-e", .. pipeline.Split(' ')]);

    private static async Task<string> StartGstServerAsync(LiveServer server, IEnumerable<string> arguments)
    {
        // The distribution's Python: others do not know its modules.
        var tool = server.Start(
            "/usr/bin/python3", [RepositoryRoot.Combine("tests", "MediaGraph.Interop.Tests", "gst-rtsp-server.py"), .. arguments]);
        await tool.WaitForTextAsync("port ");
        await Eventually.Async(() => tool.Output.Contains('\n', StringComparison.Ordinal), "the whole line with the port");
        return Url(int.Parse(tool.Output.Split(' ', '\n')[1], CultureInfo.InvariantCulture));
    }
}
