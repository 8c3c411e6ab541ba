using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;

namespace MediaGraph.Hosting;

/// <summary>
/// Reads one section by hand: a value that cannot be read is an error in words, and the default takes its place so that the
/// reading goes on. It remembers what was asked for, and so finds the keys that nobody knows.
/// </summary>
internal sealed class SettingsReader(IConfiguration? configuration, string path, List<string> errors)
{
    private readonly List<string> _known = [];

    /// <summary>Where it is, such as <c>MediaGraph:Rtmp</c>.</summary>
    public string Path { get; } = path;

    /// <summary>What precedes a key in messages, such as <c>MediaGraph:Rtmp:</c>.</summary>
    public string Prefix { get; } = path.Length == 0 ? "" : path + ":";

    /// <summary>Whether anything is set in it.</summary>
    public bool IsSet => configuration?.GetChildren().Any() == true;

    public SettingsReader Section(string key)
    {
        _known.Add(key);
        var section = configuration?.GetSection(key);
        if (!string.IsNullOrEmpty(section?.Value))
            errors.Add($"{Prefix}{key} is a section; set one of the keys in it.");
        return new SettingsReader(section, Prefix + key, errors);
    }

    /// <summary>Says that a key is read elsewhere.</summary>
    public void Known(string key) => _known.Add(key);

    public bool Flag(string key, bool otherwise) =>
        Read(key, otherwise, "it must be true or false", static text => bool.TryParse(text, out var value) ? value : null);

    public int Int32(string key, int otherwise) =>
        Read(key, otherwise, "it must be a whole number up to 2147483647", static text =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null);

    public long Int64(string key, long otherwise) =>
        Read(key, otherwise, "it must be a whole number", static text =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null);

    /// <summary>A number is of seconds; <see cref="TimeSpan"/> alone would take it for days.</summary>
    public TimeSpan Time(string key, TimeSpan otherwise) =>
        Read(key, otherwise, "it must be a time: seconds such as 10 or 0.5, or hours:minutes:seconds such as 00:00:10", ParseTime);

    public T Choice<T>(string key, T otherwise)
        where T : struct, Enum =>
        Read(key, otherwise, $"it must be {string.Join(" or ", Enum.GetNames<T>())}", static text =>
            char.IsAsciiLetter(text[0]) && Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : null);

    /// <summary>Words with commas between, or a list of them.</summary>
    public ImmutableArray<string> Words(string key, ImmutableArray<string> otherwise)
    {
        _known.Add(key);
        if (configuration?.GetSection(key) is not { } section || !section.Exists())
            return otherwise;
        return
        [
            .. Texts(section, Prefix + key, errors)
                .SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)),
        ];
    }

    /// <summary>One text, or a list of them; they may have commas in them.</summary>
    public ImmutableArray<string> Texts(string key)
    {
        _known.Add(key);
        return configuration?.GetSection(key) is { } section ? Texts(section, Prefix + key, errors) : [];
    }

    /// <summary>The texts of a section: its own, and those of a list in it.</summary>
    public static ImmutableArray<string> Texts(IConfigurationSection section, string path, List<string> errors)
    {
        foreach (var child in section.GetChildren().Where(child => child.GetChildren().Any()))
            errors.Add($"{path}:{child.Key} is one value, not a section.");
        return
        [
            .. section.GetChildren().Select(child => child.Value).Prepend(section.Value)
                .Where(text => !string.IsNullOrWhiteSpace(text)).Select(text => text!.Trim()),
        ];
    }

    /// <summary>The certificates of a PEM file; none when it is not set.</summary>
    public IReadOnlyList<X509Certificate2> Certificates(string key)
    {
        if (Text(key) is not { } path)
            return [];
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(path);
            if (certificates.Count == 0)
                Add(key, path, "the file has no certificate in PEM");
            return [.. certificates];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            Add(key, path, $"the file cannot be read: {e.Message.TrimEnd('.')}");
            return [];
        }
    }

    /// <summary>Null when it is not set, or blank.</summary>
    public string? Text(string key)
    {
        _known.Add(key);
        if (configuration?.GetSection(key) is not { } section)
            return null;
        if (section.GetChildren().Any())
            errors.Add($"{Prefix}{key} is one value, not a section.");
        return string.IsNullOrWhiteSpace(section.Value) ? null : section.Value.Trim();
    }

    public IPEndPoint EndPoint(string key, IPEndPoint otherwise)
    {
        if (Text(key) is not { } text)
            return otherwise;
        if (ListenAddress.Parse(text, otherwise.Port) is { } endPoint)
            return endPoint;
        Add(key, text, ListenAddress.Expected);
        return otherwise;
    }

    /// <summary>The first and the last of some ports; one alone is the first of two. Null when it is not set.</summary>
    public (int First, int Last)? PortRange(string key)
    {
        if (Text(key) is not { } text)
            return null;
        if (ParsePortRange(text) is { } range)
            return range;
        Add(key, text, "it must be the first and the last port, such as 50000-50099, or the first of two, such as 50000");
        return null;
    }

    /// <summary>Every key that was not asked for is an error.</summary>
    public void RejectUnknown()
    {
        foreach (var key in UnknownKeys())
            errors.Add($"{Prefix}{key} is not known.{Suggestion(key) ?? $" There are: {string.Join(", ", _known)}."}");
    }

    /// <summary>Of the keys that were not asked for, those that look misspelt are errors; returns the others.</summary>
    /// <param name="correct">Keys that are never misspelt.</param>
    public IReadOnlyList<string> RejectMisspelt(params ReadOnlySpan<string> correct)
    {
        var others = new List<string>();
        foreach (var key in UnknownKeys())
        {
            if (!correct.Contains(key, StringComparer.OrdinalIgnoreCase) && Suggestion(key) is { } suggestion)
                errors.Add($"{Prefix}{key} is not known.{suggestion}");
            else
                others.Add(Prefix + key);
        }

        return others;
    }

    private static TimeSpan? ParseTime(string text)
    {
        if (double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            && Math.Abs(seconds) < 1e9)
            return TimeSpan.FromSeconds(seconds);
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : null;
    }

    private static (int First, int Last)? ParsePortRange(string text)
    {
        var parts = text.Split('-', StringSplitOptions.TrimEntries);
        if (parts.Length > 2 || !TryParse(parts[0], out var first))
            return null;
        if (parts.Length == 1)
            return (first, first + 1);
        return TryParse(parts[1], out var last) ? (first, last) : null;

        static bool TryParse(string text, out int port) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;
    }

    private T Read<T>(string key, T otherwise, string expected, Func<string, T?> parse)
        where T : struct
    {
        if (Text(key) is not { } text)
            return otherwise;
        if (parse(text) is { } value)
            return value;
        Add(key, text, expected);
        return otherwise;
    }

    private void Add(string key, string text, string expected) => errors.Add($"{Prefix}{key} is '{text}'; {expected}.");

    private IEnumerable<string> UnknownKeys() =>
        configuration?.GetChildren().Select(child => child.Key).Where(key => !_known.Contains(key, StringComparer.OrdinalIgnoreCase)) ?? [];

    private string? Suggestion(string key) =>
        _known.Select(known => (Name: known, Distance: Distance(key.ToUpperInvariant(), known.ToUpperInvariant())))
            .Where(known => known.Distance <= Math.Min(2, known.Name.Length / 3))
            .OrderBy(known => known.Distance)
            .Select(known => $" Is it {Prefix}{known.Name}?")
            .FirstOrDefault();

    // How many letters must be changed, added or removed (Levenshtein).
    private static int Distance(string one, string other)
    {
        var previous = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var current = new int[other.Length + 1];
            current[0] = i;
            for (var j = 1; j <= other.Length; j++)
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1));
            previous = current;
        }

        return previous[^1];
    }
}
