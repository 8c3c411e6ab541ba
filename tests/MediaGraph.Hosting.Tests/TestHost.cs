using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Hosting.Tests;

/// <summary>A host with settings from memory and a log that the test can read.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly IHost _host;

    public TestHost(Dictionary<string, string?>? settings = null, Action<MediaGraphBuilder>? configure = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MediaGraph:Rtmp:Listen"] = "127.0.0.1:0",
            ["MediaGraph:Rtsp:Listen"] = "127.0.0.1:0",
        });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSingleton<ILoggerFactory>(Log);
        var media = builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"));
        (configure ?? (m => m.AddRtmp().AddRtsp()))(media);
        _host = builder.Build();
    }

    public TestLog Log { get; } = new();

    public IServiceProvider Services => _host.Services;

    public StreamHub Hub => Services.GetRequiredService<StreamHub>();

    public RtmpServer Rtmp => Services.GetRequiredService<RtmpServer>();

    public RtspServer Rtsp => Services.GetRequiredService<RtspServer>();

    public MediaGraphSettings Settings => Services.GetRequiredService<MediaGraphSettings>();

    public static Stream OpenDemo() => File.OpenRead(RepositoryRoot.Combine("samples", "MediaGraph.Server", "Demo", "demo.flv"));

    public Task StartAsync() => _host.StartAsync();

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await ((IAsyncDisposable)_host).DisposeAsync();
        Log.Dispose();
    }
}
