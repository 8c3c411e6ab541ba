using System.Text.Json;

namespace MediaGraph.LoadTest;

/// <summary>Reports as JSON.</summary>
internal static class ReportFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
    };

    public static string Write(LoadReport report) => JsonSerializer.Serialize(report, Format);

    /// <exception cref="InvalidDataException">The text is not what <see cref="Write"/> makes.</exception>
    public static LoadReport Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<LoadReport>(text, Format) ?? throw new InvalidDataException("There is no report.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"This is no report of a run: {e.Message}", e);
        }
    }
}
