using System.Text.Json;

namespace MediaGraph.Tapo.Control;

/// <summary>The requests that a client makes.</summary>
internal static class ControlRequest
{
    /// <summary>Asks for live media.</summary>
    /// <param name="sequence">The number of the request, which the answer has too.</param>
    /// <param name="channel">The lens.</param>
    /// <param name="resolution">The resolution's name.</param>
    /// <param name="withAudio">False not to take the microphone from others.</param>
    public static byte[] Preview(int sequence, int channel, string resolution, bool withAudio) => Write(sequence, "get", json =>
    {
        json.WriteStartObject("preview");
        json.WriteStartArray("channels");
        json.WriteNumberValue(channel);
        json.WriteEndArray();
        json.WriteStartArray("resolutions");
        json.WriteStringValue(resolution);
        json.WriteEndArray();
        json.WriteStartArray("audio");
        json.WriteStringValue(withAudio ? "default" : "disable");
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Asks for the loudspeaker.</summary>
    public static byte[] Talk(int sequence, TapoTalkMode mode) => Write(sequence, "get", json =>
    {
        json.WriteStartObject("talk");
        json.WriteString("mode", mode == TapoTalkMode.Aec ? "aec" : "half_duplex");
        json.WriteEndObject();
    });

    /// <summary>Ends a session.</summary>
    public static byte[] Stop(int sequence) => Write(sequence, "do", json => json.WriteString("stop", "null"));

    private static byte[] Write(int sequence, string method, Action<Utf8JsonWriter> writeParameters)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("type", "request");
            json.WriteNumber("seq", sequence);
            json.WriteStartObject("params");
            json.WriteString("method", method);
            writeParameters(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
