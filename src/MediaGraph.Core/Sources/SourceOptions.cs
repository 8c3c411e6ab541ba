using MediaGraph.Validation;

namespace MediaGraph.Sources;

/// <summary>How the sources of streams are run. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record SourceOptions : IValidatedOptions
{
    /// <summary>
    /// How long a source goes on when the last one who wanted it has left. Default 5 s: a page that is loaded again, or a viewer that
    /// changes its protocol, finds it running. Zero stops it at once; at most 1 day.
    /// </summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a source may take until it publishes. Default 15 s: 5 s to connect, and a request or two that battery models answer after
    /// seconds. Protocols have shorter limits for each step.
    /// </summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// After how long without a packet of a track that had some, or of any track, a source is restarted. Default 10 s: cameras send
    /// several packets in each second.
    /// </summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The pause after a first failure; it doubles with each more. Default 0.5 s, 20 % more or less; 100 ms or more.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The longest pause, not less than the shortest. Default 30 s: a camera that comes back is found before anybody looks for it.
    /// </summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After how long with media a source counts as healthy: its next pause is the shortest again, and with
    /// <see cref="SourceMode.Fallback"/> it takes the stream back. Default 10 s.
    /// </summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a source may be run in a minute, whatever happens, 1 to 6,000. Default 30: more than backing off makes of any failure,
    /// and few enough for a camera.
    /// </summary>
    public int MaxSessionsPerMinute { get; init; } = 30;

    /// <summary>
    /// How long who asks for a stream waits for its source before being told why there is nothing. Default 10 s: players give up then.
    /// </summary>
    public TimeSpan ReadyLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(Linger, TimeSpan.Zero)
        .Check(ConnectLimit)
        .Check(SilenceLimit)
        .Check(MinBackoff, TimeSpan.FromMilliseconds(100))
        .Check(MaxBackoff, MinBackoff)
        .Check(HealthyAfter)
        .Check(MaxSessionsPerMinute, 1, 6000)
        .Check(ReadyLimit);
}
