namespace MediaGraph.Rtsp.Messages;

/// <summary>Methods (RFC 2326 §10), and those of HTTP that open a tunnel. Their letters' case counts.</summary>
internal static class RtspMethods
{
    public const string Options = "OPTIONS";
    public const string Describe = "DESCRIBE";
    public const string Announce = "ANNOUNCE";
    public const string Setup = "SETUP";
    public const string Play = "PLAY";
    public const string Pause = "PAUSE";
    public const string Record = "RECORD";
    public const string GetParameter = "GET_PARAMETER";
    public const string SetParameter = "SET_PARAMETER";
    public const string Redirect = "REDIRECT";
    public const string Teardown = "TEARDOWN";

    public const string HttpGet = "GET";
    public const string HttpPost = "POST";
}
