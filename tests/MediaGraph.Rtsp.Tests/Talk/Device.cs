using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Talk;

namespace MediaGraph.Rtsp.Tests.Talk;

/// <summary>A loudspeaker that writes down what it is told.</summary>
internal sealed class Device(params Codec[] codecs) : ISpeaker
{
    private readonly Lock _heardLock = new(); // guards the fields below
    private readonly List<(byte[] Payload, TimeSpan Time)> _heard = [];
    private readonly List<string> _lines = [];
    private int _openLines;

    public static Codec Pcma { get; } = new(MediaKind.Audio, CodecNames.Pcma, 8000, 1);

    public static Codec Pcmu { get; } = new(MediaKind.Audio, CodecNames.Pcmu, 8000, 1);

    public static Codec Opus { get; } = new(MediaKind.Audio, CodecNames.Opus, 48_000, 2);

    public Track Track { get; } = new(MediaKind.Audio, TrackDirection.ReceiveOnly, codecs is [] ? [Pcma, Pcmu] : [.. codecs]);

    /// <summary>The codecs of the lines that were opened.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_heardLock)
                return [.. _lines];
        }
    }

    public int OpenLines
    {
        get
        {
            lock (_heardLock)
                return _openLines;
        }
    }

    public IReadOnlyList<(byte[] Payload, TimeSpan Time)> Heard
    {
        get
        {
            lock (_heardLock)
                return [.. _heard];
        }
    }

    /// <summary>The first byte of each packet.</summary>
    public IReadOnlyList<int> Numbers => [.. Heard.Select(packet => (int)packet.Payload[0])];

    public ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
    {
        lock (_heardLock)
        {
            _lines.Add(codec.Name);
            _openLines++;
        }

        return new ValueTask<ITalkLine>(new Line(this));
    }

    private sealed class Line(Device device) : ITalkLine
    {
        public ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
        {
            lock (device._heardLock)
                device._heard.Add((packet.Payload.ToArray(), MediaTime.ToTimeSpan(packet.PresentationTime, packet.Codec.ClockRate)));
            return default;
        }

        public ValueTask DisposeAsync()
        {
            lock (device._heardLock)
                device._openLines--;
            return default;
        }
    }
}
