namespace MediaGraph.Testing.Tapo;

/// <summary>How a camera of the emulator encrypts its media.</summary>
public enum TapoKeys
{
    /// <summary>With MD5 of nonce and secret.</summary>
    Md5,

    /// <summary>With a key for each connection and a vector for each part, signed.</summary>
    Hkdf,

    /// <summary>Not at all.</summary>
    Plain,
}
