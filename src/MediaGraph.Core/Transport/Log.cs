using Microsoft.Extensions.Logging;

namespace MediaGraph.Transport;

/// <summary>Log events 1100 to 1199.</summary>
internal static partial class Log
{
    [LoggerMessage(1100, LogLevel.Information, "New connections get the TLS certificate {Subject}, valid until {Until:u}")]
    public static partial void CertificateUsed(ILogger logger, string subject, DateTimeOffset until);

    [LoggerMessage(1101, LogLevel.Warning, "New connections get the TLS certificate {Subject}, which is valid from {From:u} to {Until:u} only: clients will refuse it")]
    public static partial void CertificateNotValidNow(ILogger logger, string subject, DateTimeOffset from, DateTimeOffset until);

    [LoggerMessage(1102, LogLevel.Warning, "The TLS certificate was changed to something that cannot be used, the one before stays: {Reason}")]
    public static partial void CertificateNotReplaced(ILogger logger, string reason);
}
