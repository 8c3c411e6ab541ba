namespace MediaGraph.LoadTest;

/// <summary>What differs between protocols: how a client asks for its stream, and how media looks on its connection.</summary>
internal interface IWire : IDisposable
{
    /// <summary>Packets that did not come in the order of their numbers; null where they have none.</summary>
    PacketFaults? Packets => null;

    /// <summary>Asks for the stream and returns when the server has agreed.</summary>
    Task OpenAsync(string name, CancellationToken stop);

    /// <summary>What the connection brings besides itself is received from now on.</summary>
    void StartReceiving()
    {
    }

    /// <summary>Takes what came on the connection.</summary>
    void Parse(ReadOnlySpan<byte> bytes);

    /// <summary>A track's parameters as they go out, until the next call; empty where they are said in opening.</summary>
    ReadOnlyMemory<byte> WriteParameters(int track);

    /// <summary>A frame as it goes out, until the next call.</summary>
    ReadOnlyMemory<byte> WriteFrame(int track, TimeSpan time, ReadOnlySpan<byte> frame);

    /// <summary>A publisher's.</summary>
    static IWire Publishing(Client client, SyntheticTrack[] tracks) =>
        client.Target.IsRtsp ? new RtspWire(client, tracks, []) : new RtmpWire(client, tracks, []);

    /// <summary>A viewer's, who has what comes checked.</summary>
    static IWire Playing(Client client, TrackCheck[] checks) =>
        client.Target.IsRtsp ? new RtspWire(client, null, checks) : new RtmpWire(client, null, checks);
}
