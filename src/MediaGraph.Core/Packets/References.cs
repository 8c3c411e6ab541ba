namespace MediaGraph.Packets;

/// <summary>
/// Reference counts that never come back from zero: a late <see cref="TryAdd"/> fails, whatever other threads do meanwhile.
/// </summary>
internal static class References
{
    public static bool TryAdd(ref int count)
    {
        var current = Volatile.Read(ref count);
        while (current > 0)
        {
            var seen = Interlocked.CompareExchange(ref count, current + 1, current);
            if (seen == current)
                return true;
            current = seen;
        }

        return false;
    }

    public static bool TryRemove(ref int count, out bool isLast)
    {
        var current = Volatile.Read(ref count);
        while (current > 0)
        {
            var seen = Interlocked.CompareExchange(ref count, current - 1, current);
            if (seen == current)
            {
                isLast = current == 1;
                return true;
            }

            current = seen;
        }

        isLast = false;
        return false;
    }
}
