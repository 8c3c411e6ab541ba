using System.Text.Json;

namespace MediaGraph.Diagnostics;

/// <summary>Tags of measurements, all of one form.</summary>
public static class MetricTag
{
    /// <summary>A tag whose value is one of a closed set, in lower case with underscores: <c>connection_lost</c>.</summary>
    /// <param name="name">The tag's name: <c>code</c> for a <see cref="Graph.CloseCode"/>.</param>
    /// <param name="value">Its value.</param>
    public static KeyValuePair<string, object?> Of<T>(string name, T value)
        where T : struct, Enum => new(name, JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));
}
