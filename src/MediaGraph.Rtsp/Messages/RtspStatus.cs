namespace MediaGraph.Rtsp.Messages;

/// <summary>Status codes (RFC 2326 §7.1.1, §11) and their reason phrases.</summary>
internal static class RtspStatus
{
    public const int Ok = 200;
    public const int MovedPermanently = 301;
    public const int MovedTemporarily = 302;
    public const int BadRequest = 400;
    public const int Unauthorized = 401;
    public const int Forbidden = 403;
    public const int NotFound = 404;
    public const int MethodNotAllowed = 405;
    public const int NotAcceptable = 406;
    public const int RequestEntityTooLarge = 413;
    public const int RequestUriTooLarge = 414;
    public const int UnsupportedMediaType = 415;
    public const int InvalidParameter = 451;
    public const int NotEnoughBandwidth = 453;
    public const int SessionNotFound = 454;
    public const int MethodNotValidInThisState = 455;
    public const int InvalidRange = 457;
    public const int AggregateOperationNotAllowed = 459;
    public const int OnlyAggregateOperationAllowed = 460;
    public const int UnsupportedTransport = 461;
    public const int InternalServerError = 500;
    public const int NotImplemented = 501;
    public const int ServiceUnavailable = 503;
    public const int VersionNotSupported = 505;
    public const int OptionNotSupported = 551;

    /// <summary>The reason phrase; the class's for codes that are not known.</summary>
    public static string ReasonOf(int status) => status switch
    {
        Ok => "OK",
        MovedPermanently => "Moved Permanently",
        MovedTemporarily => "Moved Temporarily",
        BadRequest => "Bad Request",
        Unauthorized => "Unauthorized",
        Forbidden => "Forbidden",
        NotFound => "Not Found",
        MethodNotAllowed => "Method Not Allowed",
        NotAcceptable => "Not Acceptable",
        RequestEntityTooLarge => "Request Entity Too Large",
        RequestUriTooLarge => "Request-URI Too Large",
        UnsupportedMediaType => "Unsupported Media Type",
        InvalidParameter => "Invalid Parameter",
        NotEnoughBandwidth => "Not Enough Bandwidth",
        SessionNotFound => "Session Not Found",
        MethodNotValidInThisState => "Method Not Valid In This State",
        InvalidRange => "Invalid Range",
        AggregateOperationNotAllowed => "Aggregate Operation Not Allowed",
        OnlyAggregateOperationAllowed => "Only Aggregate Operation Allowed",
        UnsupportedTransport => "Unsupported Transport",
        InternalServerError => "Internal Server Error",
        NotImplemented => "Not Implemented",
        ServiceUnavailable => "Service Unavailable",
        VersionNotSupported => "RTSP Version Not Supported",
        OptionNotSupported => "Option Not Supported",
        < 200 => "Continue",
        < 300 => "OK",
        < 400 => "Redirection",
        < 500 => "Bad Request",
        _ => "Server Error",
    };
}
