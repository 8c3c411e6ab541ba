namespace MediaGraph.Diagnostics;

/// <summary>Names of the meter and the instruments of the core.</summary>
public static class MetricNames
{
    /// <summary>The core's meter.</summary>
    public const string CoreMeter = "MediaGraph.Core";

    /// <summary>Gauge: streams that exist.</summary>
    public const string Streams = "mediagraph.streams";

    /// <summary>Gauge: consumers of all streams.</summary>
    public const string Consumers = "mediagraph.consumers";

    /// <summary>Counter: packets that were delivered to consumers.</summary>
    public const string PacketsDelivered = "mediagraph.packets.delivered";

    /// <summary>Counter: packets that consumers lost; the tag <c>reason</c> is overflow, keyframe or close.</summary>
    public const string PacketsDropped = "mediagraph.packets.dropped";

    /// <summary>Counter, in bytes: what was delivered to consumers.</summary>
    public const string BytesDelivered = "mediagraph.bytes.delivered";

    /// <summary>Counter: fan-outs of one packet that took longer than 2 ms.</summary>
    public const string SlowFanOuts = "mediagraph.fanouts.slow";

    /// <summary>Gauge: sources of streams; the tag <c>state</c> is a <see cref="Sources.SourceState"/>: <c>backing_off</c>.</summary>
    public const string SourceStates = "mediagraph.sources";

    /// <summary>Counter: sessions with sources that were begun.</summary>
    public const string SourceRuns = "mediagraph.source.runs";

    /// <summary>Counter: sessions with sources that failed; the tag <c>code</c> is a <see cref="Graph.CloseCode"/>.</summary>
    public const string SourceFailures = "mediagraph.source.failures";

    /// <summary>Gauge: relays; the tag <c>state</c> is a <see cref="MediaGraph.Relays.RelayState"/>, as above.</summary>
    public const string RelayStates = "mediagraph.relays";

    /// <summary>Counter: sessions of relays that failed; the tag <c>code</c> is a <see cref="Graph.CloseCode"/>.</summary>
    public const string RelayFailures = "mediagraph.relay.failures";

    /// <summary>Gauge: talkers that devices listen to.</summary>
    public const string Talks = "mediagraph.talks";

    /// <summary>Counter: packets of talkers that devices were given.</summary>
    public const string TalkPackets = "mediagraph.talk.packets";

    /// <summary>Counter: packets of talkers that devices did not take in time.</summary>
    public const string TalkPacketsDropped = "mediagraph.talk.packets.dropped";

    /// <summary>Counter: failures of speakers; the tag <c>reason</c> is open, write, close, or abandoned for calls that do not end.</summary>
    public const string TalkFailures = "mediagraph.talk.failures";

    /// <summary>Gauge, in bytes: packet memory in use.</summary>
    public const string PoolOutstanding = "mediagraph.pool.outstanding";

    /// <summary>Gauge, in bytes: packet memory that waits to be used again.</summary>
    public const string PoolRetained = "mediagraph.pool.retained";
}
