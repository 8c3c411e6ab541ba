using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Tapo.Client;
using MediaGraph.Tapo.Control;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Http;
using MediaGraph.Tapo.Multipart;
using MediaGraph.Tapo.Security;
using MediaGraph.Testing;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests;

/// <summary>H4, H5: any bytes give values or a <see cref="SourceException"/>.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class FuzzTests
{
    private const string Delimiter = "----device-stream-boundary--\r\n";

    private static readonly byte[][] Answers =
    [
        Text("HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\nWWW-Authenticate: Digest realm=\"a\",nonce=\"b\"\r\n\r\nHTTP ERROR 401"),
        Text("HTTP ERROR 401HTTP/1.0 200 OK\r\nContent-Type: multipart/mixed;boundary=--device-stream-boundary--\r\nKey-Exchange: a=\"b\"\r\n\r\n"),
        Text("\r\n\r\nHTTP/1.1 999 \r\n:\r\na\r\n\r\n"), [],
    ];

    private static readonly byte[][] Bodies =
    [
        Text(Delimiter + "Content-Type: video/mp2t\r\nContent-Length: 3\r\nX-If-Encrypt: 1\r\n\r\nabc\r\n" + Delimiter +
            "Content-Length: 0\r\n\r\n\r\n"),
        Text("{\"session_id\":2}" + Delimiter + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}\r\n" + Delimiter),
        Text(Delimiter + "Content-Type: video/mp2t\r\nCont" + Delimiter + "Content-Length: 1\r\n\r\nabc" + Delimiter +
            "Content-Length: 2147483648\r\n\r\n"),
        Text("HTTP/1.1 401 Unauthorized\r\n\r\nHTTP ERROR 401"), Text(Delimiter + "Content-Length: -1\r\n\r\n"), [],
    ];

    private static readonly byte[][] Messages =
    [
        Text("{\"type\":\"response\",\"seq\":1,\"params\":{\"error_code\":-52411,\"session_id\":\"2\"}}"),
        Text("{\"type\":\"notification\",\"params\":{\"event_type\":\"stream_status\",\"status\":\"finished\"}}"),
        Text("{\"params\":[{\"session_id\":12345678901234567890}],\"seq\":1e99,\"type\":null}"), Text("[[[[[[[[[[[[[[[[[["), [],
    ];

    private static readonly byte[][] Fields =
    [
        Text("Digest realm=\"TP-Link IP-Camera\",qop=\"auth\",nonce=\"00\", opaque=\"11\",algorithm=\"SHA-256\",encrypt_type=\"3\""),
        Text("cipher=\"AES_128_CBC\" username=\"admin\" padding=\"PKCS7_16\" algorithm=\"MD5\" nonce=\"01\""),
        Text("algorithm=\"HKDF\" salt=\"fe\" nonce="), Text("Digest =,=\"\"\" a b=c,,,"), [],
    ];

    private static readonly byte[][] Chunks =
    [
        Text("5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), Text("ffffffff\r\n"), Text("7FFFFFFF\r\nabc"), Text("5\r\nhelloX\r\n"), [],
    ];

    [Test]
    public void H4_answers() => Fuzz.Run<SourceException>(Answers, (data, random) => Now(async () =>
    {
        await using var camera = await CameraAsync(data, random);
        while (await HttpResponse.ReadAsync(camera) is var response)
        {
            _ = DigestChallenge.Parse(response.Headers["WWW-Authenticate"]);
            await camera.SkipBodyAsync(response);
        }
    }));

    [Test]
    public void H4_parts() => Fuzz.Run<SourceException>(Bodies, (data, random) => Now(async () =>
    {
        await using var camera = await CameraAsync(data, random);
        await using var session = new TapoSession(
            camera, "--device-stream-boundary--", KeyExchange.CreateCipher("algorithm=\"MD5\"", default), new TapoOptions());
        while (true)
        {
            var part = await session.ReadAsync();
            _ = session.ReadMessage(part);
            _ = session.Open(part);
        }
    }));

    [Test]
    public void H4_messages() =>
        Fuzz.Run<SourceException>(Messages, (data, _) => ControlMessage.Parse(new ReadOnlySequence<byte>(data)), boundsMemory: true);

    [Test]
    public void H4_challenges_and_keys() => Fuzz.Run<SourceException>(Fields, (data, random) =>
    {
        var text = Encoding.Latin1.GetString(data);
        _ = DigestChallenge.Parse(text)?.Answer("admin", new Secret("x"), "POST", "/stream", "c");
        using var cipher = KeyExchange.CreateCipher(text, new Secret("x"));
        var part = new byte[random.Next(64)];
        cipher?.Decrypt(part, "000102030405060708090a0b0c0d0e0f", null, new byte[64]);
    });

    [Test]
    public void H4_chunks() => Fuzz.Run<SourceException>(Chunks, (data, random) => Now(async () =>
    {
        using var stream = new ChunkedStream(PipeReader.Create(new MemoryStream(data)));
        var buffer = new byte[random.Next(1, 20)];
        var total = 0;
        while (await stream.ReadAsync(buffer) is > 0 and var read)
            total += read;
        Assert.That(total, Is.LessThanOrEqualTo(data.Length));
    }));

    [Test]
    public async Task H5_a_part_takes_memory_only_as_it_comes()
    {
        await using var camera = await CameraAsync(Text(Delimiter + "Content-Length: 1048576\r\n\r\nabc"), new Random(1));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(
            async () => await new MultipartReader(camera, "--device-stream-boundary--", 1 << 20).ReadAsync(),
            Throws.TypeOf<SourceException>().With.Message.Contains("in the middle of a part"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    [Test]
    public async Task H5_a_block_of_lines_that_are_no_headers_ends_too([Values] bool isPart)
    {
        var lines = string.Concat(Enumerable.Repeat("a line\r\n", 1000));
        await using var camera = await CameraAsync(Text((isPart ? Delimiter : "HTTP/1.1 200 OK\r\n") + lines), new Random(1));
        async Task ReadAsync()
        {
            if (isPart)
                await new MultipartReader(camera, "--device-stream-boundary--", 1 << 20).ReadAsync();
            else
                await HttpResponse.ReadAsync(camera);
        }

        Assert.That(ReadAsync, Throws.TypeOf<SourceException>().With.Message.Contains("too many headers"));
    }

    // All that is there is there at once: nothing waits.
    private static void Now(Func<Task> work)
    {
        var task = work();
        Assert.That(task.IsCompleted, "it waits for something");
        task.GetAwaiter().GetResult();
    }

    private static async Task<CameraConnection> CameraAsync(byte[] data, Random random)
    {
        var (server, client) = MemoryTransport.CreatePair();
        for (var rest = data.AsMemory(); !rest.IsEmpty;)
        {
            var piece = random.Next(1, rest.Length + 1);
            server.TrySend(rest.Span[..piece]);
            rest = rest[piece..];
        }

        server.CompleteOutput();
        using var metrics = new TapoMetrics(null);
        var context = new TapoContext(
            new TapoOptions(), TimeProvider.System, NullLogger.Instance, metrics, (_, _) => ValueTask.FromResult<ITransport>(client), null);
        return await CameraConnection.OpenAsync(context, TapoUrl.Parse("tapo://x@h"), CancellationToken.None);
    }

    private static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);
}
