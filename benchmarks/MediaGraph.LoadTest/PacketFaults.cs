namespace MediaGraph.LoadTest;

/// <summary>RTP packets that did not come in their order.</summary>
internal record struct PacketFaults
{
    /// <summary>Numbers that were left out.</summary>
    public long Lost { get; set; }

    /// <summary>Those that came when a later one had come: over UDP they are left out too, and are among the lost.</summary>
    public long Late { get; set; }

    public static PacketFaults operator +(PacketFaults one, PacketFaults other) =>
        new() { Lost = one.Lost + other.Lost, Late = one.Late + other.Late };
}
