namespace MediaGraph.Transport;

/// <summary>How many connections a server takes. What exceeds a limit is closed at once and counted.</summary>
public sealed record ConnectionLimits
{
    /// <summary>All connections. Default 10,000: below the descriptors that a service usually has.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Connections from one address. Default 1,024: a whole office behind one router.</summary>
    public int MaxPerAddress { get; init; } = 1_024;

    /// <summary>
    /// Connections that have not completed their handshake. Default 128: with a deadline of 5 s, 25 newcomers a second get in
    /// even while someone opens silent connections.
    /// </summary>
    public int MaxHalfOpen { get; init; } = 128;
}
