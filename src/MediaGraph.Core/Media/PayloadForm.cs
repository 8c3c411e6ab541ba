namespace MediaGraph.Media;

/// <summary>What the payloads of a codec's packets are.</summary>
public enum PayloadForm
{
    /// <summary>A coded frame, as <see cref="Packets.MediaPacket"/> says for its codec.</summary>
    Frame,

    /// <summary>A whole FLV tag body, configuration packets included: a codec that is only passed on from RTMP to RTMP.</summary>
    FlvTag,

    /// <summary>
    /// RTP packets, one behind the other, each with the four bytes in front that RTSP over TCP puts there (RFC 2326 §10.12): a codec that
    /// is only passed on from RTSP to RTSP.
    /// </summary>
    Rtp,
}
