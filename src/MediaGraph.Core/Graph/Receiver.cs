using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Streams;

namespace MediaGraph.Graph;

/// <summary>
/// The root of one track. It belongs to its stream and stays when publishers change: the next feed writes the same receiver.
/// </summary>
public sealed class Receiver : Node
{
    private Codec? _codec;
    private long _packets;
    private long _bytes;
    private long _lastDecodeTicks;

    /// <summary>Creates a receiver for a track.</summary>
    /// <param name="track">What the receiver carries.</param>
    /// <param name="cache">How much is kept for late joiners; null for the defaults.</param>
    public Receiver(Track track, GroupCacheOptions? cache = null)
        : base(cache ?? new GroupCacheOptions(), closesWhenEmpty: false)
    {
        ArgumentNullException.ThrowIfNull(track);
        Track = track;
    }

    /// <summary>What the receiver carries.</summary>
    public Track Track { get; }

    /// <summary>The codec of the current feed's packets; null while nobody feeds the track.</summary>
    public Codec? Codec => Volatile.Read(ref _codec);

    /// <summary>Packets that went through, since the receiver was made.</summary>
    public long Packets => Interlocked.Read(ref _packets);

    /// <summary>Payload bytes that went through, since the receiver was made.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Decode time of the newest packet.</summary>
    public TimeSpan LastDecodeTime => new(Interlocked.Read(ref _lastDecodeTicks));

    /// <summary>Hands a packet, which the caller keeps, to everyone below. Calls must not overlap.</summary>
    public void Push(MediaPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        if (IsClosed)
            return;
        Volatile.Write(ref _codec, packet.Codec);
        Interlocked.Increment(ref _packets);
        Interlocked.Add(ref _bytes, packet.Length);
        Interlocked.Exchange(ref _lastDecodeTicks, packet.DecodeTimestamp.Ticks);
        FanOut(packet);
    }

    /// <summary>Decode time of the newest packet in ticks of its clock. Guarded by the stream's push lock.</summary>
    internal long LastTicks { get; set; } = -1;

    /// <summary>The clock of <see cref="LastTicks"/>; 0 before the first packet.</summary>
    internal int LastClockRate { get; set; }

    /// <summary>Name of the codec of the feed before; null without one.</summary>
    internal string? LastCodecName { get; private set; }

    /// <summary>Which track of a source writes it; null for none, and for a publisher's. Guarded by the stream's push lock.</summary>
    internal FeedTrack? Writer { get; set; }

    /// <summary>Tells late joiners what is coming, before the first packet has come.</summary>
    internal void Announce(Codec codec) => Volatile.Write(ref _codec, codec);

    /// <summary>The feed has ended: what it left is of no use to anyone who joins now.</summary>
    internal void Rest()
    {
        LastCodecName = Codec?.Name ?? LastCodecName;
        Volatile.Write(ref _codec, null);
        ClearCache();
    }

    internal override void Accept(MediaPacket packet) => Push(packet);
}
