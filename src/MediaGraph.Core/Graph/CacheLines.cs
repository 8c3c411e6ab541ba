using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MediaGraph.Graph;

/// <summary>
/// Asks for memory before it is needed. Between two frames of a stream everything that belongs to a viewer has left the caches: a
/// fan-out would wait for some ten cache lines per viewer, and asks for those of the next ones while the kernel sends to this one.
/// </summary>
internal static class CacheLines
{
    private const int Length = 64; // bytes

    /// <summary>A hint: reads nothing, fails never, and does nothing where the processor has no such instruction.</summary>
    /// <param name="instance">What will be read; it may move meanwhile, then the hint is in vain.</param>
    /// <param name="count">How many lines from the object's start.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch<T>(T instance, int count)
        where T : class
    {
        if (!Sse.IsSupported)
            return;
        var address = *(byte**)Unsafe.AsPointer(ref instance);
        for (var i = 0; i < count; i++)
            Sse.Prefetch0(address + (i * Length));
    }
}
