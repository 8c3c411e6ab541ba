namespace MediaGraph.Rtsp.Rtp;

/// <summary>Takes a frame, and the reference to its buffer.</summary>
internal delegate void RtpFrameHandler(in RtpFrame frame);
