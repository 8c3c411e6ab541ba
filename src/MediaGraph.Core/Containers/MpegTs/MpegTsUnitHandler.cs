namespace MediaGraph.Containers.MpegTs;

/// <summary>Takes a unit that is complete.</summary>
public delegate void MpegTsUnitHandler(scoped in MpegTsUnit unit);
