using MediaGraph.Validation;

namespace MediaGraph.Talk;

/// <summary>Bounds of talking to devices. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record TalkOptions : IValidatedOptions
{
    /// <summary>
    /// After how long without a packet a talk ends and its place is free. Default 10 s: longer than people pause, shorter than others
    /// want to wait.
    /// </summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a device may take until it listens. Default 10 s: battery models answer after seconds.</summary>
    public TimeSpan OpenLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long telling a device of the end may take. Default 5 s, as for all that is stopped.</summary>
    public TimeSpan CloseLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How old packets may become that wait for the device, 0 to 1 day; older ones are lost. Default 0.5 s: the first word is not cut off,
    /// and what is said is heard while it matters. Not more than 256 KiB in any case.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(SilenceLimit)
        .Check(OpenLimit)
        .Check(CloseLimit)
        .Check(MaxDelay, TimeSpan.Zero);
}
