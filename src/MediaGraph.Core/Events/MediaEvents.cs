using System.Net;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;

namespace MediaGraph.Events;

/// <summary>Something that happened; read from <see cref="EventSubscription.Reader"/>.</summary>
/// <param name="Time">When.</param>
public abstract record MediaEvent(DateTimeOffset Time);

/// <summary>A publisher feeds a stream.</summary>
public sealed record PublishStarted(DateTimeOffset Time, string Stream, string Protocol, EndPoint? RemoteEndPoint)
    : MediaEvent(Time);

/// <summary>A publisher left, or was revoked. The counts are those of packets that it sent, exactly.</summary>
public sealed record PublishStopped(
    DateTimeOffset Time,
    string Stream,
    string Protocol,
    EndPoint? RemoteEndPoint,
    TimeSpan Duration,
    long VideoPackets,
    long AudioPackets,
    long Bytes,
    CloseReason Reason) : MediaEvent(Time);

/// <summary>A consumer joined a stream.</summary>
public sealed record PlayStarted(DateTimeOffset Time, string Stream, string Protocol, EndPoint? RemoteEndPoint)
    : MediaEvent(Time);

/// <summary>A consumer left, or was ended.</summary>
public sealed record PlayStopped(
    DateTimeOffset Time, string Stream, string Protocol, EndPoint? RemoteEndPoint, TimeSpan Duration, CloseReason Reason)
    : MediaEvent(Time);

/// <summary>How many consumers a stream has now; in order, one event per change.</summary>
public sealed record ConsumerCountChanged(DateTimeOffset Time, string Stream, int Count) : MediaEvent(Time);

/// <summary>A device was told that somebody talks, and listens.</summary>
/// <param name="Codec">The codec's name.</param>
public sealed record TalkStarted(DateTimeOffset Time, string Stream, string Protocol, EndPoint? RemoteEndPoint, string Codec)
    : MediaEvent(Time);

/// <summary>A device was told that the talk is over; exactly one per <see cref="TalkStarted"/>.</summary>
/// <param name="Packets">Packets that the device was given.</param>
/// <param name="Dropped">Packets that it did not take in time.</param>
public sealed record TalkStopped(
    DateTimeOffset Time, string Stream, string Protocol, EndPoint? RemoteEndPoint, TimeSpan Duration, long Packets, long Dropped,
    CloseReason Reason) : MediaEvent(Time);

/// <summary>A source of a stream does something else now; in order.</summary>
/// <param name="Source">Its address without secrets.</param>
public sealed record SourceStateChanged(DateTimeOffset Time, string Stream, string Source, SourceState State) : MediaEvent(Time);

/// <summary>A session with a source failed; it is tried again while somebody wants it.</summary>
/// <param name="Source">Its address without secrets.</param>
public sealed record SourceFailed(DateTimeOffset Time, string Stream, string Source, CloseReason Reason) : MediaEvent(Time);

/// <summary>A relay does something else now; in order.</summary>
/// <param name="Relay">Its destination without secrets.</param>
public sealed record RelayStateChanged(DateTimeOffset Time, string Stream, string Relay, RelayState State) : MediaEvent(Time);

/// <summary>A session of a relay's failed; it is tried again.</summary>
/// <param name="Relay">Its destination without secrets.</param>
public sealed record RelayFailed(DateTimeOffset Time, string Stream, string Relay, CloseReason Reason) : MediaEvent(Time);

/// <summary>The authorizer said no.</summary>
public sealed record AuthorizationFailed(
    DateTimeOffset Time, string Stream, StreamAction Action, string Protocol, EndPoint? RemoteEndPoint, string Reason)
    : MediaEvent(Time);

/// <summary>A server accepted a connection.</summary>
public sealed record ConnectionOpened(DateTimeOffset Time, string Protocol, long ConnectionId, EndPoint? RemoteEndPoint)
    : MediaEvent(Time);

/// <summary>A connection ended; exactly one per <see cref="ConnectionOpened"/>.</summary>
/// <param name="Role"><c>publisher</c>, <c>player</c>, both joined by <c>+</c>, or empty.</param>
/// <param name="Streams">The streams that it published or played.</param>
public sealed record ConnectionClosed(
    DateTimeOffset Time,
    string Protocol,
    long ConnectionId,
    EndPoint? RemoteEndPoint,
    string Role,
    IReadOnlyList<string> Streams,
    TimeSpan Duration,
    CloseReason Reason) : MediaEvent(Time);
