using MediaGraph.Validation;

namespace MediaGraph.Transport;

/// <summary>How many connections a server takes. What exceeds a limit is closed at once and counted. Each is 1 to 1,000,000.</summary>
public sealed record ConnectionLimits : IValidatedOptions
{
    /// <summary>All connections. Default 10,000: below the descriptors that a service usually has.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>Connections from one address. Default 1,024: a whole office behind one router.</summary>
    public int MaxPerAddress { get; init; } = 1_024;

    /// <summary>
    /// Connections that have not completed their handshake. Default 128: far more than honest newcomers are in their handshake at
    /// once, and what silent connections can hold until their deadline.
    /// </summary>
    public int MaxHalfOpen { get; init; } = 128;

    /// <summary>
    /// Connections from one address that have not completed their handshake. Default 32: a quarter of all, so that the silent
    /// connections of one address leave room for others.
    /// </summary>
    public int MaxHalfOpenPerAddress { get; init; } = 32;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MaxConnections, 1, 1_000_000)
        .Check(MaxPerAddress, 1, 1_000_000)
        .Check(MaxHalfOpen, 1, 1_000_000)
        .Check(MaxHalfOpenPerAddress, 1, 1_000_000);
}
