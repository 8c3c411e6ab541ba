using MediaGraph.Sources;

namespace MediaGraph.Relays;

/// <summary>How relays are run.</summary>
public sealed record RelayOptions
{
    /// <summary>
    /// How long a destination may take until it agrees. Default 15 s: 5 s to connect, and the requests after it. Protocols have shorter
    /// limits for each step.
    /// </summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The pause after a first failure; it doubles with each more. Default 0.5 s, 20 % more or less.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest pause. Default 30 s: what viewers of the destination may miss when it has come back.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After how long with media that go out its next pause is the shortest again. Default 10 s.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a relay may connect in a minute, whatever happens. Default 30: more than backing off makes of any failure.
    /// </summary>
    public int MaxSessionsPerMinute { get; init; } = 30;

    /// <summary>Lists what is out of its range.</summary>
    /// <param name="prefix">What precedes the names in the messages.</param>
    public IEnumerable<string> Validate(string prefix = "")
    {
        (string Name, TimeSpan Value, TimeSpan Least)[] times =
        [
            (nameof(ConnectLimit), ConnectLimit, TimeSpan.FromSeconds(1)),
            (nameof(MinBackoff), MinBackoff, TimeSpan.FromMilliseconds(100)),
            (nameof(MaxBackoff), MaxBackoff, MinBackoff),
            (nameof(HealthyAfter), HealthyAfter, TimeSpan.FromSeconds(1)),
        ];
        foreach (var (name, value, least) in times)
        {
            if (value < least || value > TimeSpan.FromDays(1))
                yield return $"{prefix}{name} is {value}; it must be {least} to 1 day.";
        }

        if (MaxSessionsPerMinute is < 1 or > 6000)
            yield return $"{prefix}{nameof(MaxSessionsPerMinute)} is {MaxSessionsPerMinute}; it must be 1 to 6000.";
    }

    internal Backoff CreateBackoff(TimeProvider time, Func<double> random) =>
        new(MinBackoff, MaxBackoff, new Tries(MaxSessionsPerMinute, time), time, random);
}
