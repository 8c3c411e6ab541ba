using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Rtmp;
using MediaGraph.Rtmp.Server;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Transport;
using Microsoft.Extensions.Options;

namespace MediaGraph.Hosting;

/// <summary>All settings, read once and checked as a whole. <c>docs/configuration.md</c> lists the keys.</summary>
internal sealed class MediaGraphSettings
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Reads the settings.</summary>
    /// <exception cref="OptionsValidationException">Something is wrong; lists everything that is.</exception>
    public MediaGraphSettings(MediaGraphBuilder builder, IStreamAuthorizer? authorizer)
    {
        var errors = new List<string>();
        var root = new SettingsReader(builder.Configuration, builder.Configuration?.Path ?? "", errors);

        IsDemoEnabled = root.Flag("Demo", true);
        DrainTimeout = root.Time("DrainTimeout", TimeSpan.FromSeconds(5));
        if (DrainTimeout <= TimeSpan.Zero || DrainTimeout > Day)
            errors.Add($"{root.Prefix}DrainTimeout is {DrainTimeout}; it must be more than 0, and 1 day at most.");

        Hub = builder.Apply(ReadHub(root) with { Authorizer = authorizer });
        errors.AddRange(Validate(Hub, root.Prefix));

        var rtmp = root.Section("Rtmp");
        if (builder.HasRtmp)
        {
            IsRtmpEnabled = rtmp.Flag("Enabled", true);
            Rtmp = builder.Apply(ReadRtmp(rtmp));
            rtmp.RejectUnknown();
            errors.AddRange(Rtmp.Validate(rtmp.Prefix));
        }

        Ignored = root.RejectMisspelt("Rtsp", "Tapo", "Http", "Streams", "Linger"); // what later versions read
        if (errors.Count > 0)
            throw new OptionsValidationException("MediaGraph", typeof(MediaGraphSettings), errors);
    }

    public StreamHubOptions Hub { get; }

    public bool IsRtmpEnabled { get; }

    public RtmpServerOptions Rtmp { get; } = new();

    public bool IsDemoEnabled { get; }

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
        var options = new StreamHubOptions
        {
            OnPublisherConflict = root.Choice("OnPublisherConflict", defaults.OnPublisherConflict),
            StalePublisherAfter = root.Time("StalePublisherAfter", defaults.StalePublisherAfter),
            WaitForPublisher = root.Time("WaitForPublisher", defaults.WaitForPublisher),
            GroupCache = new GroupCacheOptions
            {
                Enabled = cache.Flag("Enabled", defaults.GroupCache.Enabled),
                MaxBytes = cache.Int64("MaxBytes", defaults.GroupCache.MaxBytes),
                MaxDuration = cache.Time("MaxDuration", defaults.GroupCache.MaxDuration),
                MaxPackets = cache.Int32("MaxPackets", defaults.GroupCache.MaxPackets),
            },
            Queue = ReadQueue(root.Section("Queue")),
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
            Pool = defaults.Pool with { MaxRetainedBytes = pool.Int64("MaxRetainedBytes", defaults.Pool.MaxRetainedBytes) },
        };
        cache.RejectUnknown();
        failures.RejectUnknown();
        talk.RejectUnknown();
        pool.RejectUnknown();
        return options;
    }

    private static PacketQueueOptions ReadQueue(SettingsReader queue)
    {
        var defaults = new PacketQueueOptions();
        var options = new PacketQueueOptions
        {
            MaxBytes = queue.Int64("MaxBytes", defaults.MaxBytes),
            MaxPackets = queue.Int32("MaxPackets", defaults.MaxPackets),
            MaxAge = queue.Time("MaxAge", defaults.MaxAge),
            MaxReplyBytes = queue.Int32("MaxReplyBytes", defaults.MaxReplyBytes),
            MaxInPlaceBytes = queue.Int32("MaxInPlaceBytes", defaults.MaxInPlaceBytes),
            OnOverflow = queue.Choice("OnOverflow", defaults.OnOverflow),
        };
        queue.RejectUnknown();
        return options;
    }

    private static RtmpServerOptions ReadRtmp(SettingsReader rtmp)
    {
        var defaults = new RtmpServerOptions();
        var tls = rtmp.Section("Tls");
        return new RtmpServerOptions
        {
            EndPoint = rtmp.EndPoint("Listen", defaults.EndPoint),
            TlsEndPoint = tls.EndPoint("Listen", defaults.TlsEndPoint),
            Tls = tls.IsSet ? ReadTls(tls) : null,
            HandshakeTimeout = rtmp.Time("HandshakeTimeout", defaults.HandshakeTimeout),
            CommandTimeout = rtmp.Time("CommandTimeout", defaults.CommandTimeout),
            ReadTimeout = rtmp.Time("ReadTimeout", defaults.ReadTimeout),
            WriteTimeout = rtmp.Time("WriteTimeout", defaults.WriteTimeout),
            PingInterval = rtmp.Time("PingInterval", defaults.PingInterval),
            ChunkSize = rtmp.Int32("ChunkSize", defaults.ChunkSize),
            WindowAcknowledgementSize = rtmp.Int32("WindowAcknowledgementSize", defaults.WindowAcknowledgementSize),
            AssumedFourCcs = rtmp.Words("AssumedFourCcs", defaults.AssumedFourCcs),
            Limits = ReadLimits(rtmp.Section("Limits")),
            Queue = ReadQueue(rtmp.Section("Queue")),
        };
    }

    private static TlsServerOptions ReadTls(SettingsReader tls)
    {
        var options = new TlsServerOptions
        {
            CertificateFile = tls.Text("CertificateFile"),
            KeyFile = tls.Text("KeyFile"),
            Password = new Secret(tls.Text("Password")),
            CertificateThumbprint = tls.Text("CertificateThumbprint"),
            CertificateSubject = tls.Text("CertificateSubject"),
            ReloadInterval = tls.Time("ReloadInterval", new TlsServerOptions().ReloadInterval),
        };
        tls.RejectUnknown();
        return options;
    }

    private static RtmpLimits ReadLimits(SettingsReader limits)
    {
        var defaults = new RtmpLimits();
        var connections = limits.Section("Connections");
        var options = new RtmpLimits
        {
            Connections = new ConnectionLimits
            {
                MaxConnections = connections.Int32("MaxConnections", defaults.Connections.MaxConnections),
                MaxPerAddress = connections.Int32("MaxPerAddress", defaults.Connections.MaxPerAddress),
                MaxHalfOpen = connections.Int32("MaxHalfOpen", defaults.Connections.MaxHalfOpen),
                MaxHalfOpenPerAddress = connections.Int32("MaxHalfOpenPerAddress", defaults.Connections.MaxHalfOpenPerAddress),
            },
            MaxMediaMessageBytes = limits.Int32("MaxMediaMessageBytes", defaults.MaxMediaMessageBytes),
            MaxMessageBytes = limits.Int32("MaxMessageBytes", defaults.MaxMessageBytes),
            MaxAssemblyBytes = limits.Int32("MaxAssemblyBytes", defaults.MaxAssemblyBytes),
            MaxChunkStreams = limits.Int32("MaxChunkStreams", defaults.MaxChunkStreams),
            MaxMessageStreams = limits.Int32("MaxMessageStreams", defaults.MaxMessageStreams),
            MaxCommandsPerSecond = limits.Int32("MaxCommandsPerSecond", defaults.MaxCommandsPerSecond),
            MaxAmfDepth = limits.Int32("MaxAmfDepth", defaults.MaxAmfDepth),
            MaxAmfValues = limits.Int32("MaxAmfValues", defaults.MaxAmfValues),
            MaxAmfStringBytes = limits.Int32("MaxAmfStringBytes", defaults.MaxAmfStringBytes),
            MaxParameterBytes = limits.Int32("MaxParameterBytes", defaults.MaxParameterBytes),
        };
        connections.RejectUnknown();
        limits.RejectUnknown();
        return options;
    }

    private static IEnumerable<string> Validate(StreamHubOptions hub, string prefix)
    {
        (string Name, TimeSpan Value, TimeSpan Least)[] times =
        [
            ("StalePublisherAfter", hub.StalePublisherAfter, TimeSpan.FromSeconds(1)),
            ("WaitForPublisher", hub.WaitForPublisher, TimeSpan.Zero),
            ("Talk:SilenceLimit", hub.Talk.SilenceLimit, TimeSpan.FromSeconds(1)),
            ("Talk:OpenLimit", hub.Talk.OpenLimit, TimeSpan.FromSeconds(1)),
            ("Talk:CloseLimit", hub.Talk.CloseLimit, TimeSpan.FromSeconds(1)),
            ("Talk:MaxDelay", hub.Talk.MaxDelay, TimeSpan.Zero),
            ("AuthorizationFailures:MinDelay", hub.AuthorizationFailures.MinDelay, TimeSpan.Zero),
            ("AuthorizationFailures:MaxDelay", hub.AuthorizationFailures.MaxDelay, hub.AuthorizationFailures.MinDelay),
        ];
        foreach (var (name, value, least) in times)
        {
            if (value < least || value > Day)
                yield return $"{prefix}{name} is {value}; it must be {least} to 1 day.";
        }

        (string Name, long Value, long Least)[] sizes =
        [
            ("AuthorizationFailures:MaxPerMinute", hub.AuthorizationFailures.MaxPerMinute, 1),
            ("Pool:MaxRetainedBytes", hub.Pool.MaxRetainedBytes, 0),
        ];
        foreach (var (name, value, least) in sizes)
        {
            if (value < least)
                yield return $"{prefix}{name} is {value}; it must be {least} or more.";
        }

        foreach (var error in hub.GroupCache.Validate($"{prefix}GroupCache:").Concat(hub.Queue.Validate($"{prefix}Queue:")))
            yield return error;
    }
}
