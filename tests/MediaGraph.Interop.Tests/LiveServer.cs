using System.Globalization;
using MediaGraph.Events;
using MediaGraph.Packets;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// A hub with an RTMP and an RTSP server on ports that the system chose, the processes that talk to it, and a folder for what they write. Disposing
/// it ends the processes, and then asserts that nothing of them is left in the server.
/// </summary>
public sealed class LiveServer : IAsyncDisposable
{
    private readonly TestLog _log = new();
    private readonly RtmpServer _rtmp;
    private readonly RtspServer _rtsp;
    private readonly EventSubscription _events;
    private readonly List<MediaEvent> _seen = [];
    private readonly List<ExternalTool> _tools = [];
    private int _files;

    private LiveServer(StreamHubOptions? hub, RtmpServerOptions? rtmp)
    {
        hub ??= new StreamHubOptions();
        Hub = new StreamHub(hub with { Pool = new PacketPoolOptions { Diagnostics = true } }, _log);
        _events = Hub.Events.Subscribe(capacity: 10_000);
        var anyPort = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0);
        _rtmp = new RtmpServer(Hub, (rtmp ?? new RtmpServerOptions()) with { EndPoint = anyPort, TlsEndPoint = anyPort }, _log);
        _rtsp = new RtspServer(Hub, new RtspServerOptions { EndPoint = anyPort }, _log);
        Folder = Directory.CreateTempSubdirectory("mediagraph-interop-").FullName;
        if (!OperatingSystem.IsWindows()) // VLC runs as another user
            File.SetUnixFileMode(Folder, (UnixFileMode)0b111_111_111);
    }

    public StreamHub Hub { get; }

    public TestLog Log => _log;

    public int Connections => _rtmp.Connections + _rtsp.Connections;

    /// <summary>Removed at the end.</summary>
    public string Folder { get; }

    /// <summary>Everything that happened so far.</summary>
    public IReadOnlyList<MediaEvent> Events
    {
        get
        {
            while (_events.Reader.TryRead(out var happened))
                _seen.Add(happened);
            return _seen;
        }
    }

    public static async Task<LiveServer> StartAsync(StreamHubOptions? hub = null, RtmpServerOptions? rtmp = null)
    {
        var server = new LiveServer(hub, rtmp);
        await server._rtmp.StartAsync();
        await server._rtsp.StartAsync();
        return server;
    }

    public string Url(string stream) => string.Create(CultureInfo.InvariantCulture, $"rtmp://127.0.0.1:{_rtmp.LocalEndPoint!.Port}/{stream}");

    /// <summary>The same over TLS; the server's options must have a certificate.</summary>
    public string SecureUrl(string stream) =>
        string.Create(CultureInfo.InvariantCulture, $"rtmps://localhost:{_rtmp.LocalTlsEndPoint!.Port}/{stream}");

    public string RtspUrl(string stream) =>
        string.Create(CultureInfo.InvariantCulture, $"rtsp://127.0.0.1:{_rtsp.LocalEndPoint!.Port}/{stream}");

    /// <summary>A path for a file that does not exist yet.</summary>
    public string NewFile(string extension) => Path.Combine(Folder, $"{++_files}.{extension}");

    /// <summary>Starts a process that ends with this server at the latest.</summary>
    public ExternalTool Start(string program, params IEnumerable<string> arguments) => Add(ExternalTool.Start(program, arguments));

    /// <summary>The same as another user than root.</summary>
    public ExternalTool StartWithoutRoot(string program, params IEnumerable<string> arguments) =>
        Add(ExternalTool.Start(program, arguments, withoutRoot: true));

    /// <summary>ffmpeg publishes a file as it is.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="file">What is published.</param>
    /// <param name="input">Options of the input, such as <c>-re</c>.</param>
    public ExternalTool Publish(string stream, string file, params IEnumerable<string> input) =>
        Start("ffmpeg", ["-nostdin", "-hide_banner", "-loglevel", "warning", .. input, "-i", file, "-c", "copy", "-f", "flv", Url(stream)]);

    /// <summary>ffmpeg plays into a file, with the stream's own times.</summary>
    public ExternalTool Record(string stream, string file) =>
        Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-copyts", "-i", Url(stream), "-c", "copy", "-copytb", "1",
            "-flush_packets", "1", "-y", file]);

    /// <summary>The process that was started last.</summary>
    public ExternalTool LastStarted => _tools[^1];

    /// <summary>Without connecting: ffmpeg takes the first that comes for its peer.</summary>
    public static Task WaitForListenerAsync(int port) => Eventually.Async(
        () => File.ReadLines("/proc/net/tcp").Any(line => line.Contains($":{port:X4} 00000000:0000 0A", StringComparison.Ordinal)),
        $"somebody listens on port {port}");

    public StreamSnapshot? Snapshot(string stream) => Hub.Find(stream)?.GetSnapshot();

    /// <summary>Waits until the stream has a publisher whose media has come in up to this time.</summary>
    public Task WaitForMediaAsync(string stream, TimeSpan time) => Eventually.Async(
        () => Snapshot(stream) is { Feed: not null } s && s.Tracks.Any(t => t.LastTime >= time), $"{stream} is fed up to {time}");

    /// <summary>Waits until the stream has so many consumers.</summary>
    public Task WaitForConsumersAsync(string stream, int count) =>
        Eventually.EqualAsync(() => Snapshot(stream)?.Consumers.Length ?? 0, count, $"consumers of {stream}");

    /// <summary>Waits until each of the consumers got so many packets more than it has now.</summary>
    public async Task WaitForDeliveryAsync(string stream, int packets)
    {
        var before = Snapshot(stream)!.Consumers.ToDictionary(c => c.Id, c => c.Packets.Delivered);
        await Eventually.Async(
            () => Snapshot(stream) is { } now
                && now.Consumers.Count(c => before.TryGetValue(c.Id, out var had) && c.Packets.Delivered >= had + packets) == before.Count,
            $"{packets} packets for each of the {before.Count} consumers of {stream}");
    }

    /// <summary>Waits until each of the viewers is fed, and then until the stream has gone on for so long.</summary>
    public async Task WaitForViewersAsync(string stream, IReadOnlyCollection<Viewer> viewers, TimeSpan time)
    {
        await Eventually.Async(
            () => viewers.Any(v => v.Tool.HasExited)
                || Snapshot(stream)?.Consumers.Count(c => c.Packets.Delivered > 0) >= viewers.Count,
            $"{stream} is delivered to {viewers.Count} viewers");
        foreach (var viewer in viewers.Where(v => v.Tool.HasExited))
            Assert.Fail($"{viewer.Name} has ended: {viewer.Tool.Output}{viewer.Tool.Error}");
        await WaitForMediaAsync(stream, Snapshot(stream)!.Tracks.Max(t => t.LastTime) + time);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var tool in _tools)
        {
            if (!tool.HasExited)
                await tool.KillAsync();
            await TestContext.Out.WriteLineAsync($"--- {tool.Output}{tool.Error}");
            await tool.DisposeAsync();
        }

        try
        {
            await Eventually.EqualAsync(() => Connections, 0, "connections after all processes have ended");
            await Eventually.EqualAsync(
                () => Hub.GetSnapshot().Streams.Sum(s => s.Consumers.Length), 0, "consumers after all processes have ended");
            await _rtmp.DisposeAsync();
            await _rtsp.DisposeAsync();
            await Hub.DisposeAsync();
            await Eventually.Async(
                () => Hub.Pool.GetStatistics() is { OutstandingBuffers: 0, OutstandingPackets: 0 },
                $"all memory is back in the pool: {Hub.Pool.DescribeOutstanding()}");
            Assert.That(_log.Entries.Where(e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error), Is.Empty, "errors in the log");
        }
        finally
        {
            await _rtmp.DisposeAsync();
            await _rtsp.DisposeAsync();
            await Hub.DisposeAsync();
            _events.Dispose();
            _log.Dispose();
            Directory.Delete(Folder, recursive: true);
        }
    }

    private ExternalTool Add(ExternalTool tool)
    {
        _tools.Add(tool);
        return tool;
    }
}
