using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Hosting;

/// <summary>
/// Says what of MediaGraph an application runs. Protocols start in the order in which they were added, and stop in the reverse
/// order. Options that are given here apply after those of the configuration.
/// </summary>
public sealed class MediaGraphBuilder
{
    private readonly List<Func<StreamHubOptions, StreamHubOptions>> _configureHub = [];
    private readonly List<Func<RtmpServerOptions, RtmpServerOptions>> _configureRtmp = [];

    internal MediaGraphBuilder(IServiceCollection services, IConfigurationSection? configuration)
    {
        Services = services;
        Configuration = configuration;
    }

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    internal IConfigurationSection? Configuration { get; }

    internal bool HasRtmp { get; private set; }

    internal Func<Stream>? OpenDemo { get; private set; }

    /// <summary>Changes the hub's options.</summary>
    /// <param name="configure">Given what the configuration says, returns what applies: <c>o => o with { … }</c>.</param>
    public MediaGraphBuilder ConfigureHub(Func<StreamHubOptions, StreamHubOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _configureHub.Add(configure);
        return this;
    }

    /// <summary>
    /// Adds an RTMP server, as the singleton <see cref="RtmpServer"/>, with the settings of the section <c>Rtmp</c>.
    /// </summary>
    /// <param name="configure">Given what the configuration says, returns what applies: <c>o => o with { … }</c>.</param>
    public MediaGraphBuilder AddRtmp(Func<RtmpServerOptions, RtmpServerOptions>? configure = null)
    {
        if (configure is not null)
            _configureRtmp.Add(configure);
        if (HasRtmp)
            return this;
        HasRtmp = true;
        Services.AddSingleton(static provider => new RtmpServer(
            provider.GetRequiredService<StreamHub>(),
            provider.GetRequiredService<MediaGraphSettings>().Rtmp,
            provider.GetService<ILoggerFactory>(),
            provider.GetService<TimeProvider>()));
        Services.AddSingleton(static provider =>
        {
            var server = provider.GetRequiredService<RtmpServer>();
            var settings = provider.GetRequiredService<MediaGraphSettings>();
            return new ProtocolServer("RTMP", settings.IsRtmpEnabled, server.StartAsync, server.StopAsync);
        });
        return this;
    }

    /// <summary>Publishes an FLV file in a loop as the stream <c>demo</c>, unless the setting <c>Demo</c> is false.</summary>
    /// <param name="open">Opens the file from its start; called once per round.</param>
    public MediaGraphBuilder AddDemo(Func<Stream> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        OpenDemo = open;
        return this;
    }

    internal StreamHubOptions Apply(StreamHubOptions options) => _configureHub.Aggregate(options, (o, configure) => configure(o));

    internal RtmpServerOptions Apply(RtmpServerOptions options) => _configureRtmp.Aggregate(options, (o, configure) => configure(o));
}
