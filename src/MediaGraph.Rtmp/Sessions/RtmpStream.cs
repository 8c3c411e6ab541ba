using MediaGraph.Containers.Flv;
using MediaGraph.Media;
using MediaGraph.Security;
using MediaGraph.Streams;

namespace MediaGraph.Rtmp.Sessions;

/// <summary>
/// One message stream of a connection: idle, publishing, playing or paused. Only the connection's task changes it; the sweep reads
/// whether it is in use.
/// </summary>
internal sealed class RtmpStream(uint id)
{
    private volatile string? _name;
    private volatile Subscription? _subscription;

    /// <summary>The timestamps of a message stream wrap together.</summary>
    public TimestampUnwrapper Timestamps;

    public uint Id { get; } = id;

    /// <summary>What it publishes or plays; null while idle.</summary>
    public string? Name
    {
        get => _name;
        set => _name = value;
    }

    /// <summary>Who plays it, for playing on after a pause.</summary>
    public Peer? Peer { get; set; }

    public Feed? Feed { get; set; }

    public FlvFeedWriter? Writer { get; set; }

    /// <summary>What feeds a player; null while it is paused.</summary>
    public Subscription? Subscription
    {
        get => _subscription;
        set => _subscription = value;
    }

    /// <summary>Whether the peer publishes or plays through it, and the stream has not ended.</summary>
    public bool IsActive => _name is not null && _subscription?.State != SubscriptionState.Ended;
}
