namespace MediaGraph.Rtsp.Transport;

/// <summary>Takes a datagram, which is borrowed.</summary>
internal delegate void UdpHandler(ReadOnlySpan<byte> datagram);
