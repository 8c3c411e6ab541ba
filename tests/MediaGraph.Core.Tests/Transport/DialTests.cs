using System.Net;
using System.Net.Sockets;
using MediaGraph.Graph;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Transport;

// Rows: I8, M3, R7.

[TestFixture, Category("Socket")]
[NonParallelizable] // they count the process's sockets
public sealed class DialTests
{
    [Test]
    public async Task A_name_and_an_address_can_be_dialled([Values("localhost", "127.0.0.1", "::1")] string host)
    {
        var accepted = new TaskCompletionSource<SocketTransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        var address = host == "::1" ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        await using var listener = SocketListener.Start(new IPEndPoint(address, 0), accepted.SetResult, _ => { });
        await using var client = await SocketTransport.ConnectAsync(host, listener.LocalEndPoint.Port);
        await using var server = await accepted.Task;
        Assert.That(client.TrySend([1]), Is.EqualTo(1));
        Assert.That((await server.Input.ReadAsync()).Buffer.Length, Is.EqualTo(1));
    }

    [Test]
    public async Task What_cannot_be_reached_is_an_error_in_words()
    {
        using var closed = new ClosedPort();
        var port = closed.Port;
        var refused = await Assert.CatchAsync<IOException>(() => SocketTransport.ConnectAsync("127.0.0.1", port));
        Assert.That(refused!.Message, Is.EqualTo("the server cannot be reached: Connection refused"));
        var unknown = await Assert.CatchAsync<IOException>(() => SocketTransport.ConnectAsync("nobody.invalid", port));
        Assert.That(unknown!.Message, Does.StartWith("the server cannot be reached: "));
    }

    [Test]
    public async Task I8_M3_R7_A_thousand_dials_that_fail_in_any_way_leave_no_socket()
    {
        using var certificate = new TestCertificate();
        await using var holder = new TlsServerCertificate(certificate.Server);
        using var closed = new ClosedPort();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start(512); // the kernel accepts, nobody answers
        var silentPort = ((IPEndPoint)silent.LocalEndpoint).Port;
        await using var garbage = SocketListener.Start(
            new IPEndPoint(IPAddress.Loopback, 0),
            transport =>
            {
                transport.TrySend("RTSP/1.0 400 Bad Request\r\n\r\n"u8);
                transport.CompleteOutput();
                _ = transport.DisposeAsync().AsTask();
            },
            _ => { });
        await using var untrusted = SocketListener.Start(
            new IPEndPoint(IPAddress.Loopback, 0), transport => _ = RefusedAsync(new TlsTransport(transport, holder)), _ => { });

        await FailAsync(10); // what the runtime opens once is open now
        var sockets = OpenSockets.Count();
        await FailAsync(1000);
        while (silent.Pending())
            (await silent.AcceptSocketAsync()).Dispose();
        await Eventually.Async(() => OpenSockets.Count() <= sockets, "sockets at their baseline");

        async Task FailAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var stop = new CancellationTokenSource();
                var dialling = (i % 5) switch
                {
                    0 => SocketTransport.ConnectAsync("127.0.0.1", closed.Port, null, stop.Token),
                    1 => TlsTransport.ConnectAsync("127.0.0.1", garbage.LocalEndPoint.Port, null, null, stop.Token),
                    2 => TlsTransport.ConnectAsync("127.0.0.1", untrusted.LocalEndPoint.Port, null, null, stop.Token),
                    3 => (Task)TlsTransport.ConnectAsync("127.0.0.1", silentPort, null, null, stop.Token),
                    _ => TlsTransport.ConnectAsync("localhost", closed.Port, null, null, stop.Token),
                };
                if (i % 5 == 3)
                    await stop.CancelAsync();
                Assert.That(async () => await dialling, Throws.InstanceOf<IOException>().Or.InstanceOf<OperationCanceledException>());
                if (silent.Pending())
                    (await silent.AcceptSocketAsync()).Dispose();
            }
        }

        static async Task RefusedAsync(TlsTransport server)
        {
            try
            {
                await server.OpenAsync(default);
                await server.Input.ReadAsync();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // As it should be.
            }

            server.Abort(CloseReason.Requested);
            await server.DisposeAsync();
        }
    }
}
