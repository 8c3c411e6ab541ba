namespace MediaGraph.Rtsp.Sdp;

/// <summary>The direction attribute (RFC 8866 §6.7), as it is written; whose view it is differs, see <see cref="SdpSession"/>.</summary>
internal enum SdpDirection
{
    /// <summary>Nothing is said.</summary>
    None,

    /// <summary><c>a=sendrecv</c>.</summary>
    SendReceive,

    /// <summary><c>a=sendonly</c>.</summary>
    SendOnly,

    /// <summary><c>a=recvonly</c>.</summary>
    ReceiveOnly,

    /// <summary><c>a=inactive</c>.</summary>
    Inactive,
}
