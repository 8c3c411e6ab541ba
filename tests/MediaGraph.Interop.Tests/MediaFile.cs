using System.Globalization;
using System.Text.Json;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>One packet as ffprobe sees it.</summary>
/// <param name="DecodeTime">In the container's ticks.</param>
/// <param name="PresentationTime">In the container's ticks.</param>
/// <param name="Hash">Of the payload.</param>
public sealed record ProbedPacket(long DecodeTime, long PresentationTime, string Hash, bool IsKeyframe);

/// <summary>What ffprobe finds in a file.</summary>
public sealed record MediaFile(IReadOnlyList<ProbedPacket> Video, IReadOnlyList<ProbedPacket> Audio)
{
    public static async Task<MediaFile> ReadAsync(string file)
    {
        using var document = await ProbeAsync(
            file, "-show_packets", "-show_data_hash", "md5", "-show_entries", "packet=codec_type,pts,dts,flags,data_hash");
        var packets = document.RootElement.GetProperty("packets").EnumerateArray().ToLookup(p => p.GetProperty("codec_type").GetString());
        return new MediaFile([.. packets["video"].Select(Parse)], [.. packets["audio"].Select(Parse)]);

        static ProbedPacket Parse(JsonElement packet) => new(
            packet.GetProperty("dts").GetInt64(), packet.GetProperty("pts").GetInt64(), packet.GetProperty("data_hash").GetString()!,
            packet.GetProperty("flags").GetString()!.StartsWith('K'));
    }

    /// <summary>ffprobe's answer as JSON.</summary>
    /// <param name="source">A file or a URL.</param>
    public static async Task<JsonDocument> ProbeAsync(string source, params IEnumerable<string> options)
    {
        var result = await ExternalTool.RunAsync("ffprobe", ["-v", "error", "-of", "json", .. options, source]);
        Assert.That(result.ExitCode, Is.Zero, $"ffprobe {source}: {result.Error}");
        return JsonDocument.Parse(result.Output);
    }

    /// <summary>How many packets of a kind, <c>v</c> or <c>a</c>, a file of any format has.</summary>
    public static async Task<int> CountAsync(string file, string kind)
    {
        using var document = await ProbeAsync(
            file, "-select_streams", kind, "-count_packets", "-show_entries", "stream=nb_read_packets");
        return document.RootElement.GetProperty("streams").EnumerateArray()
            .Sum(s => int.Parse(s.GetProperty("nb_read_packets").GetString()!, CultureInfo.InvariantCulture));
    }
}

/// <summary>Comparisons of packet sequences.</summary>
public static class ProbedPackets
{
    /// <summary>Same payloads, same times but for one offset, which is returned.</summary>
    public static long AssertSame(IReadOnlyList<ProbedPacket> actual, IReadOnlyList<ProbedPacket> expected, string what)
    {
        Assert.That(actual.Select(p => p.Hash), Is.EqualTo(expected.Select(p => p.Hash)), $"payloads of the {what}");
        if (expected.Count == 0)
            return 0;
        var offset = actual[0].DecodeTime - expected[0].DecodeTime;
        Assert.That(
            actual.Select(p => (p.DecodeTime, p.PresentationTime, p.IsKeyframe)),
            Is.EqualTo(expected.Select(p => (p.DecodeTime + offset, p.PresentationTime + offset, p.IsKeyframe))), $"times of the {what}");
        return offset;
    }

    /// <summary>The last packets of what another viewer got, with the same times: no gap, no duplicate.</summary>
    public static void AssertSuffix(IReadOnlyList<ProbedPacket> actual, IReadOnlyList<ProbedPacket> all, string what)
    {
        Assert.That(actual, Is.Not.Empty, what);
        Assert.That(actual, Is.EqualTo(all.TakeLast(actual.Count)), $"{what}: the end of what was sent");
    }
}
