using System.Buffers;

namespace MediaGraph.Rtsp.Messages;

/// <summary>What comes off a connection: a message, an interleaved frame, or an error.</summary>
internal readonly struct RtspItem
{
    private RtspItem(RtspMessage? message, RtspReadError? error, byte channel, ReadOnlySequence<byte> payload)
    {
        Message = message;
        Error = error;
        Channel = channel;
        Payload = payload;
    }

    /// <summary>An <see cref="RtspRequest"/> or <see cref="RtspResponse"/>; null for others.</summary>
    public RtspMessage? Message { get; }

    /// <summary>The error; null for others. After one that cannot be continued, reading gives it again.</summary>
    public RtspReadError? Error { get; }

    /// <summary>The frame's channel, 0 to 255.</summary>
    public byte Channel { get; }

    /// <summary>
    /// The frame's payload, 0 to 65,535 bytes: a slice of the input, valid until the input is advanced.
    /// </summary>
    public ReadOnlySequence<byte> Payload { get; }

    /// <summary>Whether this is an interleaved frame (RFC 2326 §10.12).</summary>
    public bool IsInterleaved => Message is null && Error is null;

    public static RtspItem Of(RtspMessage message) => new(message, null, 0, default);

    public static RtspItem Of(RtspReadError error) => new(null, error, 0, default);

    public static RtspItem Interleaved(byte channel, ReadOnlySequence<byte> payload) => new(null, null, channel, payload);
}
