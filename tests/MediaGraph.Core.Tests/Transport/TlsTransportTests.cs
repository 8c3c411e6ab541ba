using System.Buffers;
using System.Net;
using MediaGraph.Graph;
using MediaGraph.Testing;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Transport;

[TestFixture, Category("Socket"), Parallelizable(ParallelScope.All)]
public sealed class TlsTransportTests
{
    [Test]
    public async Task Bytes_go_both_ways_and_each_side_is_ended_by_itself()
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        await pair.OpenAsync();
        Assert.That(pair.Server.TrySend([1]), Is.EqualTo(-1));
        var (large, received) = (new byte[1 << 20], Array.Empty<byte>());
        Random.Shared.NextBytes(large);
        var sending = pair.Server.SendAsync(large, default).AsTask();
        received = await ReadAsync(pair.Client, large.Length);
        await sending;
        Assert.That(received, Is.EqualTo(large));
        pair.Server.CompleteOutput();
        pair.Server.CompleteOutput();
        Assert.That((await pair.Client.Input.ReadAsync()).IsCompleted, "close_notify");
        Assert.That(async () => await pair.Server.SendAsync(new byte[1], default), Throws.InstanceOf<IOException>());
        await pair.Client.SendAsync(new byte[] { 7 }, default);
        Assert.That(await ReadAsync(pair.Server, 1), Is.EqualTo(new byte[] { 7 }), "receiving goes on");
        await pair.Server.OpenAsync(default); // once open, nothing
    }

    [Test]
    public async Task Nothing_is_sent_before_the_handshake()
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        Assert.That(async () => await pair.Server.SendAsync(new byte[1], default), Throws.InstanceOf<IOException>());
        pair.Server.CompleteOutput();
        Assert.That(async () => await pair.Client.OpenAsync(default), Throws.InstanceOf<IOException>());
    }

    [Test]
    public async Task The_end_of_the_output_never_cuts_into_a_pending_send()
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        await pair.OpenAsync();
        var large = new byte[16 << 20];
        Random.Shared.NextBytes(large);
        var sending = pair.Server.SendAsync(large, default).AsTask();
        pair.Server.CompleteOutput();
        Assert.That(sending.IsCompleted, Is.False, "more than sockets take");
        Assert.That(await ReadAsync(pair.Client, large.Length), Is.EqualTo(large));
        await sending;
        pair.Server.CompleteOutput();
        Assert.That((await pair.Client.Input.ReadAsync()).IsCompleted);
    }

    [Test]
    public async Task An_abort_fails_pending_sends_and_reads()
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        await pair.OpenAsync();
        var (sending, reading) = (pair.Server.SendAsync(new byte[16 << 20], default).AsTask(), pair.Server.Input.ReadAsync().AsTask());
        pair.Server.Abort(new CloseReason(CloseCode.Deadline, "too slow"));
        pair.Server.Abort(CloseReason.Requested);
        Assert.That(async () => await sending, Throws.InstanceOf<IOException>().With.Message.EqualTo("too slow"));
        Assert.That(async () => await reading, Throws.InstanceOf<IOException>().Or.InstanceOf<ObjectDisposedException>());
        pair.Server.CompleteOutput();
    }

    [Test]
    public async Task An_abort_ends_a_handshake_at_once()
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        var opening = pair.Server.OpenAsync(default).AsTask();
        Assert.That(opening.IsCompleted, Is.False);
        pair.Server.Abort(new CloseReason(CloseCode.Deadline, "too slow"));
        Assert.That(async () => await opening, Throws.InstanceOf<IOException>().With.Message.EqualTo("too slow"));
    }

    [Test]
    public async Task A_cancelled_handshake_ends_at_once([Values] bool isServer)
    {
        using var certificate = new TestCertificate();
        await using var pair = await PairAsync(certificate);
        using var stop = new CancellationTokenSource();
        var opening = (isServer ? pair.Server : pair.Client).OpenAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        Assert.That(async () => await opening, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Who_does_not_speak_TLS_is_told_from_who_closes([Values("\x03\0\0\0\0\0\0\0\0", "GET / HTTP/1.1\r\n\r\n", "")] string bytes)
    {
        using var certificate = new TestCertificate();
        await using var holder = new TlsServerCertificate(certificate.Server);
        var (serverSocket, client) = await SocketsAsync();
        await using var server = new TlsTransport(serverSocket, holder);
        await client.SendAsync(System.Text.Encoding.Latin1.GetBytes(bytes), default);
        client.CompleteOutput();
        var failure = await Assert.CatchAsync<IOException>(async () => await server.OpenAsync(default));
        Assert.That(failure is TlsHandshakeException, Is.EqualTo(bytes.Length > 0), failure?.Message);
        await client.DisposeAsync();
    }

    [Test]
    public async Task A_self_signed_certificate_is_refused_unless_it_is_trusted()
    {
        using var certificate = new TestCertificate();
        using var other = new TestCertificate();
        Assert.That(await RefusalAsync(certificate, new TlsClientOptions()), Does.Contain("nobody who is trusted signed it"));
        Assert.That(await RefusalAsync(certificate, other.Client), Does.Contain("nobody who is trusted signed it"));
        Assert.That(await RefusalAsync(certificate, certificate.Client), Is.Null);
        Assert.That(await RefusalAsync(certificate, new TlsClientOptions { AllowUntrusted = true }), Is.Null);
    }

    [Test]
    public async Task A_certificate_for_another_name_is_refused_even_when_it_is_trusted()
    {
        using var certificate = new TestCertificate("media.example");
        Assert.That(
            await RefusalAsync(certificate, certificate.Client),
            Is.EqualTo("the server's certificate is refused: it is for another name"));
        Assert.That(await RefusalAsync(certificate, certificate.Client with { TargetHost = "media.example" }), Is.Null);
    }

    [Test]
    public async Task An_expired_certificate_is_refused_even_when_it_is_trusted()
    {
        using var certificate = new TestCertificate(days: 0);
        Assert.That(
            await RefusalAsync(certificate, certificate.Client),
            Is.EqualTo("the server's certificate is refused: it has expired or is not valid yet"));
    }

    [Test]
    public async Task An_authority_of_one_s_own_is_trusted_and_so_is_a_pinned_certificate_that_it_signed()
    {
        using var authority = new TestCertificate("authority", isAuthority: true);
        using var certificate = new TestCertificate(issuer: authority);
        Assert.That(await RefusalAsync(certificate, authority.Client), Is.Null);
        Assert.That(await RefusalAsync(certificate, certificate.Client), Is.Null);
        Assert.That(await RefusalAsync(certificate, new TlsClientOptions()), Does.Contain("nobody who is trusted signed it"));
    }

    // What the client says of the server's certificate; null when it takes it.
    private static async Task<string?> RefusalAsync(TestCertificate certificate, TlsClientOptions options)
    {
        await using var pair = await PairAsync(certificate, options);
        var serving = pair.Server.OpenAsync(default).AsTask();
        try
        {
            await pair.Client.OpenAsync(default);
            await serving;
            return null;
        }
        catch (TlsHandshakeException e)
        {
            pair.Client.Abort(CloseReason.Requested);
            try
            {
                await serving; // with TLS 1.3 the server may be through already
            }
            catch (IOException)
            {
                // Told, or cut.
            }

            return e.Message;
        }
    }

    private static async Task<Pair> PairAsync(TestCertificate certificate, TlsClientOptions? options = null)
    {
        var holder = new TlsServerCertificate(certificate.Server);
        var (server, client) = await SocketsAsync();
        return new Pair(
            holder, new TlsTransport(server, holder), new TlsTransport(client, "localhost", options ?? certificate.Client));
    }

    private static async Task<(SocketTransport Server, SocketTransport Client)> SocketsAsync()
    {
        var accepted = new TaskCompletionSource<SocketTransport>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), accepted.SetResult, _ => { });
        var client = await SocketTransport.ConnectAsync("127.0.0.1", listener.LocalEndPoint.Port);
        return (await accepted.Task, client);
    }

    private static async Task<byte[]> ReadAsync(TlsTransport transport, int length)
    {
        var result = await transport.Input.ReadAtLeastAsync(length);
        var bytes = result.Buffer.ToArray();
        transport.Input.AdvanceTo(result.Buffer.End);
        return bytes;
    }

    private sealed record Pair(TlsServerCertificate Certificate, TlsTransport Server, TlsTransport Client) : IAsyncDisposable
    {
        public async Task OpenAsync()
        {
            var serving = Server.OpenAsync(default).AsTask();
            await Client.OpenAsync(default);
            await serving;
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
            await Certificate.DisposeAsync();
        }
    }
}
