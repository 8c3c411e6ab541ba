using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Packets;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Talk;
using MediaGraph.Validation;

namespace MediaGraph.Streams;

/// <summary>Settings of a <see cref="StreamHub"/>.</summary>
public sealed record StreamHubOptions : IValidatedOptions
{
    /// <summary>Who may publish, play and talk; null allows all.</summary>
    public IStreamAuthorizer? Authorizer { get; init; }

    /// <summary>What happens to peers that the authorizer refuses.</summary>
    public AuthorizationFailureOptions AuthorizationFailures { get; init; } = new();

    /// <summary>What happens to a second publisher. Default <see cref="PublisherConflict.Refuse"/>.</summary>
    public PublisherConflict OnPublisherConflict { get; init; } = PublisherConflict.Refuse;

    /// <summary>
    /// After how long without a byte a publisher is stale, and can be replaced by a new one of the same user, or anonymous from
    /// the same address. 1 s to 1 day, default 5 s: an encoder that lost its network comes back sooner than its connection is given up.
    /// </summary>
    public TimeSpan StalePublisherAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long consumers stay, waiting, when their publisher has left. Default 10 s: what an encoder needs to reconnect. Zero
    /// ends them at once; at most 1 day, so that nobody is forgotten.
    /// </summary>
    public TimeSpan WaitForPublisher { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What late joiners are given.</summary>
    public GroupCacheOptions GroupCache { get; init; } = new();

    /// <summary>Bounds of the queues of subscriptions by code, which are sent nothing: they have no replies and nothing in place.</summary>
    public PacketQueueOptions Queue { get; init; } = new();

    /// <summary>How the sources of streams are run.</summary>
    public SourceOptions Sources { get; init; } = new();

    /// <summary>How streams are pushed to other servers.</summary>
    public RelayOptions Relays { get; init; } = new();

    /// <summary>Which other server is asked for streams that are not here; null for none.</summary>
    public UpstreamOptions? Upstream { get; init; }

    /// <summary>Bounds of talking to devices.</summary>
    public TalkOptions Talk { get; init; } = new();

    /// <summary>Where packets take their memory from.</summary>
    public PacketPoolOptions Pool { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(AuthorizationFailures)
        .Check(OnPublisherConflict)
        .Check(StalePublisherAfter)
        .Check(WaitForPublisher, TimeSpan.Zero)
        .Check(GroupCache)
        .Check(Queue)
        .Check(Sources)
        .Check(Relays)
        .Check(Upstream)
        .Check(Talk)
        .Check(Pool);
}
