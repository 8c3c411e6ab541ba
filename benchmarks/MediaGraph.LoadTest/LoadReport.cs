namespace MediaGraph.LoadTest;

/// <summary>What a run has found; <c>--json</c> writes it, <c>docs/performance.md</c> explains it.</summary>
internal sealed record LoadReport
{
    public required LoadOptions Options { get; init; }

    /// <summary>Whether every viewer got what it should.</summary>
    public required bool IsRight { get; init; }

    /// <summary>Measured.</summary>
    public double Seconds { get; init; }

    /// <summary>Bodies of media messages that all viewers got meanwhile.</summary>
    public long Bytes { get; init; }

    public long Frames { get; init; }

    public double Gbits { get; init; }

    public double MbitsPerViewer { get; init; }

    /// <summary>What all publishers sent meanwhile.</summary>
    public double PublishedGbits { get; init; }

    /// <summary>From a frame's sending to its last byte at a steady viewer.</summary>
    public Spread? LatencyMs { get; init; }

    /// <summary>From before the connection to the server's first answer.</summary>
    public Spread? ConnectMs { get; init; }

    /// <summary>From before the connection to the first whole keyframe.</summary>
    public Spread? FirstPictureMs { get; init; }

    /// <summary>Null without <c>--pid</c>.</summary>
    public ServerReport? Server { get; init; }

    /// <summary>This program's own; near 100 on one core it is what limits the figures.</summary>
    public double ToolCpuPercent { get; init; }

    public required ViewersReport Steady { get; init; }

    public ViewersReport? Slow { get; init; }

    public ViewersReport? Stalled { get; init; }

    public IdleReport? Idle { get; init; }

    public ChurnReport? Churn { get; init; }

    /// <summary>Why connections ended, at most ten.</summary>
    public required string[] Failures { get; init; }

    public sealed record ServerReport
    {
        public required double? CpuSecondsPerGb { get; init; }

        public required double? CpuPercent { get; init; }

        /// <summary>Before anybody connected.</summary>
        public required ServerSample Before { get; init; }

        /// <summary>At the end of what was measured; with everybody idle, if nothing was.</summary>
        public required ServerSample During { get; init; }

        /// <summary>When everybody had left, and the sockets were gone or 10 s over.</summary>
        public required ServerSample After { get; init; }
    }

    public sealed record ViewersReport
    {
        public required int Viewers { get; init; }

        /// <summary>Lost their connection.</summary>
        public required int Failed { get; init; }

        /// <summary>Never saw a keyframe.</summary>
        public required int WithoutPicture { get; init; }

        /// <summary>Had not all that was published while it was measured 15 s later.</summary>
        public required int Behind { get; init; }

        public required FrameFaults Faults { get; init; }

        /// <summary>Null where packets have no numbers.</summary>
        public PacketFaults? Packets { get; init; }
    }

    public sealed record IdleReport
    {
        public required int Viewers { get; init; }

        /// <summary>The server's memory for each, without the first tenth of them; null without <c>--pid</c>.</summary>
        public required double? KibPerViewer { get; init; }
    }

    public sealed record ChurnReport
    {
        public required int Connections { get; init; }

        /// <summary>The server did not agree to play or publish.</summary>
        public required int Failed { get; init; }

        /// <summary>Half-closed ones that the server had not closed after 5 s.</summary>
        public required int LeftOpen { get; init; }

        /// <summary>Before them, with the viewers; null without <c>--pid</c>.</summary>
        public ServerSample? Before { get; init; }

        public ServerSample? After { get; init; }
    }
}
