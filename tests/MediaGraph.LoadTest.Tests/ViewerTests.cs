using System.Net;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

public sealed class ViewerTests
{
    [TestCase(true)]
    [TestCase(false)]
    [NonParallelizable]
    public void What_a_viewer_gets_is_checked_and_measured_without_an_allocation(bool verifiesContent)
    {
        var tracks = SyntheticTrack.ForStreams(LoadOptions.Parse(["--audio", "--gop", "10"])!)[0];
        var latencies = new Latencies();
        latencies.Start();
        using var viewer = new Viewer(
            new Target(new IPEndPoint(IPAddress.Loopback, 1), "live", "rtmp://127.0.0.1:1/live"), 0, tracks, ViewerKind.Steady, verifiesContent, latencies);
        foreach (var track in tracks)
            viewer.Parse(new MediaMessage(track.MessageType, track.Parameters).ToChunks(128));
        byte[][] frames = [.. Enumerable.Range(0, 200).Select(i => MediaMessage.Frame(tracks[i % 2], i / 2).ToChunks(128))];
        foreach (var frame in frames.AsSpan(0, 100))
            viewer.Parse(frame);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var frame in frames.AsSpan(100))
            viewer.Parse(frame);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That((viewer.Frames, viewer.Next, viewer.Faults), Is.EqualTo((200L, 100L, default(FrameFaults))));
    }
}
