namespace MediaGraph.LoadTest;

/// <summary>What the server's processes hold at one time.</summary>
internal sealed record ServerSample
{
    /// <summary>Resident memory, in MiB.</summary>
    public required double MemoryMb { get; init; }

    /// <summary>Open descriptors: sockets, files, and the libraries that a runtime has loaded by now.</summary>
    public required int Descriptors { get; init; }

    /// <summary>Those of them that are sockets, TCP and others.</summary>
    public required int Sockets { get; init; }
}
