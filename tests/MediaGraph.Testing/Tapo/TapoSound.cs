namespace MediaGraph.Testing.Tapo;

/// <summary>The sound of a camera of the emulator.</summary>
public enum TapoSound
{
    /// <summary>A-law, 8,000 samples a second.</summary>
    Pcma,

    /// <summary>µ-law, 8,000 samples a second.</summary>
    Pcmu,

    /// <summary>µ-law, 16,000 samples a second.</summary>
    Pcmu16,

    /// <summary>None.</summary>
    None,
}
