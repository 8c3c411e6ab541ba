namespace MediaGraph.Containers.Flv;

/// <summary>VideoPacketType and AudioPacketType (Enhanced RTMP v2), which share some of their values.</summary>
internal static class FlvPacketType
{
    public const int SequenceStart = 0;
    public const int CodedFrames = 1;
    public const int SequenceEnd = 2;
    public const int CodedFramesX = 3; // video
    public const int Metadata = 4; // video
    public const int MultichannelConfig = 4; // audio
    public const int Mpeg2TsSequenceStart = 5; // video
    public const int AudioMultitrack = 5;
    public const int VideoMultitrack = 6;
    public const int ModEx = 7;
}
