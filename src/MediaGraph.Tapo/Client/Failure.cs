using MediaGraph.Graph;
using MediaGraph.Sources;

namespace MediaGraph.Tapo.Client;

/// <summary>Ends a session with a reason. None of the texts may hold a secret.</summary>
internal static class Failure
{
    public static SourceException Of(CloseCode code, string text, Exception? inner = null) => new(new CloseReason(code, text), inner);

    /// <summary>The camera sent what cannot be.</summary>
    public static SourceException Malformed(string text) => Of(CloseCode.ProtocolError, text);

    /// <summary>The camera said no.</summary>
    public static SourceException Refused(string text) => Of(CloseCode.Refused, text);
}
