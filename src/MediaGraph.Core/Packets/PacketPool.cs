using System.Collections.Concurrent;
using System.Numerics;
using System.Text;
using MediaGraph.Media;

namespace MediaGraph.Packets;

/// <summary>
/// Where packets and their memory come from: arrays in power-of-two sizes that are used again, bounded in what it retains.
/// Thread-safe. One pool per <c>StreamHub</c>; protocols rent from it.
/// </summary>
public sealed class PacketPool
{
    private const int SmallestShift = 8; // 256 bytes: a chunk header with a small audio frame
    private const int LargestShift = 24; // 16 MiB: the largest message that any limit lets in

    private readonly Bucket[] _buckets = new Bucket[LargestShift - SmallestShift + 1];
    private readonly ConcurrentDictionary<object, byte>? _outstanding; // only with diagnostics: what is in use
    private readonly Stack<MediaPacket> _packets = new();
    private readonly Lock _packetsLock = new();
    private readonly int _maxRetainedPackets = 4096;
    private readonly PacketPoolOptions _options;
    private long _outstandingBuffers;
    private long _outstandingBytes;
    private long _outstandingPackets;
    private long _retainedBytes;
    private long _allocations;

    /// <summary>Creates a pool.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    public PacketPool(PacketPoolOptions? options = null)
    {
        _options = options ?? new PacketPoolOptions();
        for (var i = 0; i < _buckets.Length; i++)
            _buckets[i] = new Bucket();
        if (_options.Diagnostics)
            _outstanding = new ConcurrentDictionary<object, byte>(ReferenceEqualityComparer.Instance);
    }

    /// <summary>Rents a buffer of at least the given length; the caller owns its one reference.</summary>
    /// <param name="minimumLength">Bytes, 0 or more.</param>
    public PooledBuffer Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        var sizeClass = Math.Max(0, BitOperations.Log2((uint)Math.Max(1, minimumLength - 1)) + 1 - SmallestShift);
        var buffer = sizeClass < _buckets.Length ? Take(_buckets[sizeClass]) : null;
        if (buffer is null)
        {
            var length = sizeClass < _buckets.Length ? 1 << (sizeClass + SmallestShift) : minimumLength;
            buffer = new PooledBuffer(this, GC.AllocateUninitializedArray<byte>(length), sizeClass);
            Interlocked.Increment(ref _allocations);
        }

        buffer.MarkRented(_options.Diagnostics);
        _outstanding?.TryAdd(buffer, 0);
        Interlocked.Increment(ref _outstandingBuffers);
        Interlocked.Add(ref _outstandingBytes, buffer.Capacity);
        return buffer;
    }

    /// <summary>
    /// Makes a packet over a part of a buffer, whose one reference passes from the caller to the packet. The caller owns the
    /// packet's one reference.
    /// </summary>
    /// <param name="buffer">A rented buffer that nobody writes any more.</param>
    /// <param name="offset">Where the payload starts, in bytes.</param>
    /// <param name="length">The payload's length in bytes.</param>
    /// <param name="codec">How the payload is coded.</param>
    /// <param name="decodeTime">Decode time in ticks of the codec's clock.</param>
    /// <param name="presentationTime">Presentation time in ticks of the codec's clock; not before the decode time as a rule.</param>
    /// <param name="flags">See <see cref="PacketFlags"/>.</param>
    /// <param name="image">An image that is there already; its buffer's one reference passes to the packet.</param>
    /// <param name="source">How the payload is made of the part of the buffer; null where that is the payload.</param>
    public MediaPacket CreatePacket(
        PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime, PacketFlags flags,
        ReadyImage? image = null, FrameSource? source = null)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ArgumentNullException.ThrowIfNull(codec);
        if ((uint)offset > (uint)buffer.Capacity || (uint)length > (uint)(buffer.Capacity - offset))
            throw new ArgumentOutOfRangeException(nameof(length), "The payload must lie inside the buffer.");

        MediaPacket? packet = null;
        if (!_options.Diagnostics)
        {
            lock (_packetsLock)
                _packets.TryPop(out packet);
        }

        packet ??= new MediaPacket(this);
        packet.Start(buffer, offset, length, codec, decodeTime, presentationTime, flags, image, source);
        Interlocked.Increment(ref _outstandingPackets);
        return packet;
    }

    /// <summary>Makes a packet whose payload is a copy of the given bytes. The caller owns the packet's one reference.</summary>
    /// <inheritdoc cref="CreatePacket(PooledBuffer, int, int, Codec, long, long, PacketFlags, ReadyImage?, FrameSource?)"/>
    /// <param name="payload">Copied.</param>
    public MediaPacket CreatePacket(
        ReadOnlySpan<byte> payload, Codec codec, long decodeTime, long presentationTime, PacketFlags flags)
    {
        ArgumentNullException.ThrowIfNull(codec);
        var buffer = Rent(payload.Length);
        payload.CopyTo(buffer.Span);
        return CreatePacket(buffer, 0, payload.Length, codec, decodeTime, presentationTime, flags);
    }

    /// <summary>What the pool holds now.</summary>
    public PacketPoolStatistics GetStatistics() => new(
        Interlocked.Read(ref _outstandingBuffers),
        Interlocked.Read(ref _outstandingBytes),
        Interlocked.Read(ref _outstandingPackets),
        Interlocked.Read(ref _retainedBytes),
        Interlocked.Read(ref _allocations));

    /// <summary>
    /// Lists the buffers that are in use with the place where each was taken; empty without
    /// <see cref="PacketPoolOptions.Diagnostics"/>.
    /// </summary>
    public string DescribeOutstanding()
    {
        var text = new StringBuilder();
        foreach (var buffer in _outstanding?.Keys.Cast<PooledBuffer>().Take(16) ?? [])
            text.Append(buffer.Capacity).Append(" bytes taken at:\n").Append(buffer.TakenAt);
        return text.ToString();
    }

    internal void Return(PooledBuffer buffer)
    {
        Interlocked.Decrement(ref _outstandingBuffers);
        Interlocked.Add(ref _outstandingBytes, -buffer.Capacity);
        buffer.ImageFormat = null;
        buffer.NextImage = null;
        if (_options.Diagnostics)
        {
            _outstanding!.TryRemove(buffer, out _);
            buffer.Poison();
            return; // never used again, so that whoever still reads it sees the poison
        }

        if (buffer.SizeClass >= _buckets.Length)
            return;
        if (Interlocked.Add(ref _retainedBytes, buffer.Capacity) > _options.MaxRetainedBytes)
        {
            Interlocked.Add(ref _retainedBytes, -buffer.Capacity);
            return;
        }

        var bucket = _buckets[buffer.SizeClass];
        lock (bucket.BuffersLock)
            bucket.Buffers.Push(buffer);
    }

    internal void ReleasePacket(MediaPacket packet)
    {
        Interlocked.Decrement(ref _outstandingPackets);
        if (_options.Diagnostics)
            return; // never used again, and still able to tell where its buffer was taken
        packet.Forget();
        lock (_packetsLock)
        {
            if (_packets.Count < _maxRetainedPackets)
                _packets.Push(packet);
        }
    }

    private PooledBuffer? Take(Bucket bucket)
    {
        PooledBuffer? buffer;
        lock (bucket.BuffersLock)
            bucket.Buffers.TryPop(out buffer);
        if (buffer is not null)
            Interlocked.Add(ref _retainedBytes, -buffer.Capacity);
        return buffer;
    }

    private sealed class Bucket
    {
        public readonly Lock BuffersLock = new();
        public readonly Stack<PooledBuffer> Buffers = new();
    }
}
