using MediaGraph.Containers.Flv;
using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>What comes in and needs no waiting: control messages, media, metadata.</summary>
internal abstract partial class RtmpSession
{
    private const int MaxAggregateParts = 1024;

    private uint _acknowledgedByPeer;

    // True when the message was dealt with and its buffer given on or back; false leaves it to the commands.
    private bool TryHandle(in RtmpMessage message)
    {
        switch (message.Type)
        {
            case RtmpMessageType.CommandAmf0 or RtmpMessageType.CommandAmf3:
                return false;
            case RtmpMessageType.Audio or RtmpMessageType.Video when FindPublisher(message.StreamId) is { } stream:
                stream.Writer!.Write(
                    (FlvTagType)message.Type, stream.Timestamps.Unwrap(message.Timestamp), message.Buffer, 0, message.Length);
                return true;
        }

        try
        {
            switch (message.Type)
            {
                case RtmpMessageType.DataAmf0 or RtmpMessageType.DataAmf3:
                    HandleData(message.StreamId, message.Timestamp, message.AmfPayload);
                    break;
                case RtmpMessageType.Aggregate:
                    HandleAggregate(message);
                    break;
                case RtmpMessageType.Acknowledgement:
                    HandleAcknowledgement(ControlMessage.ReadUInt32(message.Payload));
                    break;
                case RtmpMessageType.UserControl:
                    HandleUserControl(message.Payload);
                    break;
                case RtmpMessageType.WindowAcknowledgementSize:
                    _acknowledgementWindow = Math.Max(1, ControlMessage.ReadUInt32(message.Payload));
                    break;
                case RtmpMessageType.SetPeerBandwidth:
                    HandleSetPeerBandwidth(ControlMessage.ReadUInt32(message.Payload));
                    break;
                default:
                    break; // media that nobody asked for; types that nobody knows
            }
        }
        finally
        {
            message.Buffer.Release();
        }

        return true;
    }

    private RtmpStream? FindPublisher(uint streamId) =>
        FindStream(streamId) is { } stream && (stream.Writer is not null || TryBeginFeed(streamId)) ? stream : null;

    private void HandleUserControl(ReadOnlySpan<byte> payload)
    {
        var (type, value) = ControlMessage.ReadUserControl(payload);
        if (type == UserControlEvent.PingRequest)
            Send(output => ControlMessage.WritePingResponse(output, value));
        else if (type is UserControlEvent.StreamBegin or UserControlEvent.StreamEof or UserControlEvent.StreamDry)
            OnStreamEvent(type, value);
    }

    // A slow player is not a stalled one: it takes 64 KiB in more than the write timeout, perhaps, but it says so.
    private void HandleAcknowledgement(uint bytes)
    {
        if (bytes == _acknowledgedByPeer)
            return;
        _acknowledgedByPeer = bytes;
        Writer.NoteProgress();
    }

    // The peer limits how much is sent unacknowledged; it is told of the new window (RTMP 1.0 §5.4.5). The queue bounds the rest.
    private void HandleSetPeerBandwidth(uint window)
    {
        if (window == AnnouncedWindow)
            return;
        AnnouncedWindow = window;
        Send(output => ControlMessage.WriteWindowAcknowledgementSize(output, window));
    }

    private void HandleAggregate(in RtmpMessage message)
    {
        if (FindPublisher(message.StreamId) is not { } stream)
            return;
        var parts = new AggregateReader(message.Payload, message.Timestamp);
        for (var count = 0; !_closing.IsCancellationRequested && parts.TryRead(out var part);)
        {
            if (++count > MaxAggregateParts)
                throw new LimitException("too many messages in an aggregate");
            if (part.Type is RtmpMessageType.DataAmf0 or RtmpMessageType.DataAmf3)
            {
                var values = message.Payload.Slice(part.Offset, part.Length);
                HandleData(stream.Id, part.Timestamp, part.Type == RtmpMessageType.DataAmf3 && values is [0, ..] ? values[1..] : values);
                continue;
            }

            message.Buffer.Retain();
            if (!stream.Writer!.Write(
                (FlvTagType)part.Type, stream.Timestamps.Unwrap(part.Timestamp), message.Buffer, part.Offset, part.Length))
                return;
        }
    }

    // "@setDataFrame" says that the server keeps what follows for late joiners; "onMetaData" is kept with it or without it.
    private void HandleData(uint streamId, uint timestamp, ReadOnlySpan<byte> values)
    {
        if (FindStream(streamId) is not { Writer: not null } stream || values.IsEmpty)
            return; // data alone begins no stream
        var reader = new Amf0Reader(values, _amfLimits);
        if (reader.PeekMarker() != AmfMarker.String)
            return;
        var name = reader.ReadUtf8String();
        if (name.SequenceEqual("@clearDataFrame"u8) || name is [(byte)'|', ..] || name.SequenceEqual("onStatus"u8)
            || name.SequenceEqual("onPlayStatus"u8))
            return; // not of the stream, but said to whoever plays it
        if (name.SequenceEqual("@setDataFrame"u8))
            values = values[reader.Position..];
        while (!reader.IsAtEnd)
            reader.SkipValue(); // what is malformed goes no further

        var body = Hub.Pool.Rent(values.Length);
        values.CopyTo(body.Span);
        stream.Writer!.Write(FlvTagType.Script, stream.Timestamps.Unwrap(timestamp), body, 0, values.Length);
    }
}
