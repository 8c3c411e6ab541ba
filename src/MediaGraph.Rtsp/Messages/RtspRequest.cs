namespace MediaGraph.Rtsp.Messages;

/// <summary>A request (RFC 2326 §6).</summary>
internal sealed class RtspRequest : RtspMessage
{
    /// <summary>Creates a request.</summary>
    /// <exception cref="ArgumentException">The method is no token, or the address has a blank or control character.</exception>
    public RtspRequest(string method, string uri)
    {
        if (!RtspText.IsToken(method))
            throw new ArgumentException("Not a method.", nameof(method));
        if (!RtspText.IsWord(uri))
            throw new ArgumentException("Not an address.", nameof(uri));
        Method = method;
        Uri = uri;
    }

    /// <summary>One of <see cref="RtspMethods"/>, or another that is answered with 501.</summary>
    public string Method { get; }

    /// <summary>The address as it stands in the request: absolute as a rule, or <c>*</c>; a path for HTTP.</summary>
    public string Uri { get; }

    private protected override string StartLine => $"{Method} {Uri} {Version}";
}
