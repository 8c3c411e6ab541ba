namespace MediaGraph.Containers.Flv;

/// <summary>The bytes are no FLV.</summary>
/// <param name="message">What is wrong with them.</param>
public sealed class FlvFormatException(string message) : FormatException(message);
