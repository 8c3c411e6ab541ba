using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MediaGraph.Validation;

namespace MediaGraph.Sources;

/// <summary>
/// Another server that is asked for streams that are not here (edge mode): one who asks for such a name has it fetched, all who ask share
/// it, and it is gone when the last one has left and <see cref="SourceOptions.Linger"/> has passed. Only names that are allowed reach the
/// other server, and they decide nothing but the path, or the query, of its address.
/// </summary>
/// <param name="Url">
/// The address of a stream there, with <c>{name}</c> where the stream's name belongs: <c>rtsp://origin:8554/{name}</c>. The place is in the
/// path or the query; in the query, slashes of the name are escaped.
/// </param>
public sealed record UpstreamOptions(string Url) : IValidatedOptions
{
    internal const string Placeholder = "{name}";

    /// <summary>
    /// Which names may be asked for, as a regular expression for the whole name; without backreferences and lookarounds, so that it takes
    /// time in proportion to the name. Default <c>.+</c>, every stream name.
    /// </summary>
    public string Names { get; init; } = ".+";

    /// <summary>
    /// Streams that are fetched at once, those included that are being asked for, 1 to 100,000. Default 100: few enough that asking for
    /// made-up names does not exhaust this server or the other. More are refused.
    /// </summary>
    public int MaxStreams { get; init; } = 100;

    /// <summary>
    /// How often the other server may be asked for a stream that is not fetched yet in a minute, 1 to 1,000,000, whatever its name.
    /// Default 600: ten each second, so that asking for made-up names makes no flood of connections. More are refused. A stream that is
    /// fetched is tried again all the same, as often as <see cref="SourceOptions.MaxSessionsPerMinute"/> says.
    /// </summary>
    public int MaxTriesPerMinute { get; init; } = 600;

    /// <summary>
    /// How long a name that could not be had is not asked for again, 0 to 1 h; who asks is told the same. Default 1 s: players that
    /// try again find a stream soon that has just begun. How often a name is asked for,
    /// <see cref="SourceOptions.MaxSessionsPerMinute"/> bounds.
    /// </summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "")
    {
        var (urlError, patternError) = (UrlError(), PatternError());
        return new OptionErrors(prefix)
            .Require(urlError is null, $"{nameof(Url)}: {urlError}")
            .Require(patternError is null, $"{nameof(Names)}: {patternError}")
            .Check(MaxStreams, 1, 100_000)
            .Check(MaxTriesPerMinute, 1, 1_000_000)
            .Check(RetryAfter, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    /// <summary>The pattern, for whole names.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    /// <exception cref="NotSupportedException">It would not take time in proportion.</exception>
    internal Regex CreatePattern() => new($@"\A(?:{Names})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    // The address may have a password.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(CultureInfo.InvariantCulture, $"{nameof(Names)} = {Names}, {nameof(MaxStreams)} = {MaxStreams}, ");
        builder.Append(CultureInfo.InvariantCulture, $"{nameof(MaxTriesPerMinute)} = {MaxTriesPerMinute}, ");
        builder.Append(CultureInfo.InvariantCulture, $"{nameof(RetryAfter)} = {RetryAfter}");
        return true;
    }

    // Holds none of the address, which may have a password.
    private string? UrlError()
    {
        var place = Url?.IndexOf(Placeholder, StringComparison.Ordinal) ?? -1;
        if (place < 0)
            return $"there must be {Placeholder} in it.";
        var host = Url!.IndexOf("://", StringComparison.Ordinal);
        var path = host < 0 ? -1 : Url.AsSpan(host + 3).IndexOfAny("/?#");
        var fragment = Url.IndexOf('#', StringComparison.Ordinal);
        if (path <= 0 || place < host + 3 + path || (fragment >= 0 && Url.LastIndexOf(Placeholder, StringComparison.Ordinal) > fragment))
            return $"{Placeholder} must be in the path or the query, behind scheme://host.";
        try
        {
            SourceAddress.Parse(Url);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private string? PatternError()
    {
        try
        {
            CreatePattern();
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
        catch (NotSupportedException)
        {
            return "backreferences and lookarounds are not supported.";
        }
    }
}
