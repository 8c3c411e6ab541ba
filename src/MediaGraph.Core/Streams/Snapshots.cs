using System.Collections.Immutable;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Relays;
using MediaGraph.Sources;
using MediaGraph.Talk;

namespace MediaGraph.Streams;

/// <summary>A view of the whole hub.</summary>
/// <param name="Streams">All streams, by name.</param>
/// <param name="Relays">All relays, also those of streams that are not there.</param>
/// <param name="Pool">What the packets take.</param>
public sealed record HubSnapshot(
    ImmutableArray<StreamSnapshot> Streams, ImmutableArray<RelaySnapshot> Relays, PacketPoolStatistics Pool);

/// <summary>A view of a stream.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Feed">Who feeds it, the first of several sources; null while it waits for a publisher or its sources.</param>
/// <param name="WaitingFor">How long it has had no such feed; null while it has one.</param>
/// <param name="Tracks">What it carries.</param>
/// <param name="Consumers">Whom it feeds.</param>
/// <param name="Speaker">The loudspeaker of its source, and who talks; null without.</param>
/// <param name="Sources">What it is taken from, in order; empty for one that is published.</param>
/// <param name="Leases">How many hold its sources: viewers, talkers, and whoever else wants them.</param>
/// <param name="Relays">Where it is pushed to.</param>
public sealed record StreamSnapshot(
    string Name,
    FeedSnapshot? Feed,
    TimeSpan? WaitingFor,
    ImmutableArray<TrackSnapshot> Tracks,
    ImmutableArray<SubscriptionSnapshot> Consumers,
    SpeakerSnapshot? Speaker,
    ImmutableArray<SourceSnapshot> Sources,
    int Leases,
    ImmutableArray<RelaySnapshot> Relays);

/// <summary>A view of a feed.</summary>
/// <param name="Number">Counts the feeds of the stream, from 1.</param>
/// <param name="Protocol">What it comes in by.</param>
/// <param name="RemoteEndPoint">Where it comes from; null for the application itself.</param>
/// <param name="User">Whom the authorizer took it for; null for anonymous.</param>
/// <param name="Age">How long ago it began.</param>
/// <param name="VideoPackets">Video packets that it sent.</param>
/// <param name="AudioPackets">Audio packets that it sent.</param>
/// <param name="Bytes">Payload bytes that it sent.</param>
public sealed record FeedSnapshot(
    long Number, string Protocol, string? RemoteEndPoint, string? User, TimeSpan Age, long VideoPackets, long AudioPackets, long Bytes);

/// <summary>A view of a track.</summary>
/// <param name="Id">What makes it the same track after a reconnect.</param>
/// <param name="Kind">Video, audio or data.</param>
/// <param name="Codec">The codec; null while nobody feeds the track.</param>
/// <param name="Packets">Packets so far, over all feeds.</param>
/// <param name="Bytes">Payload bytes so far, over all feeds.</param>
/// <param name="LastTime">Decode time of the newest packet.</param>
public sealed record TrackSnapshot(string Id, MediaKind Kind, Codec? Codec, long Packets, long Bytes, TimeSpan LastTime);

/// <summary>A view of a subscription.</summary>
/// <param name="Id">Unique in the hub.</param>
/// <param name="Protocol">What it goes out by.</param>
/// <param name="RemoteEndPoint">Where it goes; null for the application itself.</param>
/// <param name="State">What it is doing.</param>
/// <param name="StateAge">For how long.</param>
/// <param name="Reason">Why it waits or ended; null while it is fed.</param>
/// <param name="NextTryIn">
/// After how long the next source is tried that may bring what it waits for; null while that is not planned, and while it is fed.
/// </param>
/// <param name="Packets">What went through and what was dropped, over all tracks.</param>
/// <param name="Queue">What waits.</param>
public sealed record SubscriptionSnapshot(
    long Id,
    string Protocol,
    string? RemoteEndPoint,
    SubscriptionState State,
    TimeSpan StateAge,
    CloseReason? Reason,
    TimeSpan? NextTryIn,
    SenderStatistics Packets,
    QueueStatistics Queue);
