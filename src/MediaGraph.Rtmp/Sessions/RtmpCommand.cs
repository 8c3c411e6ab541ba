using MediaGraph.Rtmp.Amf;
using MediaGraph.Rtmp.Messages;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>A command message with its values (RTMP 1.0 §7.1.1).</summary>
/// <param name="Name">What is to be done, or <c>_result</c>, <c>_error</c>, <c>onStatus</c>.</param>
/// <param name="Transaction">Its number; 0 for one that wants no answer.</param>
/// <param name="Properties">The first value behind the number: the command object.</param>
/// <param name="Arguments">The values behind that.</param>
/// <param name="StreamId">The message stream.</param>
internal readonly record struct RtmpCommand(
    string Name, double Transaction, AmfValue Properties, IReadOnlyList<AmfValue> Arguments, uint StreamId)
{
    /// <summary>Short, and without anything that could forge a log entry.</summary>
    public string PrintableName =>
        new([.. Name.Take(32).Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '?')]);

    public static RtmpCommand Parse(in RtmpMessage message, AmfLimits limits)
    {
        var reader = new Amf0Reader(message.AmfPayload, limits);
        var name = reader.ReadString();
        var transaction = reader.IsAtEnd ? 0 : reader.ReadNumber();
        var properties = reader.IsAtEnd ? AmfValue.Null : reader.ReadValue();
        var arguments = new List<AmfValue>();
        while (!reader.IsAtEnd)
            arguments.Add(reader.ReadValue());
        return new RtmpCommand(name, transaction, properties, arguments, message.StreamId);
    }

    public AmfValue Argument(int index) => index < Arguments.Count ? Arguments[index] : AmfValue.Undefined;
}
