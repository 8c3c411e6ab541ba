using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Talk;

namespace MediaGraph.Hosting.Tests;

/// <summary>The speaker of docs/embedding.md.</summary>
internal sealed class Intercom(Func<CancellationToken, ValueTask<Stream>> connect) : ISpeaker
{
    public Track Track { get; } = new(MediaKind.Audio, TrackDirection.ReceiveOnly, [new(MediaKind.Audio, CodecNames.Pcma, 8000, 1)]);

    public async ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken) =>
        new Line(await connect(cancellationToken));            // somebody talks: to throw means that the device cannot

    private sealed class Line(Stream device) : ITalkLine
    {
        public ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken) =>
            device.WriteAsync(packet.Payload, cancellationToken);   // to throw means that the line is broken

        public ValueTask DisposeAsync() => device.DisposeAsync();   // the talk is over
    }
}
