namespace MediaGraph.Rtmp.Amf;

/// <summary>One named value of an <see cref="AmfObject"/>.</summary>
internal readonly record struct AmfProperty(string Name, AmfValue Value);
