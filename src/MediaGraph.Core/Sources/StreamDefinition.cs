using System.Collections.Immutable;
using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>What the hub does with a stream by itself: a name, where it comes from, and where it goes to.</summary>
/// <param name="Name">The stream's name: see <see cref="StreamName"/>.</param>
public sealed record StreamDefinition(string Name)
{
    /// <summary>
    /// Addresses of its sources, in order; none if others publish it and it is only pushed on (<see cref="PushTo"/>).
    /// <c>#media=video</c>, <c>audio</c> or <c>talk</c>, several joined by commas, limits what one of
    /// them is used for; the other options are the protocol's.
    /// </summary>
    public ImmutableArray<string> Sources { get; init; } = [];

    /// <summary>What several sources are to each other. Default <see cref="SourceMode.Complementary"/>.</summary>
    public SourceMode Mode { get; init; }

    /// <summary>Whether pictures and sound are kept running without a viewer. Default false.</summary>
    public bool Preload { get; init; }

    /// <summary>
    /// Whether it can be had at all. Default true. Disabled, its sources stand still, and its consumers are told so; without sources, it is
    /// not pushed.
    /// </summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>See <see cref="SourceOptions.Linger"/>; null for the hub's.</summary>
    public TimeSpan? Linger { get; init; }

    /// <summary>Addresses of other servers that it is always pushed to, which keeps it running.</summary>
    public ImmutableArray<string> PushTo { get; init; } = [];

    /// <summary>Whether it was asked for, and is gone when nobody has it any more.</summary>
    internal bool IsTransient { get; init; }
}
