namespace MediaGraph.Rtsp;

/// <summary>How the media of an address are to come.</summary>
public enum RtspUrlTransport
{
    /// <summary>Interleaved on the RTSP connection.</summary>
    Tcp,

    /// <summary>As datagrams.</summary>
    Udp,

    /// <summary>Interleaved, with the connection tunnelled through HTTP.</summary>
    Http,
}
