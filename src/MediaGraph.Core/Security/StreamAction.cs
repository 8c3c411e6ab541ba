namespace MediaGraph.Security;

/// <summary>What a peer wants to do with a stream. A right to one is no right to another.</summary>
public enum StreamAction
{
    /// <summary>Feed it.</summary>
    Publish,

    /// <summary>Be fed by it.</summary>
    Play,

    /// <summary>Speak through its source's loudspeaker.</summary>
    Talk,
}
