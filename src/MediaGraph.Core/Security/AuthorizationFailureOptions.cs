using MediaGraph.Validation;

namespace MediaGraph.Security;

/// <summary>What makes guessing slow.</summary>
public sealed record AuthorizationFailureOptions : IValidatedOptions
{
    /// <summary>A refusal is answered after a random time of at least this, 0 to 1 day. Default 0.5 s.</summary>
    public TimeSpan MinDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// A refusal is answered after a random time of at most this, not less than the least and 1 day at most. Default 2 s.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Refusals per address and minute, 1 or more; beyond, an address is refused at once, without asking the authorizer. Default 10: a
    /// person mistypes, a program guesses.
    /// </summary>
    public int MaxPerMinute { get; init; } = 10;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(MinDelay, TimeSpan.Zero)
        .Check(MaxDelay, MinDelay)
        .Check(MaxPerMinute, 1);
}
