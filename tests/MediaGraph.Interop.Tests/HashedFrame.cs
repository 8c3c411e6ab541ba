namespace MediaGraph.Interop.Tests;

/// <summary>One coded frame of a recording.</summary>
/// <param name="Milliseconds">Presentation time; null where the tool that wrote it knew none.</param>
/// <param name="Hash">Of the payload.</param>
public readonly record struct HashedFrame(double? Milliseconds, string Hash);
