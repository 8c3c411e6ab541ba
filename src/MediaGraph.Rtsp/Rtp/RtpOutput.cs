using MediaGraph.Delivery;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Transport;
using MediaGraph.Streams;

namespace MediaGraph.Rtsp.Rtp;

/// <summary>
/// What a session that is fed by a stream does with RTP: which tracks go where, how the graph writes them, and sender reports. The tracks are
/// set up before the subscription is made.
/// </summary>
/// <param name="canonicalName">The sender's canonical name in its reports (RFC 3550 §6.5.1), 1 to 255 bytes.</param>
#pragma warning disable CS9113 // filled in with the next commit
internal sealed class RtpOutput(string canonicalName)
{
    /// <summary>The tracks that were set up, by the order of the calls.</summary>
    public IReadOnlyList<RtpOffer> Offers => throw new NotImplementedException();

    /// <summary>The format for the subscription: of the tracks that were set up; others are not delivered.</summary>
    public WireFormat Format => throw new NotImplementedException();

    /// <summary>Adds a track that goes interleaved, on a channel for RTP; its queue is a <see cref="ConnectionWriter"/>.</summary>
    public void Add(RtpOffer offer, byte channel) => throw new NotImplementedException();

    /// <summary>Adds a track that goes over UDP; its queue is a <see cref="DatagramWriter"/>.</summary>
    public void Add(RtpOffer offer, UdpPath path) => throw new NotImplementedException();

    /// <summary>
    /// Writes a sender report with its description, as it is at this moment.
    /// </summary>
    /// <param name="offer">One that was added.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="now">The wall clock.</param>
    /// <param name="destination">At least <see cref="RtcpWriter.MaxLength"/> bytes.</param>
    /// <param name="isLeaving">Whether a goodbye follows.</param>
    /// <returns>The bytes written, 0 while nothing was sent.</returns>
    public int WriteReport(RtpOffer offer, MediaStream stream, DateTimeOffset now, Span<byte> destination, bool isLeaving = false) =>
        throw new NotImplementedException();

    /// <summary>Sequence number and time of the first packet of a track that waits in a held queue, for <c>RTP-Info</c>.</summary>
    /// <param name="offer">One that was added.</param>
    /// <param name="subscription">Started, its queue held.</param>
    /// <param name="url">The track's control URL.</param>
    public static RtpInfo CreateInfo(RtpOffer offer, Subscription subscription, string url) => throw new NotImplementedException();
}
