using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Security;
using MediaGraph.Transport;

namespace MediaGraph.Hosting;

/// <summary>Sections that more than one other section has.</summary>
internal static class SharedSections
{
    /// <summary>Reads the section <c>Queue</c>.</summary>
    /// <param name="parent">The section that has it.</param>
    /// <param name="isSent">Whether what it bounds is sent to a peer.</param>
    public static PacketQueueOptions Queue(this SettingsReader parent, bool isSent = true)
    {
        var defaults = new PacketQueueOptions();
        var queue = parent.Section("Queue");
        var options = new PacketQueueOptions
        {
            MaxBytes = queue.Int64("MaxBytes", defaults.MaxBytes),
            MaxPackets = queue.Int32("MaxPackets", defaults.MaxPackets),
            MaxAge = queue.Time("MaxAge", defaults.MaxAge),
            OnOverflow = queue.Choice("OnOverflow", defaults.OnOverflow),
        };
        if (isSent)
        {
            options = options with
            {
                MaxReplyBytes = queue.Int32("MaxReplyBytes", defaults.MaxReplyBytes),
                MaxInPlaceBytes = queue.Int32("MaxInPlaceBytes", defaults.MaxInPlaceBytes),
            };
        }

        queue.RejectUnknown();
        return options;
    }

    /// <summary>Reads the section <c>Connections</c>.</summary>
    public static ConnectionLimits Connections(this SettingsReader parent)
    {
        var defaults = new ConnectionLimits();
        var connections = parent.Section("Connections");
        var limits = new ConnectionLimits
        {
            MaxConnections = connections.Int32("MaxConnections", defaults.MaxConnections),
            MaxPerAddress = connections.Int32("MaxPerAddress", defaults.MaxPerAddress),
            MaxHalfOpen = connections.Int32("MaxHalfOpen", defaults.MaxHalfOpen),
            MaxHalfOpenPerAddress = connections.Int32("MaxHalfOpenPerAddress", defaults.MaxHalfOpenPerAddress),
        };
        connections.RejectUnknown();
        return limits;
    }

    /// <summary>Reads whom a client trusts. A file of certificates to trust has them in PEM.</summary>
    public static TlsClientOptions TlsClient(this SettingsReader tls, TlsClientOptions defaults)
    {
        var options = new TlsClientOptions
        {
            TargetHost = tls.Text("TargetHost"),
            TrustedCertificates = tls.Certificates("TrustedFile"),
            AllowUntrusted = tls.Flag("AllowUntrusted", defaults.AllowUntrusted),
        };
        if (options.TrustedCertificates.Count > 0 && tls.Text("AllowUntrusted") is null)
            options = options with { AllowUntrusted = false }; // who says whom to trust means nobody else
        tls.RejectUnknown();
        return options;
    }

    /// <summary>Reads the section <c>Tls</c>, which also says where that listener is.</summary>
    /// <param name="parent">The section that has it.</param>
    /// <param name="endPoint">Where to listen; on return, what is set instead.</param>
    /// <returns>The certificate; null when nothing is set.</returns>
    public static TlsServerOptions? Tls(this SettingsReader parent, ref IPEndPoint endPoint)
    {
        var tls = parent.Section("Tls");
        endPoint = tls.EndPoint("Listen", endPoint);
        if (!tls.IsSet)
            return null;
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
}
