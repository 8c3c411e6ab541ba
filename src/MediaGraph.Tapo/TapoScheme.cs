namespace MediaGraph.Tapo;

/// <summary>The kinds of cameras, each with a scheme of its own.</summary>
internal enum TapoScheme
{
    /// <summary><c>tapo</c>: Tapo cameras and hubs.</summary>
    Tapo,

    /// <summary><c>vigi</c>: VIGI cameras, which encode their password in another way.</summary>
    Vigi,

    /// <summary><c>kasa</c>: Kasa cameras, which speak another protocol, and take no sound.</summary>
    Kasa,
}
