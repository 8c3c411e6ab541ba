using System.Globalization;
using System.Text;
using MediaGraph.Media;
using MediaGraph.Rtsp.Messages;

namespace MediaGraph.Rtsp.Sdp;

/// <summary>Writes session descriptions (RFC 8866) of live streams, for DESCRIBE's answer and for ANNOUNCE.</summary>
internal static class SdpWriter
{
    /// <summary>Writes a description.</summary>
    /// <param name="name">The session's name; control characters are left out.</param>
    /// <param name="sessionId">A number that stays the same while the description does (§5.2).</param>
    /// <param name="medias">The media; see <see cref="SdpOffer.Assign"/>.</param>
    /// <returns>UTF-8, with CR LF.</returns>
    /// <exception cref="ArgumentException">A control URL has a blank or control character.</exception>
    public static byte[] Write(string name, ulong sessionId, IReadOnlyList<SdpOffer> medias)
    {
        var clean = string.Concat(name.Where(c => !char.IsControl(c))).Trim();
        var text = new StringBuilder("v=0\r\n");
        Add($"o=- {sessionId} 1 IN IP4 127.0.0.1");
        Add($"s={(clean.Length == 0 ? "-" : clean)}"); // §5.3: never empty
        Add($"c=IN IP4 0.0.0.0");
        Add($"t=0 0");
        Add($"a=control:*");
        Add($"a=range:npt=now-");
        foreach (var media in medias)
        {
            var kind = media.Formats[0].Codec.Kind switch
            {
                MediaKind.Video => "video",
                MediaKind.Audio => "audio",
                _ => "application",
            };
            Add($"m={kind} 0 RTP/AVP {string.Join(' ', media.Formats.Select(format => format.PayloadType))}");
            foreach (var (type, codec) in media.Formats)
            {
                Add($"a=rtpmap:{type} {SdpCodecs.MapOf(codec)}");
                if (SdpCodecs.ParametersOf(codec) is { Length: > 0 } parameters)
                    Add($"a=fmtp:{type} {parameters}");
            }

            if (!RtspText.IsWord(media.Control))
                throw new ArgumentException("Not a control URL.", nameof(medias));
            Add($"a=control:{media.Control}");
            if (AttributeOf(media.Direction) is { } direction)
                Add($"a={direction}");
        }

        return Encoding.UTF8.GetBytes(text.ToString());

        void Add(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append("\r\n");
    }

    private static string? AttributeOf(SdpDirection direction) => direction switch
    {
        SdpDirection.SendReceive => "sendrecv",
        SdpDirection.SendOnly => "sendonly",
        SdpDirection.ReceiveOnly => "recvonly",
        SdpDirection.Inactive => "inactive",
        _ => null,
    };
}
