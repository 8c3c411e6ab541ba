namespace MediaGraph.Transport;

/// <summary>A TLS handshake failed. The message says why, in words for people, and holds no secret.</summary>
public sealed class TlsHandshakeException(string message, Exception? innerException = null) : IOException(message, innerException);
