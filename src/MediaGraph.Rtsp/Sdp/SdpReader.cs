using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MediaGraph.Media;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>Reads session descriptions, see <see cref="SdpSession"/>. Never throws.</summary>
internal static class SdpReader
{
    private const int MaxFormats = 32;
    private const int MaxPayloadType = 127;
    private const int MaxParameters = 64;
    private const int MaxWords = 512; // a parameter set may stand in one of its own

    public static bool TryRead(
        ReadOnlySpan<byte> text, RtspLimits limits, [NotNullWhen(true)] out SdpSession? session, [NotNullWhen(false)] out string? error)
    {
        session = null;
        error = "The session description is too long.";
        if (text.Length > limits.MaxDescriptionBytes)
            return false;

        var name = "";
        var all = new MediaLines("");
        var medias = new List<MediaLines>();
        var isOne = false;
        var lines = Encoding.UTF8.GetString(text).AsSpan();
        foreach (var line in lines.SplitAny('\n', '\r', '\0'))
        {
            if (!TryCut(lines[line], out var type, out var value))
                continue;
            isOne |= type is 'v' or 'm' or 's' or 'o';
            if (type == 'm')
            {
                error = "The session description has too many media.";
                if (medias.Count == limits.MaxMedias)
                    return false;
                medias.Add(new MediaLines(value));
            }
            else if (type == 's' && name.Length == 0 && medias.Count == 0)
            {
                name = value;
            }
            else if (type == 'a')
            {
                (medias.Count == 0 ? all : medias[^1]).ReadAttribute(value);
            }
        }

        error = "This is no session description.";
        if (!isOne)
            return false;
        error = null;
        session = new SdpSession
        {
            Name = name,
            Control = all.Control,
            Medias = [.. medias.Select(media => media.Build(all, medias))],
        };
        return true;
    }

    /// <summary>
    /// Reads what is behind the payload type of <c>a=fmtp</c>: names and values between semicolons, or between blanks, as some write it.
    /// Values keep what is behind their first equals sign, so Base64's padding too.
    /// </summary>
    internal static Dictionary<string, string> ReadParameters(string text)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        const StringSplitOptions options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        foreach (var part in text.Split(';', MaxParameters + 1, options).Take(MaxParameters))
        {
            var name = "";
            var value = new StringBuilder();
            foreach (var word in part.Split((char[]?)null, MaxWords + 1, options).Take(MaxWords))
            {
                var equals = word.IndexOf('=', StringComparison.Ordinal);
                if (name.Length == 0 || StartsParameter(word, equals))
                {
                    Add(name, value);
                    name = equals < 0 ? word : word[..equals];
                    value.Append(equals < 0 ? "" : word[(equals + 1)..]);
                }
                else
                {
                    value.Append(value.Length == 0 && word.StartsWith('=') ? word[1..] : word); // "name = value", "first, second"
                }
            }

            Add(name, value);
        }

        return parameters;

        void Add(string name, StringBuilder value)
        {
            if (name.Length > 0 && parameters.Count < MaxParameters)
                parameters.TryAdd(name, value.ToString().Trim('"'));
            value.Clear();
        }

        // Not the padding of a Base64 word.
        static bool StartsParameter(string word, int equals) =>
            equals > 0 && equals < word.Length - 1 && word[equals + 1] != '=' && char.IsAsciiLetter(word[0]) &&
            !word.AsSpan(0, equals).ContainsAny('+', '/', ',');
    }

    // A letter, an equals sign, a value. Blanks around the line and behind the sign are put up with.
    private static bool TryCut(ReadOnlySpan<char> line, out char type, out string value)
    {
        line = line.Trim();
        (type, value) = ('\0', "");
        if (line.Length < 2 || line[1] != '=')
            return false;
        type = line[0];
        value = line[2..].Trim().ToString();
        return true;
    }

    private sealed class MediaLines(string description)
    {
        private readonly Dictionary<int, string> _maps = [];
        private readonly Dictionary<int, StringBuilder> _parameters = [];
        private SdpDirection _direction;

        public string? Control { get; private set; }

        public void ReadAttribute(string attribute)
        {
            var colon = attribute.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = colon < 0 ? (attribute, "") : (attribute[..colon].TrimEnd(), attribute[(colon + 1)..].Trim());
            switch (name.ToLowerInvariant())
            {
                case "control" when value.Length > 0:
                    Control ??= value;
                    break;
                case "rtpmap" when TryCutPayloadType(value, out var type, out var map):
                    _maps.TryAdd(type, map);
                    break;
                case "fmtp" when TryCutPayloadType(value, out var type, out var parameters):
                    if (!_parameters.TryAdd(type, new StringBuilder(parameters)))
                        _parameters[type].Append(';').Append(parameters);
                    break;
                case "sendrecv":
                    _direction = SdpDirection.SendReceive;
                    break;
                case "sendonly":
                    _direction = SdpDirection.SendOnly;
                    break;
                case "recvonly":
                    _direction = SdpDirection.ReceiveOnly;
                    break;
                case "inactive":
                    _direction = SdpDirection.Inactive;
                    break;
            }
        }

        public SdpMedia Build(MediaLines session, List<MediaLines> all)
        {
            var words = description.Split((char[]?)null, MaxFormats + 4, StringSplitOptions.RemoveEmptyEntries);
            var kind = words.FirstOrDefault()?.ToUpperInvariant() switch
            {
                "VIDEO" => MediaKind.Video,
                "AUDIO" => MediaKind.Audio,
                _ => MediaKind.Data,
            };
            var types = words.Skip(3).Take(MaxFormats)
                .Select(word => TryReadPayloadType(word, out var type) ? type : -1).Where(type => type >= 0).Distinct().ToList();
            if (types.Count == 0)
                types = [.. _maps.Keys.Take(MaxFormats)]; // an m= line without formats
            return new SdpMedia
            {
                Kind = kind,
                Port = words.Length > 1 && ushort.TryParse(words[1].Split('/')[0], CultureInfo.InvariantCulture, out var port) ? port : 0,
                Protocol = words.Length > 2 ? words[2] : "",
                Direction = _direction == SdpDirection.None ? session._direction : _direction,
                Control = Control,
                Formats = [.. types.Select(type => SdpCodecs.Read(kind, type, _maps.GetValueOrDefault(type), ParametersOf(type, all)))],
            };
        }

        // Devices exist that write them below another media.
        private string ParametersOf(int type, List<MediaLines> all)
        {
            if (_parameters.TryGetValue(type, out var own))
                return own.ToString();
            foreach (var media in all)
            {
                // Taken away, so that each is read once.
                if (!media._maps.ContainsKey(type) && media._parameters.Remove(type, out var other))
                    return other.ToString();
            }

            return "";
        }

        private static bool TryCutPayloadType(string text, out int type, out string rest)
        {
            var end = text.AsSpan().IndexOfAny(' ', '\t');
            rest = end < 0 ? "" : text[end..].Trim();
            return TryReadPayloadType(end < 0 ? text : text.AsSpan(0, end), out type);
        }

        private static bool TryReadPayloadType(ReadOnlySpan<char> text, out int type) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out type) && type <= MaxPayloadType;
    }
}
