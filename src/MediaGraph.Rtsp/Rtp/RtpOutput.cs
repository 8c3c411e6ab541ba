using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What a session that is fed by a stream does with RTP: which tracks go where, how the graph writes them, and sender reports. The tracks are
/// set up before the subscription is made.
/// </summary>
/// <param name="pool">Where packets take their memory from.</param>
/// <param name="canonicalName">The sender's canonical name in its reports (RFC 3550 §6.5.1), 1 to 255 bytes.</param>
internal sealed class RtpOutput(PacketPool pool, string canonicalName)
{
    private readonly List<RtpOffer> _offers = [];
    private readonly Dictionary<string, WireFormat> _formats = []; // by the tracks' identities

    /// <summary>The tracks that were set up, by the order of the calls.</summary>
    public IReadOnlyList<RtpOffer> Offers => _offers;

    /// <summary>The format for the subscription: of the tracks that were set up; others are not delivered.</summary>
    public WireFormat Format => new RtpWireFormat(_formats);

    /// <summary>Adds a track that goes interleaved, on a channel for RTP; its queue is a <see cref="ConnectionWriter"/>.</summary>
    public void Add(RtpOffer offer, byte channel) => Add(offer, new RtpChannelFormat(pool, offer, channel));

    /// <summary>Adds a track that goes over UDP; its queue is a <see cref="DatagramWriter"/>.</summary>
    public void Add(RtpOffer offer, UdpPath path) => Add(offer, new RtpDatagramFormat(pool, offer, path));

    /// <summary>Removes a track; before a subscription is made.</summary>
    public void Remove(RtpOffer offer)
    {
        _offers.Remove(offer);
        _formats.Remove(offer.Receiver.Track.Id);
    }

    /// <summary>
    /// Writes a sender report with its description, as it is at this moment. Packets and bytes are those of all viewers' common source.
    /// </summary>
    /// <param name="offer">One that was added.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="now">The wall clock.</param>
    /// <param name="destination">At least <see cref="RtcpWriter.MaxLength"/> bytes.</param>
    /// <param name="isLeaving">Whether a goodbye follows.</param>
    /// <returns>The bytes written, 0 while nothing was sent.</returns>
    public int WriteReport(RtpOffer offer, MediaStream stream, DateTimeOffset now, Span<byte> destination, bool isLeaving = false)
    {
        if (stream.Origin is not { } origin)
            return 0;
        return ConverterOf(offer)?.CreateReport(now, origin) is { } report
            ? RtcpWriter.Write(destination, report, canonicalName, isLeaving)
            : 0;
    }

    /// <summary>
    /// What <c>RTP-Info</c> says of tracks whose first packets wait in a held queue: the sequence number of each, and one moment, that of the
    /// earliest, in the RTP time of every track. Until the first sender report players lay the tracks on one time by it.
    /// </summary>
    /// <param name="tracks">Some that were added, with their control URLs.</param>
    /// <param name="subscription">Started, its queue held.</param>
    /// <param name="now">The stream's time, for when nothing waits; null where it has none.</param>
    public static ImmutableArray<RtpInfo> CreateInfos(
        ImmutableArray<(RtpOffer Offer, string Url)> tracks, Subscription subscription, TimeSpan? now)
    {
        var firsts = tracks.Select(track => ReadFirst(track.Offer, subscription)).ToArray();

        // The last of the metadata may be of long ago. 0 is where a stream's first packet lies.
        var media = tracks.Zip(firsts).Where(pair => pair.First.Offer.Receiver.Track.Kind != MediaKind.Data).Select(pair => pair.Second?.Time);
        var moment = media.Min() ?? firsts.Min(first => first?.Time) ?? now ?? TimeSpan.Zero;
        return [.. tracks.Select((track, i) => new RtpInfo(
            track.Url, firsts[i]?.Sequence, ConverterOf(track.Offer)?.TimestampAt(moment, track.Offer.Codec.ClockRate)))];
    }

    private static (ushort Sequence, TimeSpan Time)? ReadFirst(RtpOffer offer, Subscription subscription)
    {
        if (subscription.RetainFirst(offer.Receiver.Track.Id) is not { } first)
            return null;
        try
        {
            var run = first.Payload.Span;
            return RtpRun.TryReadInterleaved(ref run, out var packet) && RtpHeader.TryParse(packet, out var header, out _)
                ? (header.SequenceNumber, MediaTime.ToTimeSpan(first.PresentationTime, first.Codec.ClockRate))
                : null;
        }
        finally
        {
            first.Release();
        }
    }

    private static RtpConverter? ConverterOf(RtpOffer offer)
    {
        foreach (var child in offer.Receiver.Children)
        {
            if (child is RtpConverter converter && converter.PayloadType == offer.PayloadType)
                return converter;
        }

        return null;
    }

    private void Add(RtpOffer offer, WireFormat format)
    {
        _offers.Add(offer);
        _formats.Add(offer.Receiver.Track.Id, format);
    }
}
