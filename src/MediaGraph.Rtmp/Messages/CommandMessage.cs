using System.Buffers;
using MediaGraph.Rtmp.Amf;

namespace MediaGraph.Rtmp.Messages;

/// <summary>Writes the payloads of AMF0 command messages (RTMP 1.0, section 7.2).</summary>
internal static class CommandMessage
{
    public const string StatusLevel = "status";
    public const string ErrorLevel = "error";

    /// <summary>Writes what every command starts with; its arguments follow.</summary>
    /// <returns>Writes the arguments.</returns>
    public static Amf0Writer WriteStart(IBufferWriter<byte> output, ReadOnlySpan<byte> name, double transactionId)
    {
        var writer = new Amf0Writer(output);
        writer.WriteString(name);
        writer.WriteNumber(transactionId);
        return writer;
    }

    /// <summary>Writes the successful answer to a command.</summary>
    /// <param name="properties">What the command is about; null as a rule.</param>
    /// <param name="result">For createStream the stream's number.</param>
    public static void WriteResult(IBufferWriter<byte> output, double transactionId, AmfValue properties, AmfValue result)
    {
        var writer = WriteStart(output, "_result"u8, transactionId);
        writer.WriteValue(properties);
        writer.WriteValue(result);
    }

    /// <summary>Writes the refusal of a command.</summary>
    public static void WriteError(IBufferWriter<byte> output, double transactionId, string code, string description)
    {
        var writer = WriteStart(output, "_error"u8, transactionId);
        writer.WriteNull();
        WriteInformation(writer, ErrorLevel, code, description);
    }

    /// <summary>Writes the status of a stream.</summary>
    /// <param name="level"><see cref="StatusLevel"/> or <see cref="ErrorLevel"/>.</param>
    /// <param name="code">As <c>NetStream.Play.Start</c>.</param>
    public static void WriteOnStatus(IBufferWriter<byte> output, string level, string code, string description)
    {
        var writer = WriteStart(output, "onStatus"u8, transactionId: 0);
        writer.WriteNull();
        WriteInformation(writer, level, code, description);
    }

    private static void WriteInformation(Amf0Writer writer, string level, string code, string description)
    {
        writer.WriteObjectStart();
        writer.WriteProperty("level"u8, level);
        writer.WriteProperty("code"u8, code);
        writer.WriteProperty("description"u8, description);
        writer.WriteObjectEnd();
    }
}
