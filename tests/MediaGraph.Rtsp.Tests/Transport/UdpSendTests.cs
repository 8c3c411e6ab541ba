using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Transport;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Transport;

/// <summary>What a path sends, with segmentation by the system and without.</summary>
[TestFixture(true, TestName = "In segments"), TestFixture(false, TestName = "One by one")]
internal sealed class UdpSendTests(bool segments)
{
    private readonly UdpPorts _ports = new(null, segments);

    [OneTimeTearDown]
    public async Task CloseAsync() => await _ports.DisposeAsync();

    [TestCase(new[] { 12 })]
    [TestCase(new[] { 1400, 1400, 1400, 700 })]
    [TestCase(new[] { 700, 1400, 1400, 20, 20, 1400 }, TestName = "Sizes that grow and shrink")]
    [TestCase(new[] { 100, 9000, 100, 30_000, 30_000, 30_000, 65_507, 12 }, TestName = "Sizes beyond those of networks")]
    [TestCase(new[] { 1, 1, 1, 2, 1 })]
    public async Task Datagrams_arrive_as_they_are_and_in_order(int[] lengths) => await SendAndCompareAsync(lengths);

    [Test]
    public async Task A_run_of_more_packets_than_one_call_takes_arrives_whole() =>
        await SendAndCompareAsync([.. Enumerable.Repeat(300, 150), 299, .. Enumerable.Repeat(1200, 60)]);

    [Test]
    public async Task Runs_follow_each_other_whatever_size_was_set_before()
    {
        using var peer = new UdpPeer();
        await using var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        foreach (var lengths in new int[][] { [200, 200, 200], [500], [100], [100, 100], [101], [400, 400, 1], [1400, 1399] })
            await SendAndCompareAsync(path, peer, lengths);
    }

    [Test]
    public async Task A_packet_that_no_datagram_holds_is_lost_and_the_others_arrive()
    {
        using var peer = new UdpPeer();
        await using var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        var packets = new[] { Packet(0, 100), Packet(1, 65_520), Packet(2, 100) };
        Assert.That(path.TrySend(Image(packets)));
        Assert.That((await peer.ReceiveRtpAsync()).Datagram, Is.EqualTo(packets[0]));
        Assert.That((await peer.ReceiveRtpAsync()).Datagram, Is.EqualTo(packets[2]));
    }

    [Test]
    public async Task Over_version_6_of_IP_all_is_alike()
    {
        if (!Socket.OSSupportsIPv6)
            Assert.Ignore("no IPv6 here");
        using var peer = new UdpPeer("::1");
        var received = new TaskCompletionSource<byte[]>();
        await using var path = _ports.Open(
            IPAddress.IPv6Loopback, peer.Address, peer.Ports, datagram => received.TrySetResult(datagram.ToArray()), null);
        await SendAndCompareAsync(path, peer, [1400, 1400, 700]);
        peer.SendRtp(path.LocalPorts.Rtp, 1, 2, 3);
        Assert.That(await received.Task, Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public async Task A_send_allocates_nothing()
    {
        using var peer = new UdpPeer();
        await using var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        var image = Image([Packet(0, 1400), Packet(1, 1400), Packet(2, 700), Packet(3, 1000)]);
        for (var i = 0; i < 50; i++)
            path.TrySend(image);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            path.TrySend(image);
            path.SendRtcp([1, 2, 3, 4]);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public async Task A_peer_that_has_closed_its_port_is_no_error()
    {
        PortPair ports;
        using (var peer = new UdpPeer())
            ports = peer.Ports;
        await using var path = _ports.Open(IPAddress.Loopback, IPAddress.Loopback, ports, null, null);
        for (var i = 0; i < 10; i++)
            Assert.That(path.TrySend(Image([Packet(0, 100), Packet(1, 100)])));
    }

    [Test]
    public async Task A_closed_path_sends_nothing_and_throws_nothing()
    {
        using var peer = new UdpPeer();
        var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        await path.DisposeAsync();
        Assert.That(path.TrySend(Image([Packet(0, 100)])));
        path.SendRtcp([1]);
        path.Punch();
        Assert.That(peer.Available, Is.Zero);
        await path.DisposeAsync();
    }

    [Test]
    public async Task Senders_of_different_sizes_at_once_mix_nothing_up_until_the_end()
    {
        using var peer = new UdpPeer();
        var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        using var stop = new CancellationTokenSource();
        var senders = new[] { 100, 150, 333 }.Select(length => Task.Run(() =>
        {
            var image = Image([Packet(length, length), Packet(length, length), Packet(length, length / 2)]);
            while (!stop.IsCancellationRequested)
                path.TrySend(image);
        })).ToArray();
        for (var i = 0; i < 500; i++)
        {
            var datagram = (await peer.ReceiveRtpAsync()).Datagram;
            Assert.That(datagram.Length, Is.AnyOf(100, 50, 150, 75, 333, 166));
            var length = datagram.Length is 100 or 50 ? 100 : datagram.Length is 150 or 75 ? 150 : 333;
            Assert.That(datagram, Is.EqualTo(Packet(length, datagram.Length)));
        }

        await path.DisposeAsync(); // while they send
        await stop.CancelAsync();
        await Task.WhenAll(senders);
    }

    private static byte[] Packet(int seed, int length)
    {
        var packet = new byte[length];
        new Random(seed).NextBytes(packet);
        return packet;
    }

    // The layout that DatagramImage describes, written once more.
    private static byte[] Image(params byte[][] packets)
    {
        var image = new byte[2 + packets.Sum(packet => 2 + packet.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(image, (ushort)packets.Length);
        for (var i = 0; i < packets.Length; i++)
            BinaryPrimitives.WriteUInt16BigEndian(image.AsSpan(2 + (2 * i)), (ushort)packets[i].Length);
        packets.SelectMany(packet => packet).ToArray().CopyTo(image, 2 + (2 * packets.Length));
        return image;
    }

    private static async Task SendAndCompareAsync(UdpPath path, UdpPeer peer, int[] lengths)
    {
        var packets = lengths.Select((length, i) => Packet(i, length)).ToArray();
        Assert.That(path.TrySend(Image(packets)));
        for (var i = 0; i < packets.Length; i++)
        {
            var (datagram, port) = await peer.ReceiveRtpAsync();
            Assert.That(datagram.AsSpan().SequenceEqual(packets[i]), $"packet {i}: {datagram.Length} bytes of {lengths[i]}");
            Assert.That(port, Is.EqualTo(path.LocalPorts.Rtp));
        }

        Assert.That(peer.Available, Is.Zero);
    }

    private async Task SendAndCompareAsync(int[] lengths)
    {
        using var peer = new UdpPeer();
        await using var path = _ports.Open(peer.Address, peer.Address, peer.Ports, null, null);
        await SendAndCompareAsync(path, peer, lengths);
    }
}
