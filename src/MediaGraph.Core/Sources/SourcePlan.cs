using MediaGraph.Graph;

namespace MediaGraph.Sources;

/// <summary>What a source is to do.</summary>
/// <param name="Ask">What is wanted of it; nothing: it is to stand still.</param>
/// <param name="Expires">After how long to look again, as what is wanted changes by the clock alone.</param>
/// <param name="IsRemoved">Whether it is to end for ever.</param>
/// <param name="IsFinished">Whether it stands still because it has brought all that it had.</param>
/// <param name="StopReason">What the viewers are told when it is to stand still.</param>
internal readonly record struct SourcePlan(
    SourceMedia Ask, TimeSpan Expires, bool IsRemoved, bool IsFinished, CloseReason StopReason);
