using System.Diagnostics.Metrics;
using MediaGraph.Relays;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Server;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tapo;
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

    internal MediaGraphBuilder(IServiceCollection services, IConfigurationSection? configuration)
    {
        Services = services;
        Configuration = configuration;
    }

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    internal IConfigurationSection? Configuration { get; }

    /// <summary>What changes the options of the client of RTMP; null when it was not added.</summary>
    internal Func<RtmpClientOptions, RtmpClientOptions>? ConfigureRtmpClient { get; private set; }

    /// <summary>What changes the options of RTMP; null when it was not added.</summary>
    internal Func<RtmpServerOptions, RtmpServerOptions>? ConfigureRtmp { get; private set; }

    /// <summary>What changes the options of the client of RTSP; null when it was not added.</summary>
    internal Func<RtspClientOptions, RtspClientOptions>? ConfigureRtspClient { get; private set; }

    /// <summary>What changes the options of RTSP; null when it was not added.</summary>
    internal Func<RtspServerOptions, RtspServerOptions>? ConfigureRtsp { get; private set; }

    /// <summary>What changes the options of Tapo; null when it was not added.</summary>
    internal Func<TapoOptions, TapoOptions>? ConfigureTapo { get; private set; }

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
    /// Adds an RTMP server, as the singleton <see cref="RtmpServer"/>, with the settings of the section <c>Rtmp</c>, and a client, as the
    /// singleton <see cref="RtmpClient"/>, with those of <c>Rtmp:Client</c>: streams can be taken from other servers, and pushed to them.
    /// </summary>
    /// <param name="configure">Given what the configuration says, returns what applies: <c>o => o with { … }</c>.</param>
    /// <param name="configureClient">The same of the client.</param>
    public MediaGraphBuilder AddRtmp(
        Func<RtmpServerOptions, RtmpServerOptions>? configure = null, Func<RtmpClientOptions, RtmpClientOptions>? configureClient = null)
    {
        if (ConfigureRtmp is null)
        {
            AddServer(
                static (provider, settings) => new RtmpServer(
                    provider.GetRequiredService<StreamHub>(), settings.Rtmp, provider.GetService<ILoggerFactory>(),
                    provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>()),
                static (server, settings) => new ProtocolServer("RTMP", settings.IsRtmpEnabled, server.StartAsync, server.StopAsync));
            Services.AddSingleton(static provider => new RtmpClient(
                provider.GetRequiredService<StreamHub>(), provider.GetRequiredService<MediaGraphSettings>().RtmpClient,
                provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>()));
            Services.AddSingleton<ISourceProtocol>(static provider => new RtmpSourceProtocol(provider.GetRequiredService<RtmpClient>()));
            Services.AddSingleton<IRelayProtocol>(static provider => new RtmpRelayProtocol(provider.GetRequiredService<RtmpClient>()));
        }

        ConfigureRtmp = Then(ConfigureRtmp, configure);
        ConfigureRtmpClient = Then(ConfigureRtmpClient, configureClient);
        return this;
    }

    /// <summary>
    /// Adds an RTSP server, as the singleton <see cref="RtspServer"/>, with the settings of the section <c>Rtsp</c>, and a client, as the
    /// singleton <see cref="RtspClient"/>, with those of <c>Rtsp:Client</c>: streams can be taken from other servers, and pushed to them.
    /// </summary>
    /// <param name="configure">Given what the configuration says, returns what applies: <c>o => o with { … }</c>.</param>
    /// <param name="configureClient">The same of the client.</param>
    public MediaGraphBuilder AddRtsp(
        Func<RtspServerOptions, RtspServerOptions>? configure = null, Func<RtspClientOptions, RtspClientOptions>? configureClient = null)
    {
        if (ConfigureRtsp is null)
        {
            AddServer(
                static (provider, settings) => new RtspServer(
                    provider.GetRequiredService<StreamHub>(), settings.Rtsp, provider.GetService<ILoggerFactory>(),
                    provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>()),
                static (server, settings) => new ProtocolServer("RTSP", settings.IsRtspEnabled, server.StartAsync, server.StopAsync));
            Services.AddSingleton(static provider => new RtspClient(
                provider.GetRequiredService<StreamHub>(), provider.GetRequiredService<MediaGraphSettings>().RtspClient,
                provider.GetService<ILoggerFactory>(), provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>()));
            Services.AddSingleton<ISourceProtocol>(static provider => new RtspSourceProtocol(provider.GetRequiredService<RtspClient>()));
            Services.AddSingleton<IRelayProtocol>(static provider => new RtspRelayProtocol(provider.GetRequiredService<RtspClient>()));
        }

        ConfigureRtsp = Then(ConfigureRtsp, configure);
        ConfigureRtspClient = Then(ConfigureRtspClient, configureClient);
        return this;
    }

    /// <summary>
    /// Lets streams be taken from TP-Link's cameras (<c>tapo:</c>, <c>vigi:</c> and <c>kasa:</c>), with the settings of the section <c>Tapo</c>.
    /// </summary>
    /// <param name="configure">Given what the configuration says, returns what applies: <c>o => o with { … }</c>.</param>
    public MediaGraphBuilder AddTapo(Func<TapoOptions, TapoOptions>? configure = null)
    {
        if (ConfigureTapo is null)
        {
            Services.AddSingleton(static provider => new TapoSourceProtocol(
                provider.GetRequiredService<MediaGraphSettings>().Tapo, provider.GetService<ILoggerFactory>(),
                provider.GetService<TimeProvider>(), provider.GetService<IMeterFactory>()));
            Services.AddSingleton<ISourceProtocol>(static provider => provider.GetRequiredService<TapoSourceProtocol>());
        }

        ConfigureTapo = Then(ConfigureTapo, configure);
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

    // The server is a singleton, and one of what the hosted service starts.
    private void AddServer<TServer>(
        Func<IServiceProvider, MediaGraphSettings, TServer> create, Func<TServer, MediaGraphSettings, ProtocolServer> asProtocol)
        where TServer : class
    {
        Services.AddSingleton(provider => create(provider, provider.GetRequiredService<MediaGraphSettings>()));
        Services.AddSingleton(provider =>
            asProtocol(provider.GetRequiredService<TServer>(), provider.GetRequiredService<MediaGraphSettings>()));
    }

    private static Func<T, T> Then<T>(Func<T, T>? first, Func<T, T>? second)
    {
        first ??= static options => options;
        return second is null ? first : options => second(first(options));
    }
}
