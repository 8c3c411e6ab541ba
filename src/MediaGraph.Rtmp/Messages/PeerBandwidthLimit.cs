namespace MediaGraph.Rtmp.Messages;

/// <summary>How a Set Peer Bandwidth message is meant (RTMP 1.0, section 5.4.5).</summary>
internal enum PeerBandwidthLimit : byte
{
    Hard = 0,
    Soft = 1,
    Dynamic = 2,
}
