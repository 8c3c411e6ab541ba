using MediaGraph.Rtsp;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Server;

namespace MediaGraph.Hosting;

/// <summary>The section <c>Rtsp</c>.</summary>
internal static class RtspSettings
{
    public static RtspServerOptions Read(SettingsReader rtsp)
    {
        var defaults = new RtspServerOptions();
        var tlsEndPoint = defaults.TlsEndPoint;
        return new RtspServerOptions
        {
            EndPoint = rtsp.EndPoint("Listen", defaults.EndPoint),
            Tls = rtsp.Tls(ref tlsEndPoint),
            TlsEndPoint = tlsEndPoint,
            EnableUdp = rtsp.Flag("EnableUdp", defaults.EnableUdp),
            UdpPorts = rtsp.PortRange("UdpPorts"),
            EnableHttpTunnel = rtsp.Flag("EnableHttpTunnel", defaults.EnableHttpTunnel),
            HandshakeTimeout = rtsp.Time("HandshakeTimeout", defaults.HandshakeTimeout),
            RequestTimeout = rtsp.Time("RequestTimeout", defaults.RequestTimeout),
            SessionTimeout = rtsp.Time("SessionTimeout", defaults.SessionTimeout),
            WriteTimeout = rtsp.Time("WriteTimeout", defaults.WriteTimeout),
            PublisherTimeout = rtsp.Time("PublisherTimeout", defaults.PublisherTimeout),
            ReportInterval = rtsp.Time("ReportInterval", defaults.ReportInterval),
            Connections = rtsp.Connections(),
            MaxRequestsPerSecond = rtsp.Int32("MaxRequestsPerSecond", defaults.MaxRequestsPerSecond),
            MaxSetups = rtsp.Int32("MaxSetups", defaults.MaxSetups),
            Authentication = ReadAuthentication(rtsp.Section("Authentication"), defaults.Authentication),
            Limits = ReadLimits(rtsp.Section("Limits"), defaults.Limits),
            Queue = rtsp.Queue(),
        };
    }

    public static RtspClientOptions ReadClient(SettingsReader client)
    {
        var defaults = new RtspClientOptions();
        return new RtspClientOptions
        {
            DialTimeout = client.Time("DialTimeout", defaults.DialTimeout),
            RequestTimeout = client.Time("RequestTimeout", defaults.RequestTimeout),
            MediaTimeout = client.Time("MediaTimeout", defaults.MediaTimeout),
            WriteTimeout = client.Time("WriteTimeout", defaults.WriteTimeout),
            MaxRedirects = client.Int32("MaxRedirects", defaults.MaxRedirects),
            AllowOtherHosts = client.Flag("AllowOtherHosts", defaults.AllowOtherHosts),
            AllowBasicWithoutTls = client.Flag("AllowBasicWithoutTls", defaults.AllowBasicWithoutTls),
            Transport = client.Text("Transport") is null ? null : client.Choice("Transport", RtspUrlTransport.Tcp),
            UdpTimeout = client.Time("UdpTimeout", defaults.UdpTimeout),
            UdpPorts = client.PortRange("UdpPorts"),
            Talk = client.Flag("Talk", defaults.Talk),
            UserAgent = client.Text("UserAgent") ?? defaults.UserAgent,
            Tls = client.Section("Tls").TlsClient(defaults.Tls),
            Limits = ReadLimits(client.Section("Limits"), defaults.Limits),
            Queue = client.Queue(),
        };
    }

    private static RtspAuthenticationOptions ReadAuthentication(SettingsReader authentication, RtspAuthenticationOptions defaults)
    {
        var options = new RtspAuthenticationOptions
        {
            Realm = authentication.Text("Realm") ?? defaults.Realm,
            OfferDigest = authentication.Flag("OfferDigest", defaults.OfferDigest),
            AllowBasicWithoutTls = authentication.Flag("AllowBasicWithoutTls", defaults.AllowBasicWithoutTls),
            NonceLifetime = authentication.Time("NonceLifetime", defaults.NonceLifetime),
            MaxNonces = authentication.Int32("MaxNonces", defaults.MaxNonces),
        };
        authentication.RejectUnknown();
        return options;
    }

    private static RtspLimits ReadLimits(SettingsReader limits, RtspLimits defaults)
    {
        var options = new RtspLimits
        {
            MaxLineBytes = limits.Int32("MaxLineBytes", defaults.MaxLineBytes),
            MaxHeaders = limits.Int32("MaxHeaders", defaults.MaxHeaders),
            MaxHeaderBytes = limits.Int32("MaxHeaderBytes", defaults.MaxHeaderBytes),
            MaxBodyBytes = limits.Int32("MaxBodyBytes", defaults.MaxBodyBytes),
            MaxGarbageBytes = limits.Int32("MaxGarbageBytes", defaults.MaxGarbageBytes),
            MaxDescriptionBytes = limits.Int32("MaxDescriptionBytes", defaults.MaxDescriptionBytes),
            MaxMedias = limits.Int32("MaxMedias", defaults.MaxMedias),
        };
        limits.RejectUnknown();
        return options;
    }
}
