using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MediaGraph.Packets;

/// <summary>
/// A reference-counted array of a <see cref="PacketPool"/>. Whoever rents it owns one reference; the last
/// <see cref="Release"/> gives it back. Any misuse throws <see cref="InvalidOperationException"/>.
/// </summary>
public sealed class PooledBuffer
{
    private readonly PacketPool _pool;
    private readonly byte[] _array;
    private int _references;
    private int _isClaimed; // belongs to the memory, which packets of several streams may share

    internal PooledBuffer(PacketPool pool, byte[] array, int sizeClass)
    {
        _pool = pool;
        _array = array;
        SizeClass = sizeClass;
    }

    /// <summary>The whole array; at least as long as was asked for.</summary>
    /// <exception cref="InvalidOperationException">The buffer was released.</exception>
    public Memory<byte> Memory
    {
        get
        {
            ThrowIfReleased();
            return _array;
        }
    }

    /// <inheritdoc cref="Memory"/>
    public Span<byte> Span
    {
        get
        {
            ThrowIfReleased();
            return _array;
        }
    }

    /// <summary>Bytes in the array.</summary>
    public int Capacity => _array.Length;

    internal int SizeClass { get; }

    /// <summary>Where the buffer was rented; only with <see cref="PacketPoolOptions.Diagnostics"/>.</summary>
    internal StackTrace? TakenAt { get; private set; }

    // A buffer that holds a packet's image is a link of the packet's list of images.
    internal ImageFormat? ImageFormat { get; set; }

    internal int ImageLength { get; set; }

    internal PooledBuffer? NextImage { get; set; }

    /// <summary>Adds a reference, which its taker must release.</summary>
    /// <exception cref="InvalidOperationException">The buffer was released.</exception>
    public void Retain()
    {
        if (!References.TryAdd(ref _references))
            throw Misuse("retained after its release");
    }

    /// <summary>Drops a reference; the last one gives the buffer back.</summary>
    /// <exception cref="InvalidOperationException">The buffer was released more often than retained.</exception>
    public void Release()
    {
        if (!References.TryRemove(ref _references, out var isLast))
            throw Misuse("released twice");
        if (isLast)
            _pool.Return(this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // its frame is the one that is skipped
    internal void MarkRented(bool remember)
    {
        _isClaimed = 0;
        Volatile.Write(ref _references, 1);
        if (remember)
            TakenAt = new StackTrace(1, fNeedFileInfo: false);
    }

    /// <summary>See <see cref="MediaPacket.TryClaim"/>; true once for whoever rents the buffer.</summary>
    internal bool TryClaim() => Interlocked.Exchange(ref _isClaimed, 1) == 0;

    internal void Poison() => _array.AsSpan().Fill(0xDD);

    private void ThrowIfReleased()
    {
        if (Volatile.Read(ref _references) <= 0)
            throw Misuse("used after its release");
    }

    private InvalidOperationException Misuse(string what) =>
        new($"A pooled buffer was {what}." + (TakenAt is null ? "" : $" It was taken at:\n{TakenAt}"));
}
