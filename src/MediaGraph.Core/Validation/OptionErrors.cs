using System.Collections;
using System.Runtime.CompilerServices;

namespace MediaGraph.Validation;

/// <summary>
/// What is wrong with some options: each check adds its error, so that all are told at once and in the same words. For those of protocols
/// of your own too. Not thread-safe.
/// </summary>
/// <param name="prefix">What precedes the names, such as <c>MediaGraph:Rtmp:</c>.</param>
public sealed class OptionErrors(string prefix = "") : IEnumerable<string>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly List<string> _errors = [];

    /// <summary>Throws when something is wrong.</summary>
    /// <param name="options">What is looked at.</param>
    /// <param name="parameter">The parameter that it was given as.</param>
    /// <exception cref="ArgumentException">Something is; the message has all errors.</exception>
    public static void ThrowIfInvalid(IValidatedOptions options, [CallerArgumentExpression(nameof(options))] string parameter = "")
    {
        ArgumentNullException.ThrowIfNull(options);
        var errors = string.Join(" ", options.Validate());
        if (errors.Length > 0)
            throw new ArgumentException(errors, parameter);
    }

    /// <summary>A time must be in its range.</summary>
    /// <param name="value">The option.</param>
    /// <param name="least">What it must be at least; null for 1 s.</param>
    /// <param name="most">What it must be at most; null for 1 day, which timers take and nobody waits for.</param>
    /// <param name="name">What it is called; by default what the first argument says.</param>
    public OptionErrors Check(
        TimeSpan value, TimeSpan? least = null, TimeSpan? most = null, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        var (from, to) = (least ?? Second, most ?? Day);
        return Require(value >= from && value <= to, $"{name} is {value}; it must be {Text(from)} to {Text(to)}.");
    }

    /// <summary>A number must be in its range.</summary>
    /// <param name="value">The option.</param>
    /// <param name="least">What it must be at least.</param>
    /// <param name="most">What it must be at most; by default there is no bound.</param>
    /// <param name="name">What it is called; by default what the first argument says.</param>
    public OptionErrors Check(
        long value, long least, long most = long.MaxValue, [CallerArgumentExpression(nameof(value))] string name = "") =>
        Require(
            value >= least && value <= most,
            $"{name} is {value}; it must be {least}{(most == long.MaxValue ? " or more" : $" to {most}")}.");

    /// <summary>A choice must be one of those that there are; null is none.</summary>
    /// <param name="value">The option.</param>
    /// <param name="name">What it is called; by default what the first argument says.</param>
    public OptionErrors Check(Enum? value, [CallerArgumentExpression(nameof(value))] string name = "") => Require(
        value is null || Enum.IsDefined(value.GetType(), value),
        $"{name} is {value}; it must be {(value is null ? "" : string.Join(" or ", Enum.GetNames(value.GetType())))}.");

    /// <summary>Options that are a part of these must be right in themselves; null is none.</summary>
    /// <param name="options">The option.</param>
    /// <param name="name">What it is called; by default what the first argument says.</param>
    public OptionErrors Check(IValidatedOptions? options, [CallerArgumentExpression(nameof(options))] string name = "") =>
        Add(options?.Validate($"{prefix}{name}:") ?? []);

    /// <summary>Anything else must be so.</summary>
    /// <param name="isRight">Whether it is.</param>
    /// <param name="error">A sentence that begins with the option's name.</param>
    public OptionErrors Require(bool isRight, string error)
    {
        if (!isRight)
            _errors.Add(prefix + error);
        return this;
    }

    /// <summary>Adds errors as they are.</summary>
    public OptionErrors Add(IEnumerable<string> errors)
    {
        _errors.AddRange(errors);
        return this;
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator() => _errors.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string Text(TimeSpan time) =>
        time == TimeSpan.Zero ? "0"
        : time == Day ? "1 day"
        : time < Second ? $"{time.TotalMilliseconds} ms"
        : time < TimeSpan.FromHours(1) ? $"{time.TotalSeconds} s"
        : $"{time.TotalHours} h";
}
