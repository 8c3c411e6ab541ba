using System.Collections.Immutable;

namespace MediaGraph.Sources;

/// <summary>
/// A protocol that streams can be taken from. It is registered with a hub (<see cref="Streams.StreamHub.AddSourceProtocol"/>), which then knows
/// its schemes. Called by any thread.
/// </summary>
public interface ISourceProtocol
{
    /// <summary>The schemes of its addresses, in lower case and without the colon.</summary>
    ImmutableArray<string> Schemes { get; }

    /// <summary>Reads an address, and touches nothing.</summary>
    /// <param name="url">The address, without the option <c>#media=</c>, which the hub obeys itself.</param>
    /// <exception cref="FormatException">It is none; the message says what is wrong, and holds no secret.</exception>
    ISource CreateSource(string url);
}
