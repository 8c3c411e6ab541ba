namespace MediaGraph.Rtsp.Messages;

/// <summary>Header fields (RFC 2326 §12).</summary>
internal static class RtspHeaderNames
{
    public const string Accept = "Accept";
    public const string Authorization = "Authorization";
    public const string CacheControl = "Cache-Control";
    public const string Connection = "Connection";
    public const string ContentBase = "Content-Base";
    public const string ContentLength = "Content-Length";
    public const string ContentLocation = "Content-Location";
    public const string ContentType = "Content-Type";
    public const string CSeq = "CSeq";
    public const string Location = "Location";
    public const string Public = "Public";
    public const string Range = "Range";
    public const string Require = "Require";
    public const string RetryAfter = "Retry-After";
    public const string RtpInfo = "RTP-Info";
    public const string Server = "Server";
    public const string Session = "Session";
    public const string Transport = "Transport";
    public const string Unsupported = "Unsupported";
    public const string UserAgent = "User-Agent";
    public const string WwwAuthenticate = "WWW-Authenticate";

    /// <summary>What binds the two connections of an HTTP tunnel to each other.</summary>
    public const string SessionCookie = "x-sessioncookie";
}
