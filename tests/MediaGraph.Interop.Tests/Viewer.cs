using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>A running program that plays a stream into a file.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Tool">The process.</param>
/// <param name="File">What it writes: ffmpeg's frame hashes, or a container that ffmpeg reads.</param>
/// <param name="Format">What it plays.</param>
public sealed record Viewer(string Name, ExternalTool Tool, string File, MediaFormat Format)
{
    // How long a GStreamer player that may go on is waited for.
    private static readonly TimeSpan GStreamersPatience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Waits for the end of a GStreamer player, and brings it about where it does not come: some go on after the goodbyes of all of their
    /// tracks. What they got is there all the same.
    /// </summary>
    public static async Task<ToolResult> EndGStreamerAsync(ExternalTool tool)
    {
        if (!await tool.EndsWithinAsync(GStreamersPatience))
        {
            tool.Interrupt();
            if (!await tool.EndsWithinAsync(GStreamersPatience))
                await tool.KillAsync();
        }

        return await tool.WaitAsync();
    }

    /// <summary>Waits for the program's end, which is a good one, and reads what it got.</summary>
    public async Task<FrameHashes> EndAsync()
    {
        var result = Name.StartsWith("GStreamer", StringComparison.Ordinal) ? await EndGStreamerAsync(Tool) : await Tool.WaitAsync();
        var text = result.Output + result.Error;

        // GStreamer says PAUSE and TEARDOWN behind the stream's end, and sometimes has closed its own connection when it does.
        if (!text.Contains("Got EOS from element \"pipeline0\"", StringComparison.Ordinal))
            Assert.That(result.ExitCode, Is.Zero, $"{Name}: {text}");
        return await ReadAsync();
    }

    /// <summary>Reads what a program got that has ended anyhow.</summary>
    public async Task<FrameHashes> ReadAsync() => Path.GetExtension(File) == ".framehash"
        ? FrameHashes.Parse(await System.IO.File.ReadAllLinesAsync(File))
        : await FrameHashes.ReadAsync(File, Format);
}
