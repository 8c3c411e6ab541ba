using MediaGraph.Sources;
using MediaGraph.Validation;

namespace MediaGraph.Relays;

/// <summary>How relays are run. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record RelayOptions : IValidatedOptions
{
    /// <summary>
    /// How long a destination may take until it agrees. Default 15 s: 5 s to connect, and the requests after it. Protocols have shorter
    /// limits for each step.
    /// </summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The pause after a first failure; it doubles with each more. Default 0.5 s, 20 % more or less; 100 ms or more.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The longest pause, not less than the shortest. Default 30 s: what viewers of the destination may miss when it has come back.
    /// </summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After how long with media that go out its next pause is the shortest again. Default 10 s.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a relay may connect in a minute, whatever happens, 1 to 6,000. Default 30: more than backing off makes of any failure.
    /// </summary>
    public int MaxSessionsPerMinute { get; init; } = 30;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(ConnectLimit)
        .Check(MinBackoff, TimeSpan.FromMilliseconds(100))
        .Check(MaxBackoff, MinBackoff)
        .Check(HealthyAfter)
        .Check(MaxSessionsPerMinute, 1, 6000);

    internal Backoff CreateBackoff(TimeProvider time, Func<double> random) =>
        new(MinBackoff, MaxBackoff, new Tries(MaxSessionsPerMinute, time), time, random);
}
