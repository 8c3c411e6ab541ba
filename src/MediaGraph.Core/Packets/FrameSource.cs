namespace MediaGraph.Packets;

/// <summary>
/// How a packet's frame is made of what the packet holds: its stored bytes are the form in which the frame came, and the frame itself is an
/// image of them, made when somebody asks for it.
/// </summary>
/// <param name="Format">Makes the frame of <see cref="MediaPacket.Stored"/>. One instance for all packets of a kind.</param>
/// <param name="FrameLength">The frame's length in bytes.</param>
public readonly record struct FrameSource(ImageFormat Format, int FrameLength);
