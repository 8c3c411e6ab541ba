using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Rtp;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Transport;

/// <summary>Which ports paths have, whose datagrams they take, and what is left behind. Rows: R8.</summary>
[TestFixture]
internal sealed class UdpPortsTests
{
    private static readonly IPAddress Local = IPAddress.Loopback;

    private readonly ConcurrentQueue<string> _received = new();

    [Test]
    public async Task Ports_are_an_even_one_and_the_next_and_both_receive()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        for (var i = 0; i < 20; i++)
        {
            await using var path = ports.Open(Local, peer.Address, peer.Ports, Take("rtp "), Take("rtcp "));
            Assert.That(path.LocalPorts.Rtp % 2, Is.Zero);
            Assert.That(path.LocalPorts.Rtcp, Is.EqualTo(path.LocalPorts.Rtp + 1));
            _received.Clear();
            peer.SendRtp(path.LocalPorts.Rtp, 1);
            await ReceivedAsync("rtp 01");
            peer.SendRtcp(path.LocalPorts.Rtcp, 2);
            await ReceivedAsync("rtp 01", "rtcp 02");
        }
    }

    [Test]
    public async Task Datagrams_are_delivered_in_order_and_one_at_a_time()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        var running = 0;
        var overlaps = 0;
        await using var path = ports.Open(Local, peer.Address, peer.Ports, datagram =>
        {
            overlaps += Interlocked.Exchange(ref running, 1);
            _received.Enqueue(Convert.ToHexString(datagram));
            Volatile.Write(ref running, 0);
        }, null);
        for (var i = 0; i < 200; i++)
            peer.SendRtp(path.LocalPorts.Rtp, (byte)i);
        await ReceivedAsync([.. Enumerable.Range(0, 200).Select(i => $"{i:X2}")]);
        Assert.That(overlaps, Is.Zero);
    }

    [Test]
    public async Task R8_datagrams_from_another_address_are_ignored_and_counted()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        using var stranger = new UdpPeer("127.0.0.2");
        await using var path = ports.Open(Local, peer.Address, null, Take(""), Take(""));
        stranger.SendRtp(path.LocalPorts.Rtp, 1);
        stranger.SendRtcp(path.LocalPorts.Rtcp, 2);
        await Eventually.EqualAsync(() => path.Ignored, 2, "ignoring the stranger");
        peer.SendRtp(path.LocalPorts.Rtp, 3);
        await ReceivedAsync("03");
        path.Punch();
        Assert.That((await peer.ReceiveRtpAsync()).Datagram, Has.Length.EqualTo(RtpHeader.Length));
        Assert.That(stranger.Available, Is.Zero);
    }

    [Test]
    public async Task R8_after_the_announced_port_has_sent_another_one_of_the_same_address_is_ignored()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        using var other = new UdpPeer();
        await using var path = ports.Open(Local, peer.Address, peer.Ports, Take(""), Take(""));
        peer.SendRtp(path.LocalPorts.Rtp, 1);
        peer.SendRtcp(path.LocalPorts.Rtcp, 2);
        await Eventually.EqualAsync(() => _received.Count, 2, "hearing the peer");
        other.SendRtp(path.LocalPorts.Rtp, 3);
        other.SendRtcp(path.LocalPorts.Rtcp, 4);
        await Eventually.EqualAsync(() => path.Ignored, 2, "ignoring the other port");
        peer.SendRtp(path.LocalPorts.Rtp, 5);
        await Eventually.EqualAsync(() => _received.Count, 3, "hearing the peer again");
        Assert.That(_received, Is.EquivalentTo(new[] { "01", "02", "05" }));
    }

    [Test]
    public async Task The_first_datagram_from_another_port_of_the_peer_shows_the_port_of_its_translator()
    {
        await using var ports = new UdpPorts(null);
        using var announced = new UdpPeer();
        using var mapped = new UdpPeer();
        await using var path = ports.Open(Local, announced.Address, announced.Ports, Take("rtp "), Take("rtcp "));
        mapped.SendRtp(path.LocalPorts.Rtp, 1);
        await ReceivedAsync("rtp 01");
        mapped.SendRtcp(path.LocalPorts.Rtcp, 2);
        await ReceivedAsync("rtp 01", "rtcp 02");
        using var another = new UdpPeer();
        another.SendRtp(path.LocalPorts.Rtp, 3);
        await Eventually.EqualAsync(() => path.Ignored, 1, "ignoring a third port");

        Assert.That(path.TrySend([0, 1, 0, 2, 8, 9]));
        Assert.That((await mapped.ReceiveRtpAsync()).Datagram, Is.EqualTo(new byte[] { 8, 9 }));
        path.SendRtcp([7]);
        Assert.That((await mapped.ReceiveRtcpAsync()).Datagram, Is.EqualTo(new byte[] { 7 }));
        Assert.That(announced.Available, Is.Zero);

        announced.SendRtp(path.LocalPorts.Rtp, 4); // so there is no translator, and the other was someone else
        await ReceivedAsync("rtp 01", "rtcp 02", "rtp 04");
        mapped.SendRtp(path.LocalPorts.Rtp, 5);
        await Eventually.EqualAsync(() => path.Ignored, 2, "ignoring the port of before");
        path.Punch();
        Assert.That((await announced.ReceiveRtpAsync()).Datagram, Has.Length.EqualTo(RtpHeader.Length));
    }

    [Test]
    public async Task R8_what_a_peer_that_has_left_still_sends_is_not_taken_for_the_next_one_at_its_address()
    {
        var range = FindRange(pairs: 1);
        await using var ports = new UdpPorts(range);
        using var keeper = new UdpPeer("127.0.0.2");
        using var old = new UdpPeer();
        using var peer = new UdpPeer();
        await using var shared = ports.Open(Local, keeper.Address, keeper.Ports, null, null);
        await ports.Open(Local, old.Address, old.Ports, null, null).DisposeAsync();
        await using var path = ports.Open(Local, peer.Address, new PortPair(9, 10), Take(""), null);
        old.SendRtp(range.First, 1);
        await Eventually.EqualAsync(() => path.Ignored, 1, "ignoring who has left");
        peer.SendRtp(range.First, 2);
        await ReceivedAsync("02");
    }

    [Test]
    public async Task What_the_peer_announces_later_holds()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        using var early = new UdpPeer();
        await using var path = ports.Open(Local, peer.Address, null, Take(""), null);
        Assert.That(path.TrySend([0, 1, 0, 2, 8, 9]), "lost: nobody knows where to");
        early.SendRtp(path.LocalPorts.Rtp, 1);
        await ReceivedAsync("01");
        path.SetRemote(peer.Ports);
        path.Punch();
        Assert.That((await peer.ReceiveRtpAsync()).Datagram, Is.EqualTo(new byte[] { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }));
        Assert.That((await peer.ReceiveRtcpAsync()).Datagram, Is.EqualTo(new byte[] { 0x80, 201, 0, 1, 0, 0, 0, 0 }));
        peer.SendRtp(path.LocalPorts.Rtp, 2);
        await ReceivedAsync("01", "02");
        path.SetRemote(new PortPair(0, 0)); // an answer without ports
        path.Punch();
        Assert.That((await peer.ReceiveRtpAsync()).Port, Is.EqualTo(path.LocalPorts.Rtp));
    }

    [Test]
    public async Task A_mapped_address_is_the_one_of_version_4()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        await using var path = ports.Open(
            Local.MapToIPv6(), peer.Address.MapToIPv6(), peer.Ports, Take(""), null);
        peer.SendRtp(path.LocalPorts.Rtp, 1);
        await ReceivedAsync("01");
    }

    [Test]
    public async Task A_report_that_is_too_long_is_ignored_and_media_of_any_size_are_taken()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        var length = 0;
        await using var path = ports.Open(Local, peer.Address, peer.Ports, datagram => length = datagram.Length, Take(""));
        peer.SendRtcp(path.LocalPorts.Rtcp, new byte[3000]);
        await Eventually.EqualAsync(() => path.Ignored, 1, "ignoring the report");
        peer.SendRtp(path.LocalPorts.Rtp, new byte[65_507]);
        await Eventually.EqualAsync(() => Volatile.Read(ref length), 65_507, "the length of the packet");
        Assert.That(_received, Is.Empty);
    }

    [Test]
    public async Task A_range_of_one_pair_serves_many_peers_each_by_its_own_path()
    {
        var range = FindRange(pairs: 1);
        await using var ports = new UdpPorts(range);
        var peers = Enumerable.Range(1, 5).Select(i => new UdpPeer($"127.0.0.{i}")).Append(new UdpPeer()).ToArray();
        var paths = peers.Select((peer, i) => ports.Open(Local, peer.Address, peer.Ports, Take($"{i} "), null)).ToArray();
        Assert.That(paths.Select(path => path.LocalPorts), Is.All.EqualTo(new PortPair(range.First, range.Last)));
        var expected = new List<string>();
        foreach (var i in new[] { 5, 0, 3, 1, 2, 4, 0, 5 })
        {
            peers[i].SendRtp(range.First, (byte)i);
            expected.Add($"{i} 0{i}");
            await ReceivedAsync([.. expected]);
            Assert.That(paths[i].TrySend([0, 1, 0, 1, (byte)i]));
            Assert.That((await peers[i].ReceiveRtpAsync()).Datagram, Is.EqualTo(new[] { (byte)i }));
        }

        await paths[0].DisposeAsync();
        peers[0].SendRtp(range.First, 0); // its address has another path, but that one was heard from its own port
        await Eventually.EqualAsync(() => paths[5].Ignored, 1, "ignoring who has left");
        peers[5].SendRtp(range.First, 5);
        await ReceivedAsync([.. expected, "5 05"]);
        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task On_a_shared_pair_no_port_is_learned_that_could_be_two_peers()
    {
        var range = FindRange(pairs: 1);
        await using var ports = new UdpPorts(range);
        using var one = new UdpPeer();
        using var two = new UdpPeer();
        using var neither = new UdpPeer();
        await using var path = ports.Open(Local, one.Address, one.Ports, Take("one "), null);
        await using (ports.Open(Local, two.Address, two.Ports, Take("two "), null))
        {
            neither.SendRtp(range.First, 1);
            await Eventually.EqualAsync(() => path.Ignored, 1, "ignoring what could be of both");
        }

        neither.SendRtp(range.First, 2);
        await ReceivedAsync("one 02");
    }

    [Test]
    public async Task A_range_that_is_used_up_says_so()
    {
        var range = FindRange(pairs: 1);
        await using var ports = new UdpPorts(range);
        using var peer = new UdpPeer();
        using var other = new UdpPeer("127.0.0.2");
        await using var path = ports.Open(Local, peer.Address, peer.Ports, null, null);
        AssertRefused(peer.Address, peer.Ports);
        AssertRefused(peer.Address, new PortPair(peer.Ports.Rtp, 9));
        AssertRefused(peer.Address, new PortPair(9, peer.Ports.Rtcp));
        AssertRefused(peer.Address, null);
        await using (ports.Open(Local, other.Address, null, null, null))
            AssertRefused(other.Address, other.Ports);
        await using (ports.Open(Local, other.Address, other.Ports, null, null))
            Assert.That(path.LocalPorts.Rtp, Is.EqualTo(range.First));

        void AssertRefused(IPAddress address, PortPair? remote) => Assert.That(
            () => ports.Open(Local, address, remote, null, null),
            Throws.TypeOf<IOException>().With.Message.Contains("no UDP port is left").And.Message.Contains($"{range.First}-{range.Last}"));
    }

    [Test]
    public async Task Of_a_range_each_has_its_own_pair_in_rotation_and_ports_of_others_are_passed_over()
    {
        var range = FindRange(pairs: 3);
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(Local, range.First + 3));
        await using var ports = new UdpPorts((range.First - 1, range.Last)); // an odd start is no pair's
        var first = Open();
        var second = Open();
        Assert.That((first.LocalPorts.Rtp, second.LocalPorts.Rtp), Is.EqualTo((range.First, range.First + 4)));
        await second.DisposeAsync();
        await first.DisposeAsync();
        first = Open();
        second = Open();
        Assert.That((first.LocalPorts.Rtp, second.LocalPorts.Rtp), Is.EqualTo((range.First, range.First + 4)));
        Assert.That(Open().LocalPorts.Rtp, Is.AnyOf(range.First, range.First + 4), "shared");

        UdpPath Open()
        {
            using var peer = new UdpPeer();
            return ports.Open(Local, peer.Address, peer.Ports, null, null);
        }
    }

    [Test]
    public void A_range_without_a_pair_says_so()
    {
        var ports = new UdpPorts((5001, 5002));
        Assert.That(() => ports.Open(Local, Local, null, null, null), Throws.TypeOf<IOException>().With.Message.Contains("no pair"));
    }

    [Test]
    public async Task An_address_that_is_not_ours_says_so()
    {
        await using var ports = new UdpPorts(null);
        Assert.That(
            () => ports.Open(IPAddress.Parse("192.0.2.1"), Local, null, null, null),
            Throws.TypeOf<IOException>().With.Message.Contains("192.0.2.1"));
    }

    [Test]
    public async Task A_handler_that_throws_stops_nothing()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        await using var path = ports.Open(Local, peer.Address, peer.Ports, datagram =>
        {
            if (datagram[0] == 1)
                throw new InvalidOperationException("as planned");
            Take("")(datagram);
        }, null);
        for (var i = 0; i < 3; i++)
            peer.SendRtp(path.LocalPorts.Rtp, 1);
        peer.SendRtp(path.LocalPorts.Rtp, 2);
        await ReceivedAsync("02");
        Assert.That(path.Failures, Is.EqualTo(3));
    }

    [TestCase(false)]
    [TestCase(true, TestName = "Nothing_runs_after_the_end_even_in_a_flood_on_a_shared_pair")]
    public async Task Nothing_runs_after_the_end_even_in_a_flood(bool isShared)
    {
        (int, int)? range = isShared ? FindRange(pairs: 1) : null;
        await using var ports = new UdpPorts(range);
        using var other = new UdpPeer("127.0.0.2");
        await using var keeper = ports.Open(Local, other.Address, other.Ports, null, null);
        for (var round = 0; round < 20; round++)
        {
            using var peer = new UdpPeer();
            var calls = 0;
            var isEnded = false;
            var late = 0;
            UdpHandler handler = _ =>
            {
                Interlocked.Increment(ref calls);
                for (var i = 0; i < 100; i++)
                    late += Volatile.Read(ref isEnded) ? 1 : 0;
            };
            var path = ports.Open(Local, peer.Address, peer.Ports, handler, handler);
            using var stop = new CancellationTokenSource();
            var flood = Task.Run(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    peer.SendRtp(path.LocalPorts.Rtp, 1);
                    peer.SendRtcp(path.LocalPorts.Rtcp, 1);
                }
            });
            await Eventually.Async(() => Volatile.Read(ref calls) > 20, "the flood");
            await path.DisposeAsync();
            Volatile.Write(ref isEnded, true);
            var before = calls;
            await stop.CancelAsync();
            await flood;
            Assert.That((calls, late), Is.EqualTo((before, 0)));
        }
    }

    [Test]
    public async Task The_end_waits_for_a_handler_that_runs()
    {
        await using var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        using var release = new ManualResetEventSlim();
        var isEntered = false;
        var path = ports.Open(Local, peer.Address, peer.Ports, _ =>
        {
            Volatile.Write(ref isEntered, true);
            release.Wait();
        }, null);
        peer.SendRtp(path.LocalPorts.Rtp, 1);
        await Eventually.Async(() => Volatile.Read(ref isEntered), "the handler's call");
        var one = path.DisposeAsync().AsTask();
        var two = ports.DisposeAsync().AsTask();
        Assert.That((one.IsCompleted, two.IsCompleted), Is.EqualTo((false, false)));
        release.Set();
        await one;
        await two;
    }

    [Test]
    public async Task The_end_of_all_ends_every_path_and_opens_none_any_more()
    {
        var ports = new UdpPorts(null);
        using var peer = new UdpPeer();
        var path = ports.Open(Local, peer.Address, peer.Ports, null, null);
        await ports.DisposeAsync();
        Assert.That(path.Pair.IsClosed && path.Pair.Completion.IsCompletedSuccessfully);
        Assert.That(() => ports.Open(Local, Local, null, null, null), Throws.TypeOf<IOException>());
        await path.DisposeAsync();
        await ports.DisposeAsync();
    }

    [Test, NonParallelizable]
    public async Task Two_hundred_rounds_leave_no_socket_and_a_range_is_free_at_once()
    {
        await using var ports = new UdpPorts(FindRange(pairs: 1));
        await using var any = new UdpPorts(null);
        using var peer = new UdpPeer();
        var before = OpenSockets.Count();
        for (var i = 0; i < 200; i++)
        {
            await using var path = (i % 2 == 0 ? ports : any).Open(Local, peer.Address, peer.Ports, null, null);
            path.Punch();
        }

        await Eventually.Async(() => OpenSockets.Count() <= before, "sockets");
    }

    [SetUp]
    public void Forget() => _received.Clear();

    // Of ports that the system does not give to others meanwhile, most likely.
    private static (int First, int Last) FindRange(int pairs)
    {
        for (var first = 20_000 + (Environment.ProcessId % 4000 * 2); first < 32_000; first += 2 * pairs)
        {
            var sockets = new List<Socket>();
            try
            {
                for (var port = first; port < first + (2 * pairs); port++)
                {
                    sockets.Add(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
                    sockets[^1].Bind(new IPEndPoint(IPAddress.Any, port));
                }

                return (first, first + (2 * pairs) - 1);
            }
            catch (SocketException)
            {
                // The next ones, then.
            }
            finally
            {
                sockets.ForEach(socket => socket.Dispose());
            }
        }

        throw new AssertionException("no free ports");
    }

    private UdpHandler Take(string mark) => datagram => _received.Enqueue(mark + Convert.ToHexString(datagram));

    private Task ReceivedAsync(params string[] expected) =>
        Eventually.Async(() => _received.SequenceEqual(expected), $"receiving {string.Join(", ", expected)}");
}
