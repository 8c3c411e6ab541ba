using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Server;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Tapo;
using MediaGraph.Validation;
using Microsoft.Extensions.Options;

namespace MediaGraph.Hosting;

/// <summary>All settings, read once and checked as a whole. <c>docs/configuration.md</c> lists the keys.</summary>
internal sealed class MediaGraphSettings
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="OptionsValidationException">Something is wrong; lists everything that is.</exception>
    public MediaGraphSettings(MediaGraphBuilder builder, IStreamAuthorizer? authorizer)
    {
        var errors = new List<string>();
        var root = new SettingsReader(builder.Configuration, builder.Configuration?.Path ?? "", errors);

        IsDemoEnabled = root.Flag("Demo", true);
        DrainTimeout = root.Time("DrainTimeout", TimeSpan.FromSeconds(5));
        errors.AddRange(new OptionErrors(root.Prefix).Check(DrainTimeout, TimeSpan.FromMilliseconds(1)));

        // What all streams have in common, and each may have for itself, is a key of its own.
        Hub = builder.Apply(ReadHub(root) with { Authorizer = authorizer });
        errors.AddRange(Hub.Validate(root.Prefix).Select(error =>
            error.Replace($"{root.Prefix}Sources:Linger ", $"{root.Prefix}Linger ", StringComparison.Ordinal)));

        var (rtmp, rtsp, tapo) = (root.Section("Rtmp"), root.Section("Rtsp"), root.Section("Tapo"));
        RtmpClient = ReadOptions(rtmp.Section("Client"), builder.ConfigureRtmpClient, RtmpSettings.ReadClient, errors);
        RtspClient = ReadOptions(rtsp.Section("Client"), builder.ConfigureRtspClient, RtspSettings.ReadClient, errors);
        IsRtmpEnabled = builder.ConfigureRtmp is not null && rtmp.Flag("Enabled", true);
        IsRtspEnabled = builder.ConfigureRtsp is not null && rtsp.Flag("Enabled", true);
        Rtmp = ReadOptions(rtmp, builder.ConfigureRtmp, RtmpSettings.Read, errors);
        Rtsp = ReadOptions(rtsp, builder.ConfigureRtsp, RtspSettings.Read, errors);
        Tapo = ReadOptions(tapo, builder.ConfigureTapo, TapoSettings.Read, errors);
        (SettingsReader Section, bool IsAdded)[] protocols =
        [
            (rtmp, builder.ConfigureRtmp is not null), (rtsp, builder.ConfigureRtsp is not null), (tapo, builder.ConfigureTapo is not null),
        ];
        var notAdded = protocols.Where(protocol => protocol.Section.IsSet && !protocol.IsAdded).Select(protocol => protocol.Section.Path);

        root.Known("Streams");
        Streams = StreamSettings.Read(builder.Configuration, root.Prefix, errors);

        Ignored = [.. notAdded, .. root.RejectMisspelt("Http")]; // what later versions read
        if (errors.Count > 0)
            throw new OptionsValidationException("MediaGraph", typeof(MediaGraphSettings), errors);
    }

    public StreamHubOptions Hub { get; }

    public bool IsRtmpEnabled { get; }

    public RtmpServerOptions Rtmp { get; }

    public bool IsRtspEnabled { get; }

    public RtspServerOptions Rtsp { get; }

    public RtmpClientOptions RtmpClient { get; }

    public RtspClientOptions RtspClient { get; }

    public TapoOptions Tapo { get; }

    public bool IsDemoEnabled { get; }

    /// <summary>The streams with sources, as they were when all was checked; <see cref="ConfiguredStreams"/> reads them again.</summary>
    public ImmutableArray<StreamDefinition> Streams { get; }

    /// <summary>How long a stop may take.</summary>
    public TimeSpan DrainTimeout { get; }

    /// <summary>Keys that nothing here knows: sections of protocols that were not added, or that come with a later version.</summary>
    public IReadOnlyList<string> Ignored { get; }

    private static StreamHubOptions ReadHub(SettingsReader root)
    {
        var defaults = new StreamHubOptions();
        var cache = root.Section("GroupCache");
        var pool = root.Section("Pool");
        var failures = root.Section("AuthorizationFailures");
        var talk = root.Section("Talk");
        var sources = root.Section("Sources");
        var relays = root.Section("Relays");
        var upstream = root.Section("Upstream");
        var options = new StreamHubOptions
        {
            OnPublisherConflict = root.Choice("OnPublisherConflict", defaults.OnPublisherConflict),
            StalePublisherAfter = root.Time("StalePublisherAfter", defaults.StalePublisherAfter),
            WaitForPublisher = root.Time("WaitForPublisher", defaults.WaitForPublisher),
            GroupCache = new GroupCacheOptions
            {
                IsEnabled = cache.Flag("Enabled", defaults.GroupCache.IsEnabled),
                MaxBytes = cache.Int64("MaxBytes", defaults.GroupCache.MaxBytes),
                MaxDuration = cache.Time("MaxDuration", defaults.GroupCache.MaxDuration),
                MaxPackets = cache.Int32("MaxPackets", defaults.GroupCache.MaxPackets),
            },
            Queue = root.Queue(isSent: false),
            AuthorizationFailures = new AuthorizationFailureOptions
            {
                MinDelay = failures.Time("MinDelay", defaults.AuthorizationFailures.MinDelay),
                MaxDelay = failures.Time("MaxDelay", defaults.AuthorizationFailures.MaxDelay),
                MaxPerMinute = failures.Int32("MaxPerMinute", defaults.AuthorizationFailures.MaxPerMinute),
            },
            Talk = new TalkOptions
            {
                SilenceLimit = talk.Time("SilenceLimit", defaults.Talk.SilenceLimit),
                OpenLimit = talk.Time("OpenLimit", defaults.Talk.OpenLimit),
                CloseLimit = talk.Time("CloseLimit", defaults.Talk.CloseLimit),
                MaxDelay = talk.Time("MaxDelay", defaults.Talk.MaxDelay),
            },
            Sources = new SourceOptions
            {
                Linger = root.Time("Linger", defaults.Sources.Linger),
                ConnectLimit = sources.Time("ConnectLimit", defaults.Sources.ConnectLimit),
                SilenceLimit = sources.Time("SilenceLimit", defaults.Sources.SilenceLimit),
                MinBackoff = sources.Time("MinBackoff", defaults.Sources.MinBackoff),
                MaxBackoff = sources.Time("MaxBackoff", defaults.Sources.MaxBackoff),
                HealthyAfter = sources.Time("HealthyAfter", defaults.Sources.HealthyAfter),
                MaxSessionsPerMinute = sources.Int32("MaxSessionsPerMinute", defaults.Sources.MaxSessionsPerMinute),
                ReadyLimit = sources.Time("ReadyLimit", defaults.Sources.ReadyLimit),
            },
            Relays = new RelayOptions
            {
                ConnectLimit = relays.Time("ConnectLimit", defaults.Relays.ConnectLimit),
                MinBackoff = relays.Time("MinBackoff", defaults.Relays.MinBackoff),
                MaxBackoff = relays.Time("MaxBackoff", defaults.Relays.MaxBackoff),
                HealthyAfter = relays.Time("HealthyAfter", defaults.Relays.HealthyAfter),
                MaxSessionsPerMinute = relays.Int32("MaxSessionsPerMinute", defaults.Relays.MaxSessionsPerMinute),
            },
            Upstream = upstream.IsSet ? ReadUpstream(upstream) : null,
            Pool = defaults.Pool with { MaxRetainedBytes = pool.Int64("MaxRetainedBytes", defaults.Pool.MaxRetainedBytes) },
        };
        cache.RejectUnknown();
        failures.RejectUnknown();
        talk.RejectUnknown();
        sources.RejectUnknown();
        relays.RejectUnknown();
        upstream.RejectUnknown();
        pool.RejectUnknown();
        return options;
    }

    private static UpstreamOptions ReadUpstream(SettingsReader section)
    {
        var options = new UpstreamOptions(section.Text("Url") ?? "");
        return options with
        {
            Names = section.Text("Names") ?? options.Names,
            MaxStreams = section.Int32("MaxStreams", options.MaxStreams),
            MaxTriesPerMinute = section.Int32("MaxTriesPerMinute", options.MaxTriesPerMinute),
            RetryAfter = section.Time("RetryAfter", options.RetryAfter),
        };
    }

    // A protocol that was not added is not read. What code says comes after what the section says.
    private static TOptions ReadOptions<TOptions>(
        SettingsReader section, Func<TOptions, TOptions>? configure, Func<SettingsReader, TOptions> read, List<string> errors)
        where TOptions : IValidatedOptions, new()
    {
        if (configure is null)
            return new TOptions();
        var options = configure(read(section));
        section.RejectUnknown();
        errors.AddRange(options.Validate(section.Prefix));
        return options;
    }
}
