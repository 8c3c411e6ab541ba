using MediaGraph.Rtmp;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;

namespace MediaGraph.Hosting;

/// <summary>The section <c>Rtmp</c>.</summary>
internal static class RtmpSettings
{
    public static RtmpServerOptions Read(SettingsReader rtmp)
    {
        var defaults = new RtmpServerOptions();
        var tlsEndPoint = defaults.TlsEndPoint;
        return new RtmpServerOptions
        {
            EndPoint = rtmp.EndPoint("Listen", defaults.EndPoint),
            Tls = rtmp.Tls(ref tlsEndPoint),
            TlsEndPoint = tlsEndPoint,
            HandshakeTimeout = rtmp.Time("HandshakeTimeout", defaults.HandshakeTimeout),
            CommandTimeout = rtmp.Time("CommandTimeout", defaults.CommandTimeout),
            ReadTimeout = rtmp.Time("ReadTimeout", defaults.ReadTimeout),
            WriteTimeout = rtmp.Time("WriteTimeout", defaults.WriteTimeout),
            Connections = rtmp.Connections(),
            MaxMessageStreams = rtmp.Int32("MaxMessageStreams", defaults.MaxMessageStreams),
            PingInterval = rtmp.Time("PingInterval", defaults.PingInterval),
            ChunkSize = rtmp.Int32("ChunkSize", defaults.ChunkSize),
            WindowAcknowledgementSize = rtmp.Int32("WindowAcknowledgementSize", defaults.WindowAcknowledgementSize),
            AssumedFourCcs = rtmp.Words("AssumedFourCcs", defaults.AssumedFourCcs),
            Limits = ReadLimits(rtmp.Section("Limits"), defaults.Limits),
            Queue = rtmp.Queue(),
        };
    }

    public static RtmpClientOptions ReadClient(SettingsReader client)
    {
        var defaults = new RtmpClientOptions();
        return new RtmpClientOptions
        {
            DialTimeout = client.Time("DialTimeout", defaults.DialTimeout),
            MaxRedirects = client.Int32("MaxRedirects", defaults.MaxRedirects),
            AllowOtherHosts = client.Flag("AllowOtherHosts", defaults.AllowOtherHosts),
            Tls = client.Section("Tls").TlsClient(defaults.Tls),
            HandshakeTimeout = client.Time("HandshakeTimeout", defaults.HandshakeTimeout),
            CommandTimeout = client.Time("CommandTimeout", defaults.CommandTimeout),
            ReadTimeout = client.Time("ReadTimeout", defaults.ReadTimeout),
            WriteTimeout = client.Time("WriteTimeout", defaults.WriteTimeout),
            ChunkSize = client.Int32("ChunkSize", defaults.ChunkSize),
            WindowAcknowledgementSize = client.Int32("WindowAcknowledgementSize", defaults.WindowAcknowledgementSize),
            AssumedFourCcs = client.Words("AssumedFourCcs", defaults.AssumedFourCcs),
            Limits = ReadLimits(client.Section("Limits"), defaults.Limits),
            Queue = client.Queue(),
        };
    }

    private static RtmpLimits ReadLimits(SettingsReader limits, RtmpLimits defaults)
    {
        var options = new RtmpLimits
        {
            MaxMediaMessageBytes = limits.Int32("MaxMediaMessageBytes", defaults.MaxMediaMessageBytes),
            MaxMessageBytes = limits.Int32("MaxMessageBytes", defaults.MaxMessageBytes),
            MaxAssemblyBytes = limits.Int32("MaxAssemblyBytes", defaults.MaxAssemblyBytes),
            MaxChunkStreams = limits.Int32("MaxChunkStreams", defaults.MaxChunkStreams),
            MaxCommandsPerSecond = limits.Int32("MaxCommandsPerSecond", defaults.MaxCommandsPerSecond),
            MaxAmfDepth = limits.Int32("MaxAmfDepth", defaults.MaxAmfDepth),
            MaxAmfValues = limits.Int32("MaxAmfValues", defaults.MaxAmfValues),
            MaxAmfStringBytes = limits.Int32("MaxAmfStringBytes", defaults.MaxAmfStringBytes),
            MaxParameterBytes = limits.Int32("MaxParameterBytes", defaults.MaxParameterBytes),
        };
        limits.RejectUnknown();
        return options;
    }
}
