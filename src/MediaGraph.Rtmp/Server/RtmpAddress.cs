using System.Collections.Frozen;
using MediaGraph.Security;

namespace MediaGraph.Rtmp.Server;

/// <summary>Parts of what a peer asks for: an application or a stream key, with query parameters behind a question mark.</summary>
/// <param name="Path">Without slashes at its ends.</param>
/// <param name="Query">Behind the question mark; secrets as a rule.</param>
internal readonly record struct RtmpAddress(string Path, string Query)
{
    private const int MaxParameters = 16;

    public static RtmpAddress Parse(string text)
    {
        var question = text.IndexOf('?', StringComparison.Ordinal);
        return question < 0
            ? new RtmpAddress(text.Trim('/'), "")
            : new RtmpAddress(text[..question].Trim('/'), text[(question + 1)..]);
    }

    /// <summary><c>app</c> and <c>key</c> as a stream name; either may be empty.</summary>
    public static string Join(string app, string key) => app.Length == 0 ? key : key.Length == 0 ? app : $"{app}/{key}";

    /// <summary>The parameters of several queries; the first of each name counts.</summary>
    public static Credentials CredentialsOf(params ReadOnlySpan<string> queries)
    {
        Dictionary<string, Secret>? parameters = null;
        foreach (var query in queries)
        {
            foreach (var part in query.Split('&', MaxParameters + 1, StringSplitOptions.RemoveEmptyEntries).Take(MaxParameters))
            {
                var equals = part.IndexOf('=', StringComparison.Ordinal);
                var name = Decode(equals < 0 ? part : part[..equals]);
                (parameters ??= []).TryAdd(name, new Secret(equals < 0 ? "" : Decode(part[(equals + 1)..])));
            }
        }

        if (parameters is null)
            return Credentials.None;
        return new Credentials
        {
            User = parameters.TryGetValue("user", out var user) ? user.Reveal() : null,
            Password = parameters.TryGetValue("pass", out var password) ? password : default,
            Parameters = parameters.ToFrozenDictionary(),
        };
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
