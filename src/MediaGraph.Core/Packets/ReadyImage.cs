namespace MediaGraph.Packets;

/// <summary>An image that was there before its packet: the form in which the packet came, for whoever can pass that on.</summary>
/// <param name="Buffer">The image is at its start. Its one reference passes to the packet.</param>
/// <param name="Length">The image's length in bytes.</param>
/// <param name="Format">What it is found by, with <see cref="MediaPacket.TryGetImage"/>.</param>
public readonly record struct ReadyImage(PooledBuffer Buffer, int Length, ImageFormat Format);
