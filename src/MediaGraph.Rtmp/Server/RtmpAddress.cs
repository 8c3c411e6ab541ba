using System.Collections.Frozen;
using MediaGraph.Security;
using MediaGraph.Transport;

namespace MediaGraph.Rtmp.Server;

/// <summary>Parts of what a peer asks for: an application or a stream key, with query parameters behind a question mark.</summary>
/// <param name="Path">Without slashes at its ends.</param>
/// <param name="Query">Behind the question mark; secrets as a rule.</param>
internal readonly record struct RtmpAddress(string Path, string Query)
{
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
            foreach (var (name, value) in UrlQuery.Read(query))
                (parameters ??= []).TryAdd(name, new Secret(value));
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
}
