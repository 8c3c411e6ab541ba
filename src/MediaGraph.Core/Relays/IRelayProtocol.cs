using System.Collections.Immutable;

namespace MediaGraph.Relays;

/// <summary>
/// A protocol that streams can be pushed by. It is registered with a hub (<see cref="Streams.StreamHub.AddRelayProtocol"/>), which then
/// knows its schemes. Called by any thread.
/// </summary>
public interface IRelayProtocol
{
    /// <summary>The schemes of its addresses, in lower case and without the colon.</summary>
    ImmutableArray<string> Schemes { get; }

    /// <summary>Reads an address, and touches nothing.</summary>
    /// <param name="url">The address.</param>
    /// <exception cref="FormatException">It is none; the message says what is wrong, and holds no secret.</exception>
    IRelayTarget CreateTarget(string url);
}
