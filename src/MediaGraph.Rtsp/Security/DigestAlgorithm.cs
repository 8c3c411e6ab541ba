namespace MediaGraph.Rtsp.Security;

/// <summary>Hash functions of Digest authentication (RFC 7616 §3.3), the better ones higher.</summary>
internal enum DigestAlgorithm
{
    /// <summary>MD5: all that many devices and players know. Without <c>algorithm</c>, it is meant.</summary>
    Md5,

    /// <summary>SHA-256.</summary>
    Sha256,
}
