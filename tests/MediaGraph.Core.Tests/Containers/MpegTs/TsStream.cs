using MediaGraph.Containers.MpegTs;
using MediaGraph.Tests.Codecs;

namespace MediaGraph.Tests.Containers.MpegTs;

/// <summary>Makes a transport stream of video and sound.</summary>
internal sealed class TsStream
{
    public static readonly string Idr = "00000001" + "6588AABB";
    public static readonly string Slice = "00000001" + "419ACCDD";
    public static readonly string H264Sets = "00000001" + Vectors.Sps1080 + "00000001" + Vectors.Pps1080;

    private readonly MpegTsWriter _writer;

    public TsStream(byte video = MpegTsStreamType.H264, byte audio = MpegTsStreamType.Pcma) =>
        _writer = new MpegTsWriter(new MpegTsStream(0x44, video), new MpegTsStream(0x45, audio));

    public static string KeyUnit => "0000000109F0" + H264Sets + Idr;

    public byte[] Tables()
    {
        var tables = new byte[MpegTsWriter.TablesLength];
        _writer.WriteTables(tables);
        return tables;
    }

    public byte[] Video(long time, string unit) => Unit(0, time, Convert.FromHexString(unit));

    public byte[] Audio(long time, int samples, byte value = 0xD5)
    {
        var data = new byte[samples];
        data.AsSpan().Fill(value);
        return Unit(1, time, data);
    }

    /// <summary>Says that a unit of one packet has no time; where it was, there are stuffing bytes.</summary>
    public static void RemoveTime(byte[] packet)
    {
        var pes = packet.AsSpan().IndexOf((ReadOnlySpan<byte>)[0, 0, 1, 0xE0]);
        packet[pes + 7] = 0;
        packet.AsSpan(pes + 9, 5).Fill(0xFF);
    }

    public byte[] Unit(int stream, long time, byte[] data)
    {
        var packets = new byte[MpegTsWriter.MeasureUnit(data.Length)];
        var written = _writer.WriteUnit(stream, time, data, packets);
        return packets[..written];
    }
}
