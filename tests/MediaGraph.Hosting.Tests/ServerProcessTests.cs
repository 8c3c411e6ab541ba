using System.Net.Sockets;
using System.Text.RegularExpressions;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

// Rows: I9, J8.

/// <summary>The sample server, as its user meets it.</summary>
[TestFixture]
[Category("Socket")]
[Parallelizable(ParallelScope.All)]
public sealed partial class ServerProcessTests
{
    [TestCase(2)]
    [TestCase(15)]
    public async Task I9_a_signal_stops_the_server_with_status_0(int signal)
    {
        await using var server = Start();
        var port = await WaitUntilReadyAsync(server);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        var sent = TimeProvider.System.GetTimestamp();
        server.Signal(signal);
        var result = await server.WaitAsync();
        var elapsed = TimeProvider.System.GetElapsedTime(sent);
        Assert.That(result.ExitCode, Is.Zero, result.Output + result.Error);
        Assert.That(elapsed, Is.LessThan(TimeSpan.FromSeconds(30))); // the status is that of a drain of 5 s at most
    }

    [Test]
    public async Task A_second_signal_ends_the_server_at_once_with_another_status()
    {
        ToolResult result;
        var tries = 0;
        do
        {
            await using var server = Start();
            var port = await WaitUntilReadyAsync(server);
            using var client = new TcpClient(); // its goodbye holds the drain up
            await client.ConnectAsync("127.0.0.1", port);
            await BeAnsweredAsync(client);
            server.Interrupt();
            server.Terminate();
            result = await server.WaitAsync();
        }
        while (result.ExitCode == 0 && ++tries < 5); // on a busy machine it may have ended before it came to the second signal

        Assert.That(result.ExitCode, Is.AnyOf(130, 143), result.Output + result.Error);
    }

    [Test]
    public async Task I9_an_overrun_of_the_drain_ends_with_status_1()
    {
        await using var server = Start("--MediaGraph:DrainTimeout=0.02");
        var port = await WaitUntilReadyAsync(server);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await BeAnsweredAsync(client);
        server.Interrupt();
        var result = await server.WaitAsync();
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Output);
        Assert.That(result.Error.Trim(), Is.EqualTo("The drain took longer than 0.02 s; what was left was cut."));
    }

    [Test]
    public async Task A_change_of_its_file_that_cannot_be_read_is_told_with_its_place()
    {
        var copy = Directory.CreateTempSubdirectory("mediagraph-server-").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(Program)!))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            await using var server = StartProgram(Path.Combine(copy, "MediaGraph.Server.dll"));
            await WaitUntilReadyAsync(server);
            await File.WriteAllTextAsync(Path.Combine(copy, "appsettings.json"), "{\n  \"MediaGraph\": {{\n}");
            await server.WaitForTextAsync("LineNumber: 1");
            Assert.That(server.Error, Does.StartWith("The change is not read: Failed to load configuration from file "));
            server.Interrupt();
            Assert.That((await server.WaitAsync()).ExitCode, Is.Zero);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Test]
    public async Task A_port_in_use_ends_the_server_with_one_line_and_status_1()
    {
        using var other = new TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        await using var server = Start($"--MediaGraph:Rtmp:Listen={other.LocalEndpoint}");
        var result = await server.WaitAsync();
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error.Trim(), Does.Match($"^RTMP cannot listen on {other.LocalEndpoint}: [^\n]+$"));
        Assert.That(result.Output, Does.Not.Contain("   at "));
    }

    [Test]
    public async Task A_port_of_RTSP_in_use_ends_the_server_with_one_line_and_status_1()
    {
        using var other = new TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        await using var server = Start($"--MediaGraph:Rtsp:Listen={other.LocalEndpoint}");
        var result = await server.WaitAsync();
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error.Trim(), Does.Match($"^RTSP cannot listen on {other.LocalEndpoint}: [^\n]+$"));
    }

    [Test]
    public async Task Errors_of_the_configuration_are_listed()
    {
        await using var server = Start("--MediaGraph:Demo=maybe", "--MediaGraph:Rtmp:ReadTimeout=0", "--MediaGraph:Rtmp:Prot=1");
        var result = await server.WaitAsync();
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(4), result.Error);
        Assert.That(result.Error, Does.Contain("MediaGraph:Demo").And.Contain("MediaGraph:Rtmp:ReadTimeout").And.Contain("MediaGraph:Rtmp:Prot"));
        Assert.That(result.Error + result.Output, Does.Not.Contain("   at "));
    }

    [Test]
    public async Task The_environment_configures_the_server_too()
    {
        await using var server = ExternalTool.Start("dotnet", [Program, "--MediaGraph:Rtmp:Listen=0"], new Dictionary<string, string?>
        {
            ["MediaGraph__Rtsp__Enabled"] = "false",
            ["MediaGraph__Demo"] = "false",
            ["MediaGraph__Rtmp__Listen"] = "nonsense", // the command line goes before the environment
        });
        await WaitUntilReadyAsync(server);
        Assert.That(server.Output, Does.Not.Contain("/demo").And.Not.Contain("rtsp://"));
    }

    [Test]
    public async Task The_server_explains_its_use()
    {
        var result = await ExternalTool.RunAsync("dotnet", [Program, "--help"]);
        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Output, Does.Contain("--MediaGraph:Rtmp:Listen").And.Contain("--MediaGraph:Rtsp:Listen"));
    }

    [Test]
    public async Task What_the_server_says_to_try_works()
    {
        await using var server = Start();
        var port = await WaitUntilReadyAsync(server);
        var url = $"rtmp://127.0.0.1:{port}";
        var rtspUrl = RtspAddress().Match(server.Output).Value;
        Assert.That(server.Output, Does.Contain($"ffplay {url}/demo").And.Contain($"ffmpeg -re -i FILE -c copy -f flv {url}/live/cam"));
        Assert.That(
            server.Output, Does.Contain($"ffplay {rtspUrl}/demo").And.Contain($"ffmpeg -re -i FILE -c copy -f rtsp {rtspUrl}/live/cam"));
        var clip = RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv");
        await using var encoder = ExternalTool.Start("ffmpeg", ["-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", $"{url}/live/cam"]);
        await using var rtspEncoder = ExternalTool.Start(
            "ffmpeg", ["-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "rtsp", $"{rtspUrl}/live/other"]);
        await server.WaitForTextAsync("live/cam is published");
        await server.WaitForTextAsync("live/other is published");
        foreach (var stream in (string[])[$"{url}/live/cam", $"{rtspUrl}/live/cam", $"{url}/live/other", $"{rtspUrl}/live/other"])
        {
            var played = await ExternalTool.RunAsync("ffmpeg", ["-v", "error", "-i", stream, "-t", "1", "-f", "null", "-"]);
            Assert.That(played.ExitCode, Is.Zero, stream + played.Error);
        }

        server.Interrupt();
        Assert.That((await server.WaitAsync()).ExitCode, Is.Zero);
    }

    [Test]
    public async Task With_a_certificate_the_server_is_reachable_over_TLS()
    {
        using var certificate = new TestCertificate();
        await using var server = Start(
            "--MediaGraph:Rtmp:Tls:Listen=0", $"--MediaGraph:Rtmp:Tls:CertificateFile={certificate.CertificateFile}",
            $"--MediaGraph:Rtmp:Tls:KeyFile={certificate.KeyFile}",
            "--MediaGraph:Rtsp:Tls:Listen=0", $"--MediaGraph:Rtsp:Tls:CertificateFile={certificate.CertificateFile}",
            $"--MediaGraph:Rtsp:Tls:KeyFile={certificate.KeyFile}");
        await WaitUntilReadyAsync(server);
        var urls = EncryptedLine().Match(server.Output).Groups;
        foreach (var url in (string[])[urls[1].Value, urls[2].Value])
        {
            var played = await ExternalTool.RunAsync("ffmpeg", ["-v", "error", "-i", $"{url}/demo", "-t", "1", "-f", "null", "-"]);
            Assert.That(played.ExitCode, Is.Zero, played.Error);
        }

        server.Interrupt();
        Assert.That((await server.WaitAsync()).ExitCode, Is.Zero);
    }

    [Test]
    public async Task J8_the_server_survives_running_out_of_descriptors()
    {
        string[] options =
        [
            "--MediaGraph:Rtmp:Listen=127.0.0.1:0", "--MediaGraph:Rtsp:Enabled=false", "--MediaGraph:Rtmp:HandshakeTimeout=60",
            "--MediaGraph:Rtmp:Connections:MaxHalfOpen=1000", "--MediaGraph:Rtmp:Connections:MaxHalfOpenPerAddress=1000",
        ];
        await using var server = ExternalTool.Start("bash", ["-c", "ulimit -n 256; exec dotnet \"$@\"", "bash", Program, .. options]);
        var port = await WaitUntilReadyAsync(server);
        var clients = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 300; i++)
            {
                clients.Add(new TcpClient());
                await clients[^1].ConnectAsync("127.0.0.1", port);
            }

            await server.WaitForTextAsync("Accepting failed");
            clients.ForEach(client => client.Dispose());

            // Who comes while those are being accepted may be refused yet.
            using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
            while (!await IsAnsweredAsync(port, limit.Token))
            {
            }
        }
        catch (Exception e) when (e is SocketException or AssertionException or OperationCanceledException)
        {
            await server.KillAsync();
            var result = await server.WaitAsync();
            Assert.Fail($"{e.Message}\nThe server's status: {result.ExitCode}\n{result.Error}\n{result.Output}");
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        server.Interrupt();
        var stopped = await server.WaitAsync();
        Assert.That(stopped.ExitCode, Is.Zero, stopped.Output + stopped.Error);
    }

    // As it was built with this test project.
    private static string Program =>
        RepositoryRoot.Combine([
            "samples", "MediaGraph.Server", "bin",
            .. Path.GetRelativePath(RepositoryRoot.Combine("tests", "MediaGraph.Hosting.Tests", "bin"), AppContext.BaseDirectory)
                .Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries),
            "MediaGraph.Server.dll",
        ]);

    private static ExternalTool Start(params string[] arguments) => StartProgram(Program, arguments);

    private static ExternalTool StartProgram(string program, params string[] arguments) =>
        ExternalTool.Start("dotnet", [program, "--MediaGraph:Rtmp:Listen=127.0.0.1:0", "--MediaGraph:Rtsp:Listen=127.0.0.1:0", .. arguments]);

    // A connection that the server has not accepted yet when it stops is nothing to drain.
    private static async Task BeAnsweredAsync(TcpClient client)
    {
        await client.GetStream().WriteAsync((byte[])[3, .. new byte[1536]]);
        await client.GetStream().ReadExactlyAsync(new byte[1]);
    }

    private static async Task<bool> IsAnsweredAsync(int port, CancellationToken limit)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, limit);
        try
        {
            await BeAnsweredAsync(client).WaitAsync(limit);
            return true;
        }
        catch (IOException)
        {
            return false; // closed before the answer
        }
    }

    private static async Task<int> WaitUntilReadyAsync(ExternalTool server)
    {
        await server.WaitForTextAsync("Ctrl-C");
        return int.Parse(ReadyLine().Match(server.Output).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Encrypted: +(rtmps://127\.0\.0\.1:\d+), (rtsps://127\.0\.0\.1:\d+)")]
    private static partial Regex EncryptedLine();

    [GeneratedRegex(@"rtsp://127\.0\.0\.1:\d+")]
    private static partial Regex RtspAddress();

    [GeneratedRegex(@"MediaGraph is ready: rtmp://127\.0\.0\.1:(\d+)")]
    private static partial Regex ReadyLine();
}
