namespace MediaGraph.Rtmp.Messages;

/// <summary>CapsExMask (Enhanced RTMP v2, Enhancing NetConnection connect Command).</summary>
[Flags]
internal enum RtmpCapsEx
{
    None = 0,
    Reconnect = 0x01,
    Multitrack = 0x02,
    ModEx = 0x04,
    TimestampNanoOffset = 0x08,
}
