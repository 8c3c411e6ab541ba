using System.Collections.Immutable;
using MediaGraph.Graph;
using MediaGraph.Media;

namespace MediaGraph.Talk;

/// <summary>A view of a stream's speaker.</summary>
/// <param name="Codecs">What it takes, the best first.</param>
/// <param name="Sessions">Talk sessions, silent ones included.</param>
/// <param name="Talker">Who has the place; null when it is free.</param>
/// <param name="Failure">Why its last talk failed; null when it did not.</param>
public sealed record SpeakerSnapshot(ImmutableArray<Codec> Codecs, int Sessions, TalkerSnapshot? Talker, CloseReason? Failure);
