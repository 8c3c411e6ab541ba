namespace MediaGraph.Security;

/// <summary>What makes guessing slow.</summary>
public sealed record AuthorizationFailureOptions
{
    /// <summary>A refusal is answered after a random time of at least this. Default 0.5 s.</summary>
    public TimeSpan MinDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>A refusal is answered after a random time of at most this. Default 2 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Refusals per address and minute; beyond, an address is refused at once, without asking the authorizer. Default 10: a person
    /// mistypes, a program guesses.
    /// </summary>
    public int MaxPerMinute { get; init; } = 10;
}
