using System.Buffers;
using System.Text.Json;
using MediaGraph.Tapo.Client;

namespace MediaGraph.Tapo.Control;

/// <summary>What a camera says: the answer to a request, or a notice.</summary>
internal sealed record ControlMessage
{
    private const int MaxBytes = 64 << 10; // real ones have some hundred
    private const int MaxSessionLength = 32;

    /// <summary>The number of the request that this is the answer to; null for a notice.</summary>
    public int? Answers { get; private init; }

    /// <summary>Of an answer: 0 for yes.</summary>
    public int ErrorCode { get; private init; }

    /// <summary>Of an answer: the session's number; null where there is none.</summary>
    public string? Session { get; private init; }

    /// <summary>Whether it says that the stream has ended.</summary>
    public bool IsFinished { get; private init; }

    /// <summary>Reads a message.</summary>
    /// <exception cref="Sources.SourceException">It is none.</exception>
    public static ControlMessage Parse(ReadOnlySequence<byte> body)
    {
        if (body.Length > MaxBytes)
            throw Failure.Malformed("the camera sent a message that is too long");
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw Failure.Malformed("the camera sent a message that is none");
            var parameters = Get(root, "params");
            var isAnswer = Text(Get(root, "type")) == "response" && Number(Get(root, "seq")) is not null;
            return new ControlMessage
            {
                Answers = isAnswer ? Number(Get(root, "seq")) : null,
                ErrorCode = Number(Get(parameters, "error_code")) ?? 0,
                Session = SessionOf(Get(parameters, "session_id")),
                IsFinished = Text(Get(parameters, "event_type")) == "stream_status" && Text(Get(parameters, "status")) == "finished",
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter for text that is no UTF-8.
            throw Failure.Malformed("the camera sent a message that is none");
        }
    }

    private static JsonElement Get(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static string? Text(JsonElement element) => element.ValueKind == JsonValueKind.String ? element.GetString() : null;

    private static int? Number(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var number) ? number : null;

    // Digits, or a number. It goes back in a header.
    private static string? SessionOf(JsonElement element)
    {
        var text = element.ValueKind == JsonValueKind.Number ? element.GetRawText() : Text(element);
        return text is { Length: > 0 and <= MaxSessionLength } && text.All(char.IsAsciiLetterOrDigit) ? text : null;
    }
}
