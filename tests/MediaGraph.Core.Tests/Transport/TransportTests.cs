using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Transport;

// Rows: J8.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class TransportTests
{
    [Test]
    public async Task Memory_takes_as_much_as_it_was_allowed_to()
    {
        var (server, client) = MemoryTransport.CreatePair();
        server.LimitSends(3);
        Assert.That((server.TrySend([1, 2, 3, 4]), server.TrySend([4])), Is.EqualTo((3, 0)));
        var sending = server.SendAsync(new byte[] { 4, 5, 6 }, default).AsTask();
        server.AllowSends(2);
        Assert.That(sending.IsCompleted, Is.False);
        server.AllowSends(1);
        await sending;
        Assert.That(await ReadAsync(client, 6), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6 }));
        server.CompleteOutput();
        Assert.That((await client.Input.ReadAsync()).IsCompleted);
        await server.DisposeAsync();
        await client.DisposeAsync();
    }

    [Test]
    public async Task Memory_that_cannot_try_says_so()
    {
        var (server, client) = MemoryTransport.CreatePair(canTrySend: false);
        Assert.That(server.TrySend([1]), Is.EqualTo(-1));
        await server.SendAsync(new byte[] { 1 }, default);
        Assert.That(await ReadAsync(client, 1), Is.EqualTo(new byte[] { 1 }));
    }

    [Test]
    public async Task After_an_abort_of_either_end_nothing_is_taken_and_sends_and_reads_fail([Values] bool byPeer)
    {
        var (server, client) = MemoryTransport.CreatePair();
        server.LimitSends(0);
        var (sending, reading) = (server.SendAsync(new byte[] { 1 }, default).AsTask(), server.Input.ReadAsync().AsTask());
        (byPeer ? client : server).Abort(new CloseReason(CloseCode.ConnectionLost, "cut"));
        server.LimitSends(long.MaxValue);
        Assert.That(server.TrySend([1]), Is.Zero);
        Assert.That(async () => await sending, Throws.InstanceOf<IOException>());
        Assert.That(async () => await server.SendAsync(new byte[] { 1 }, default), Throws.InstanceOf<IOException>());
        Assert.That(async () =>
        {
            while (!(await reading).IsCanceled)
                return;
            await server.Input.ReadAsync();
        }, Throws.InstanceOf<IOException>());
        await server.DisposeAsync();
        await client.DisposeAsync();
    }

    [Test]
    public async Task Sends_that_race_with_the_peers_abort_fail_in_no_other_way()
    {
        for (var round = 0; round < 300; round++)
        {
            var (server, client) = MemoryTransport.CreatePair();
            var sending = Task.Run(() =>
            {
                for (var i = 0; i < 50; i++)
                    server.TrySend([1, 2, 3]);
            });
            client.Abort(CloseReason.Requested);
            await sending;
            await server.DisposeAsync();
            await client.DisposeAsync();
        }
    }

    [Test, Category("Socket")]
    public async Task A_listener_hands_connections_over_and_they_carry_bytes_both_ways()
    {
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), accepted.SetResult, _ => { });
        Assert.That(listener.LocalEndPoint.Port, Is.Positive);
        using var client = await ConnectAsync(listener);
        await using var server = await accepted.Task;
        Assert.That(server.RemoteEndPoint, Is.EqualTo(client.LocalEndPoint));
        Assert.That(server.TrySend([1, 2, 3]), Is.EqualTo(3));
        var received = new byte[3];
        await client.ReceiveAsync(received);
        Assert.That(received, Is.EqualTo(new byte[] { 1, 2, 3 }));
        await client.SendAsync(new byte[] { 4, 5 });
        Assert.That(await ReadAsync(server, 2), Is.EqualTo(new byte[] { 4, 5 }));
        server.CompleteOutput();
        Assert.That(await client.ReceiveAsync(received), Is.Zero, "the end");
        await client.SendAsync(new byte[] { 6 });
        Assert.That(await ReadAsync(server, 1), Is.EqualTo(new byte[] { 6 }), "receiving goes on");
    }

    [Test, Category("Socket")]
    public async Task A_full_socket_takes_none_and_goes_on_when_the_peer_reads()
    {
        var (server, client) = await SocketPairAsync();
        var block = new byte[64 << 10];
        var sent = 0L;
        int taken;
        while ((taken = server.TrySend(block)) > 0)
            sent += taken;
        Assert.That(taken, Is.Zero); // once: when the system has handed some on to the peer's buffer it may take more
        var rest = server.SendAsync(block, default).AsTask();
        var buffer = new byte[256 << 10];
        for (var left = sent + block.Length; left > 0;)
            left -= await client.ReceiveAsync(buffer);
        await rest;
        await server.DisposeAsync();
        client.Dispose();
    }

    [Test, Category("Socket")]
    public async Task An_aborted_socket_fails_pending_sends_and_reads_and_takes_none()
    {
        var (server, client) = await SocketPairAsync();
        while (server.TrySend(new byte[64 << 10]) > 0)
        {
        }

        var (sending, reading) = (server.SendAsync(new byte[1 << 20], default).AsTask(), server.Input.ReadAsync().AsTask());
        server.Abort(new CloseReason(CloseCode.Deadline, "too slow"));
        server.Abort(CloseReason.Requested);
        Assert.That(async () => await sending, Throws.InstanceOf<IOException>().With.Message.EqualTo("too slow"));
        Assert.That(async () => await reading, Throws.Exception);
        Assert.That(server.TrySend([1]), Is.Zero);
        await server.DisposeAsync();
        client.Dispose();
    }

    [Test, Category("Socket")]
    public async Task J8_A_listener_goes_on_after_errors_with_pauses_and_leaks_no_connection()
    {
        var time = new FakeTimeProvider();
        var (calls, errors) = (0, 0);
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(
            new IPEndPoint(IPAddress.Loopback, 0),
            transport =>
            {
                if (Interlocked.Increment(ref calls) <= 2)
                    throw new InvalidOperationException("no room");
                accepted.SetResult(transport);
            },
            _ => Interlocked.Increment(ref errors), time);
        for (var i = 1; i <= 2; i++)
        {
            using var refused = await ConnectAsync(listener);
            Assert.That(await refused.ReceiveAsync(new byte[1]), Is.Zero, "closed");
            await Eventually.EqualAsync(() => time.ActiveTimers, 1, "it pauses");
            Assert.That(Volatile.Read(ref errors), Is.EqualTo(i));
            time.Advance(TimeSpan.FromMilliseconds(10 * i));
        }

        using var client = await ConnectAsync(listener);
        await (await accepted.Task).DisposeAsync();
        await listener.DisposeAsync();
        await Eventually.EqualAsync(() => time.ActiveTimers, 0, "timers");
    }

    [Test, Category("Socket")]
    public async Task A_port_in_use_is_an_error_at_once_and_a_stopped_listener_frees_it()
    {
        var listener = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), _ => { }, _ => { });
        Assert.That(
            () => SocketListener.Start(listener.LocalEndPoint, _ => { }, _ => { }),
            Throws.InstanceOf<IOException>().With.Message.StartsWith($"cannot listen on {listener.LocalEndPoint}: "));
        await listener.DisposeAsync();
        await SocketListener.Start(listener.LocalEndPoint, _ => { }, _ => { }).DisposeAsync();
    }

    [Test, Category("Socket")]
    public async Task J8_A_listener_goes_on_when_who_is_told_of_an_error_fails()
    {
        var time = new FakeTimeProvider();
        var calls = 0;
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(
            new IPEndPoint(IPAddress.Loopback, 0),
            transport =>
            {
                if (Interlocked.Increment(ref calls) == 1)
                    throw new InvalidOperationException("no room");
                accepted.SetResult(transport);
            },
            _ => throw new InvalidOperationException("no log"), time);
        using var refused = await ConnectAsync(listener);
        await Eventually.EqualAsync(() => time.ActiveTimers, 1, "it pauses");
        time.Advance(TimeSpan.FromMilliseconds(10));
        using var client = await ConnectAsync(listener);
        await (await accepted.Task).DisposeAsync();
    }

    [Test]
    public void Connections_are_counted_against_their_limits()
    {
        var guard = new ConnectionGuard(new ConnectionLimits { MaxConnections = 4, MaxPerAddress = 3, MaxHalfOpen = 2 });
        var places = new List<ConnectionGuard.Place> { Enter(1)!, Enter(1)! };
        Assert.That(Enter(1), Is.Null);
        Assert.That(guard.TryEnter(At(2), out var refusal), Is.Null);
        Assert.That(refusal, Does.Contain("handshake"));
        places.ForEach(place => place.Established());
        places.Add(Enter(1)!);
        Assert.That(guard.TryEnter(At(1), out refusal), Is.Null);
        Assert.That(refusal, Does.Contain("one address"));
        places.Add(Enter(2)!);
        Assert.That(guard.TryEnter(At(3), out refusal), Is.Null);
        Assert.That(refusal, Is.EqualTo("too many connections"));
        Assert.That((guard.Connections, guard.HalfOpen, guard.Refused), Is.EqualTo((4, 2, 4)));
        places.ForEach(place => place.Dispose());
        places.ForEach(place => place.Dispose());
        Assert.That((guard.Connections, guard.HalfOpen), Is.EqualTo((0, 0)));
        Assert.That(Enter(1), Is.Not.Null);

        ConnectionGuard.Place? Enter(int host) => guard.TryEnter(At(host), out _);
        static IPEndPoint At(int host) => new(new IPAddress([10, 0, 0, (byte)host]), 1);
    }

    private static async Task<(SocketTransport Server, Socket Client)> SocketPairAsync()
    {
        var accepted = new TaskCompletionSource<ITransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), accepted.SetResult, _ => { });
        var client = await ConnectAsync(listener);
        return ((SocketTransport)await accepted.Task, client);
    }

    private static async Task<Socket> ConnectAsync(SocketListener listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint);
        return client;
    }

    private static async Task<byte[]> ReadAsync(ITransport transport, int length)
    {
        var result = await transport.Input.ReadAtLeastAsync(length);
        var bytes = result.Buffer.ToArray();
        transport.Input.AdvanceTo(result.Buffer.End);
        return bytes;
    }
}
