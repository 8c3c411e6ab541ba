using System.Globalization;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>A message that a test client received.</summary>
internal sealed record ReceivedMessage(RtmpMessageType Type, uint Timestamp, uint StreamId, int ChunkStreamId, byte[] Payload)
{
    public bool IsCommand => Type == RtmpMessageType.CommandAmf0;

    public bool IsMedia => Type is RtmpMessageType.Audio or RtmpMessageType.Video;

    /// <summary>Video or audio parameters of H264 and AAC.</summary>
    public bool IsSequenceHeader => (Type == RtmpMessageType.Video && Payload is [0x17, 0, ..])
        || (Type == RtmpMessageType.Audio && Payload is [0xAF, 0, ..]);

    public string Name => IsCommand || Type == RtmpMessageType.DataAmf0 ? Values[0].AsString ?? "" : "";

    /// <summary>The code of a status, a result or an error; empty where there is none.</summary>
    public string Code => IsCommand && Values is [_, _, _, { AsObject: { } information }, ..]
        ? information["code"].AsString ?? ""
        : "";

    public IReadOnlyList<AmfValue> Values
    {
        get
        {
            var reader = new Amf0Reader(Payload);
            var values = new List<AmfValue>();
            while (!reader.IsAtEnd)
                values.Add(reader.ReadValue());
            return values;
        }
    }

    /// <summary>As golden lists write it: the message stream, what it is, and what it says.</summary>
    public override string ToString() => Type switch
    {
        RtmpMessageType.CommandAmf0 when Name == "onStatus" => $"{StreamId} {Values[3].AsObject!["level"]} {Code}",
        RtmpMessageType.CommandAmf0 when Name == "_result" && Code == "" =>
            $"{StreamId} _result {Values[1]} {string.Join(' ', Values.Skip(3))}",
        RtmpMessageType.CommandAmf0 => $"{StreamId} {Name} {Values[1]} {Code}",
        RtmpMessageType.DataAmf0 => $"{StreamId} data {Name}",
        RtmpMessageType.UserControl => $"{StreamId} {(UserControlEvent)Payload[1]} {ControlMessage.ReadUserControl(Payload).Value}",
        RtmpMessageType.Audio or RtmpMessageType.Video => string.Create(
            CultureInfo.InvariantCulture,
            $"{StreamId} {Type} {Timestamp} {Convert.ToHexString(Payload.AsSpan(0, Math.Min(6, Payload.Length)))}"),
        _ when Payload.Length >= 4 => $"{StreamId} {Type} {ControlMessage.ReadUInt32(Payload)}",
        _ => $"{StreamId} {Type}",
    };
}
