namespace MediaGraph.Sources;

/// <summary>What several sources of one stream are to each other.</summary>
public enum SourceMode
{
    /// <summary>
    /// Each brings what those before it do not have: pictures from the first that has some, sound from the first that has some, and so the
    /// loudspeaker. A source that has failed before it told what it has leaves everything to the next ones until then.
    /// </summary>
    Complementary,

    /// <summary>The next one takes over when one fails, and gives back when that has been healthy again for some time.</summary>
    Fallback,
}
