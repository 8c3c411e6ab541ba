namespace MediaGraph.Graph;

/// <summary>How much of its parent's group a sender is given when it is attached.</summary>
internal enum ReplayRange
{
    /// <summary>From the keyframe on.</summary>
    Group,

    /// <summary>The newest packet: of sound without the pictures whose keyframe began its group.</summary>
    Newest,

    /// <summary>Nothing.</summary>
    None,
}
