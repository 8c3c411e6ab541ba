namespace MediaGraph.LoadTest;

/// <summary>How a viewer reads.</summary>
internal enum ViewerKind
{
    /// <summary>All that comes: it may miss nothing.</summary>
    Steady,

    /// <summary>Less than comes while it is measured, and then all.</summary>
    Slow,

    /// <summary>Nothing while it is measured, and then all that comes.</summary>
    Stalled,
}
