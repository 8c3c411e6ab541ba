namespace MediaGraph.Sources;

/// <summary>What a source is doing.</summary>
public enum SourceState
{
    /// <summary>Nobody wants it.</summary>
    Idle,

    /// <summary>It connects.</summary>
    Connecting,

    /// <summary>It feeds the stream, or stands by to do so.</summary>
    Live,

    /// <summary>It ends its session.</summary>
    Stopping,

    /// <summary>It failed, and will be tried again.</summary>
    BackingOff,

    /// <summary>It has brought all that it had, and is run again when somebody asks for it anew.</summary>
    Finished,

    /// <summary>It did not end when it was told to; it is not run again before it has.</summary>
    Stuck,

    /// <summary>The stream is gone, or has other sources now.</summary>
    Removed,
}
