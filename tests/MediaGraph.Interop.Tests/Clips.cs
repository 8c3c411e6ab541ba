using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>The clips that the tests publish; each is made once per run, when a test asks for it first.</summary>
[SetUpFixture]
public sealed class Clips
{
    /// <summary>Pictures from one keyframe to the next, unless a clip says otherwise.</summary>
    public const int Group = 25;

    private const string Picture = "testsrc2=size=320x180:rate=25";
    private const string Sound = "sine=frequency=440:sample_rate=44100";

    private static readonly Dictionary<string, Task<string>> Made = []; // by name; under its own lock
    private static string _folder = "";

    /// <summary>4 s of H264 with B-frames, a keyframe every second, and AAC.</summary>
    public static Task<string> ShortAsync() => GetAsync("short", [.. Input(4), .. H264(group: 25), .. Aac]);

    /// <summary>The same with one keyframe in 10 s.</summary>
    public static Task<string> LongGroupAsync() => GetAsync("long-group", [.. Input(11), .. H264(group: 250), .. Aac]);

    /// <summary>3 s of H264 and MP3.</summary>
    public static Task<string> Mp3Async() => GetAsync("mp3", [.. Input(3), .. H264(group: 25), "-c:a", "libmp3lame", "-b:a", "64k"]);

    /// <summary>3 s of H264 alone.</summary>
    public static Task<string> SilentAsync() => GetAsync("silent", ["-f", "lavfi", "-i", Picture, "-t", "3", .. H264(group: 25)]);

    /// <summary>3 s of AAC alone.</summary>
    public static Task<string> SoundOnlyAsync() => GetAsync("sound", ["-f", "lavfi", "-i", Sound, "-t", "3", .. Aac]);

    /// <summary>4 s of noise at some 20 Mbit/s, a keyframe every second.</summary>
    public static Task<string> HeavyAsync() => GetAsync("heavy", [
        "-f", "lavfi", "-i", "nullsrc=size=320x180:rate=25,geq=random(1)*255:128:128", "-f", "lavfi", "-i", Sound, "-t", "4",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-sc_threshold", "0", "-qp", "4", .. Aac]);

    /// <summary>
    /// A clip in Matroska with a keyframe every second. 20 s are enough to publish it once until all viewers have seen some of it.
    /// </summary>
    public static Task<string> InAsync(MediaFormat format, int seconds = 20)
    {
        // An encoder's first packet is earlier than its first sample, and would move the pictures: they begin at 0, as the sound does.
        string[] sound = format == MediaFormat.H264Aac44 ? [.. Noise(44_100), .. Aac, "-bsf:a", "setts=ts=TS+23"]
            : format == MediaFormat.H265Aac48 ? [.. Noise(48_000), .. Aac, "-bsf:a", "setts=ts=TS+21"]
            : format == MediaFormat.H264Opus ? [.. Noise(48_000), "-c:a", "libopus", "-b:a", "48k", "-bsf:a", "setts=ts=TS+14"]
            : [.. Noise(8_000), "-af", "asetnsamples=160", "-c:a", format == MediaFormat.H264Pcma ? "pcm_alaw" : "pcm_mulaw"];
        string[] picture = format == MediaFormat.H265Aac48 ? H265 : H264(Group);
        string[] input = ["-f", "lavfi", "-i", Picture, .. sound[..4], "-t", $"{seconds}"];
        return GetAsync($"{format.Name.Replace(' ', '-')}-{seconds}", [.. input, .. picture, .. sound[4..]], ".mkv");
    }

    /// <summary>20 s of one track in Matroska: vp8, vp9, L16, mp3 or ac3. Pictures have a keyframe every second.</summary>
    public static Task<string> OneTrackAsync(string codec) => GetAsync($"{codec}-alone", codec switch
    {
        "vp8" or "vp9" => [
            "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25", "-t", "20", "-c:v", codec == "vp8" ? "libvpx" : "libvpx-vp9", "-g", "25",
            "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-b:v", "200k"],
        "L16" => [.. Noise(16_000), "-t", "20", "-af", "asetnsamples=320", "-c:a", "pcm_s16be"],
        "mp3" => [.. Noise(44_100), "-t", "20", "-c:a", "libmp3lame", "-b:a", "64k"],
        _ => [.. Noise(48_000), "-t", "20", "-c:a", codec, "-b:a", "96k"],
    }, ".mkv");

    [OneTimeSetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("mediagraph-clips-").FullName;

    [OneTimeTearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private static string[] Aac { get; } = ["-c:a", "aac", "-b:a", "64k"];

    private static string[] H265 { get; } = [
        "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "300k", "-x265-params",
        $"keyint={Group}:min-keyint={Group}:scenecut=0:open-gop=0:bframes=2:b-adapt=0:log-level=error"];

    // No two packets of it are equal.
    private static string[] Noise(int rate) => ["-f", "lavfi", "-i", $"anoisesrc=sample_rate={rate}:amplitude=0.3:seed=1"];

    private static string[] Input(int seconds) => ["-f", "lavfi", "-i", Picture, "-f", "lavfi", "-i", Sound, "-t", $"{seconds}"];

    private static string[] H264(int group) => [
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", $"{group}", "-keyint_min", $"{group}",
        "-sc_threshold", "0", "-x264-params", "b-adapt=0:open-gop=0", "-b:v", "300k"];

    private static Task<string> GetAsync(string name, string[] options, string extension = ".flv")
    {
        lock (Made)
        {
            if (!Made.TryGetValue(name, out var made))
                Made[name] = made = MakeAsync(Path.Combine(_folder, name + extension), options);
            return made;
        }
    }

    private static async Task<string> MakeAsync(string file, string[] options)
    {
        var result = await ExternalTool.RunAsync("ffmpeg", ["-nostdin", "-hide_banner", "-loglevel", "error", .. options, file]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        return file;
    }
}
