using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>
/// Collects what the code under test logs. On dispose it writes the last entries to the test's output, which the runner shows when the
/// test has failed. Thread-safe.
/// </summary>
public sealed class TestLog : ILoggerFactory
{
    private const int MaxWritten = 500;

    private readonly Lock _entriesLock = new();
    private readonly List<LogEntry> _entries = [];
    private readonly TextWriter _output = TestContext.Out; // the test's own: dispose may run on another thread
    private bool _disposed;

    /// <summary>What was logged so far, oldest first.</summary>
    public IReadOnlyList<LogEntry> Entries
    {
        get
        {
            lock (_entriesLock)
                return [.. _entries];
        }
    }

    /// <summary>The entries of one event.</summary>
    public IReadOnlyList<LogEntry> Of(int eventId) => [.. Entries.Where(entry => entry.Event.Id == eventId)];

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("A test log has no providers.");

    public void Dispose()
    {
        lock (_entriesLock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        var entries = Entries;
        if (entries.Count > MaxWritten)
            _output.WriteLine($"… {entries.Count - MaxWritten} log entries before these");
        foreach (var entry in entries.TakeLast(MaxWritten))
            _output.WriteLine(entry);
    }

    private sealed class Logger(TestLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var entry = new LogEntry(TimeProvider.System.GetUtcNow(), logLevel, category, eventId, formatter(state, exception), exception);
            lock (log._entriesLock)
                log._entries.Add(entry);
        }
    }
}
