using System.Globalization;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// The frames of a file in decoding order, comparable between containers and protocols. Who joins a live stream gets a part of it: frames
/// that follow one another in the source without gap or duplicate, the first picture a keyframe, the times the source's but for one
/// offset, the same for sound and picture.
/// </summary>
public sealed record FrameHashes(IReadOnlyList<HashedFrame> Video, IReadOnlyList<HashedFrame> Audio)
{
    private const double Rounding = 2.5; // Matroska and FLV count milliseconds

    /// <summary>Runs ffmpeg over a file of any container.</summary>
    public static async Task<FrameHashes> ReadAsync(string file, MediaFormat format)
    {
        var result = await ExternalTool.RunAsync(
            "ffmpeg", ["-nostdin", "-hide_banner", "-loglevel", "error", "-i", file, .. format.HashOptions, "-"]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        return Parse(result.Output.Split('\n'));
    }

    /// <summary>Reads what ffmpeg's <c>framehash</c> wrote; a last line that is cut short does not count.</summary>
    public static FrameHashes Parse(IEnumerable<string> lines)
    {
        var (units, kinds) = (new Dictionary<string, double>(), new Dictionary<string, string>());
        var (video, audio) = (new List<HashedFrame>(), new List<HashedFrame>());
        foreach (var line in lines)
        {
            if (line.StartsWith("#tb ", StringComparison.Ordinal)) // "#tb 0: 1/90000"
            {
                var parts = line[4..].Split(": ");
                units[parts[0]] = 1000.0 / int.Parse(parts[1].Split('/')[1], CultureInfo.InvariantCulture);
                Assert.That(parts[1], Does.StartWith("1/"));
            }
            else if (line.StartsWith("#media_type ", StringComparison.Ordinal)) // "#media_type 0: video"
            {
                var parts = line[12..].Split(": ");
                kinds[parts[0]] = parts[1];
            }
            else if (!line.StartsWith('#')
                && line.Split(',', StringSplitOptions.TrimEntries) is [var stream, _, var time, _, _, { Length: 32 } hash, ..])
            {
                var ticks = long.Parse(time, CultureInfo.InvariantCulture);
                (kinds[stream] == "video" ? video : audio).Add(new(ticks == long.MinValue ? null : ticks * units[stream], hash));
            }
        }

        return new FrameHashes(video, audio);
    }

    /// <summary>Asserts that this is what a live viewer may get of the source.</summary>
    /// <param name="frames">So many pictures, and packets of sound, at least.</param>
    /// <param name="apart">Milliseconds by which sound and picture may have moved against each other; null: times do not count.</param>
    /// <param name="drift">Milliseconds by which the offset may change on the way.</param>
    public void AssertPartOf(FrameHashes source, string what, int frames = 30, double? apart = 20, double drift = Rounding)
    {
        var video = AssertPart(Video, source.Video, $"{what}: video", frames, Clips.Group, apart is null ? null : drift);
        var audio = AssertPart(Audio, source.Audio, $"{what}: audio", frames, 1, apart is null ? null : drift);
        if (apart is { } tolerance)
            Assert.That(audio, Is.EqualTo(video).Within(tolerance), $"{what}: sound and picture stay together (ms)");
    }

    // Returns the offset of the times.
    private static double AssertPart(
        IReadOnlyList<HashedFrame> all, IReadOnlyList<HashedFrame> source, string what, int frames, int group, double? drift)
    {
        Assert.That(all, Has.Count.GreaterThan(frames), what);
        var part = all.SkipLast(1).ToList(); // a process that was ended may have written half of the last one
        var start = source.Select(f => f.Hash).ToList().IndexOf(part[0].Hash);
        Assert.That(start, Is.Not.Negative, $"{what}: the first frame is one of the source's");
        Assert.That(start % group, Is.Zero, $"{what}: begins with a keyframe, not with frame {start}");
        var expected = source.Skip(start).Take(part.Count).Select(f => f.Hash);
        Assert.That(part.Select(f => f.Hash), Is.EqualTo(expected), $"{what}: frames from {start} on");
        if (drift is not { } tolerance)
            return 0;

        // The first time of all may be missing (ffmpeg's parser) or moved (a muxer's first time is 0).
        var offsets = part.Zip(source.Skip(start), (a, b) => a.Milliseconds - b.Milliseconds).Skip(1).ToList();
        Assert.That(offsets, Has.None.Null, $"{what}: times");
        Assert.That(offsets, Has.All.EqualTo(offsets[0]!.Value).Within(tolerance), $"{what}: times are the source's but for one offset");
        return offsets[0]!.Value;
    }
}
