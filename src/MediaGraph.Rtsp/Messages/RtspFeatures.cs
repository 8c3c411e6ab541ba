namespace MediaGraph.Rtsp.Messages;

/// <summary>What a request may require of its receiver (RFC 2326 §12.32).</summary>
internal static class RtspFeatures
{
    /// <summary>That the camera's loudspeaker is described too (ONVIF Streaming Specification §5.3).</summary>
    public const string Backchannel = "www.onvif.org/ver20/backchannel";
}
