using System.Buffers;

namespace MediaGraph.Streams;

/// <summary>
/// The rule for stream names: 1 to 128 characters of <c>A-Z a-z 0-9 _ . ~ -</c> and <c>/</c>, without an empty, <c>.</c> or
/// <c>..</c> part. Such a name is safe in URLs, logs and file paths.
/// </summary>
public static class StreamName
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 128;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-/");

    /// <summary>Whether the text is a stream name.</summary>
    public static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxLength || name.ContainsAnyExcept(Allowed))
            return false;
        foreach (var part in name.Split('/'))
        {
            if (name[part] is "" or "." or "..")
                return false;
        }

        return true;
    }

    /// <summary>Throws unless the text is a stream name.</summary>
    /// <exception cref="StreamException"><see cref="StreamError.InvalidName"/>; the message does not repeat the name.</exception>
    public static void ThrowIfInvalid(string name)
    {
        if (!IsValid(name))
            throw new StreamException(StreamError.InvalidName, "not a valid stream name");
    }
}
