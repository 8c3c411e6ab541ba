using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Rtp;

namespace MediaGraph.Rtsp.Tests.Rtp;

/// <summary>A packetizer that is fed frames by hand, and what it makes of them.</summary>
internal sealed class PacketizerBench : IDisposable
{
    private readonly PacketPool _pool = new();
    private readonly RtpRun _run;

    public PacketizerBench(Func<RtpSenderOptions, Packetizer> make, int maxPacketLength = 1400, int clockRate = 90_000)
    {
        _run = new RtpRun(_pool);
        Packetizer = make(new RtpSenderOptions
        {
            Ssrc = 1,
            PayloadType = 96,
            ClockRate = clockRate,
            FirstSequenceNumber = 65_535,
            FirstTimestamp = 100,
            MaxPacketLength = maxPacketLength,
        });
    }

    public Packetizer Packetizer { get; }

    /// <summary>The packets of a frame: sequence number, timestamp, marker, and the payload in upper-case hex.</summary>
    public IReadOnlyList<(int Sequence, uint Timestamp, bool Marker, string Payload)> Cut(
        string frame, Codec codec, bool isKeyframe = true, long decodeTime = 0, long presentationTime = 0)
    {
        var packet = _pool.CreatePacket(
            Vectors.Hex(frame), codec, decodeTime, presentationTime, isKeyframe ? PacketFlags.Keyframe : PacketFlags.None);
        Packetizer.Packetize(packet, _run);
        packet.Release();
        var packets = new List<(int, uint, bool, string)>();
        for (var i = 0; i < _run.Count; i++)
        {
            if (!RtpHeader.TryParse(_run[i], out var header, out var payload))
                throw new InvalidOperationException("Not RTP.");
            packets.Add((header.SequenceNumber, header.Timestamp, header.Marker, Convert.ToHexString(payload)));
        }

        return packets;
    }

    public void Dispose()
    {
        _run.Dispose();
        if (_pool.GetStatistics().OutstandingBuffers != 0)
            throw new InvalidOperationException($"A buffer is left.\n{_pool.DescribeOutstanding()}");
    }
}
