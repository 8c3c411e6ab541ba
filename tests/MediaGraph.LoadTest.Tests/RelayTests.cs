using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.RtspRelay;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

/// <summary>The bare relay, where it differs from a server.</summary>
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed class RelayTests
{
    [Test]
    [NonParallelizable] // beside others nobody keeps up
    public async Task Who_does_not_read_loses_whole_frames()
    {
        using var relay = new Relay(new IPEndPoint(IPAddress.Loopback, 0));
        relay.Start();
        // Several times what buffers hold.
        var report = await new LoadRun(LoadOptions.Parse([
            $"rtsp://127.0.0.1:{relay.EndPoint.Port}/live", "--viewers", "2", "--stalled", "1", "--bitrate", "100", "--warmup", "0", "--seconds", "3",
        ])!).RunAsync(CancellationToken.None);
        Assert.That(report.Steady.Faults, Is.EqualTo(default(FrameFaults)));
        var faults = report.Stalled!.Faults;
        Assert.That(faults.Lost, Is.Positive);
        Assert.That(faults, Is.EqualTo(new FrameFaults { Gaps = faults.Gaps, Lost = faults.Lost, MidGroupResumes = faults.MidGroupResumes }));
        Assert.That(report.Failures, Is.Empty);
    }

    [TestCase("DESCRIBE rtsp://127.0.0.1/live/none RTSP/1.0\r\nCSeq: 7\r\n\r\n", "RTSP/1.0 404 Not Found\r\nCSeq: 7\r\n\r\n")]
    [TestCase("TEARDOWN rtsp://127.0.0.1/live/none RTSP/1.0\r\nCSeq: 8\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 8\r\n\r\n")]
    [TestCase("GET rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 9\r\n\r\n", "RTSP/1.0 404 Not Found\r\nCSeq: 9\r\n\r\n")]
    [TestCase("What is this?\r\n\r\n", "")]
    public async Task A_request_has_its_answer_or_ends_the_connection(string request, string response)
    {
        using var relay = new Relay(new IPEndPoint(IPAddress.Loopback, 0));
        relay.Start();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(relay.EndPoint);
        using var stream = new StreamReader(new NetworkStream(socket));
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
        socket.Shutdown(SocketShutdown.Send);
        Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(response));
    }
}
