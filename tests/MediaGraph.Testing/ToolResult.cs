namespace MediaGraph.Testing;

/// <summary>How an external tool ended. A tool that was killed has a non-zero exit code.</summary>
/// <param name="ExitCode">The process's exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record ToolResult(int ExitCode, string Output, string Error);
