using MediaGraph.Validation;

namespace MediaGraph.Packets;

/// <summary>Settings of a <see cref="PacketPool"/>.</summary>
public sealed record PacketPoolOptions : IValidatedOptions
{
    private static readonly bool DiagnosticsByDefault =
#if DEBUG
        true;
#else
        AppContext.TryGetSwitch("MediaGraph.PacketDiagnostics", out var on) && on;
#endif

    /// <summary>
    /// Bytes that the pool keeps for later use, at most, 0 or more; what comes back beyond that is left to the garbage collector. Default
    /// 64 MiB: some seconds of a hundred busy streams.
    /// </summary>
    public long MaxRetainedBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Poison released buffers, never use them again, and remember where each buffer was taken. Costs a stack walk per buffer.
    /// Default: on in Debug builds, and where the <c>MediaGraph.PacketDiagnostics</c> switch of the runtime is set.
    /// </summary>
    public bool Diagnostics { get; init; } = DiagnosticsByDefault;

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix).Check(MaxRetainedBytes, 0);
}
