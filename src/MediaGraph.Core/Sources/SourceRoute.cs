using MediaGraph.Streams;

namespace MediaGraph.Sources;

/// <summary>What of a feed goes into the stream; the rest goes nowhere.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Video">Whether its pictures do.</param>
/// <param name="Audio">Whether its sound does.</param>
/// <param name="Data">Whether all else does.</param>
internal readonly record struct SourceRoute(Feed Feed, bool Video, bool Audio, bool Data);
