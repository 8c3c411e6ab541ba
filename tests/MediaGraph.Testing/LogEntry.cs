using Microsoft.Extensions.Logging;

namespace MediaGraph.Testing;

/// <summary>One entry of a <see cref="TestLog"/>.</summary>
public sealed record LogEntry(
    DateTimeOffset Time, LogLevel Level, string Category, EventId Event, string Message, Exception? Exception)
{
    public override string ToString() =>
        $"{Time:HH:mm:ss.fff} {Level,-11} {Category}[{Event.Id}] {Message}{(Exception is null ? "" : Environment.NewLine + Exception)}";
}
