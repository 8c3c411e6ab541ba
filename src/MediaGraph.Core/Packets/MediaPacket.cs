using System.Diagnostics.CodeAnalysis;
using MediaGraph.Media;

namespace MediaGraph.Packets;

/// <summary>
/// One immutable unit of one track: a whole coded frame (H264 and H265 as NAL units with 4-byte length prefixes, AAC as a raw
/// access unit, AV1 as the units of a temporal unit, others as their bare frames), with its times and its codec. The payload is pooled and reference-counted: a packet that is passed to a
/// method is borrowed for that call; who keeps it calls <see cref="Retain"/> and owns exactly one <see cref="Release"/>.
/// Thread-safe.
/// </summary>
public sealed class MediaPacket
{
    private readonly PacketPool _pool;
    private PooledBuffer _buffer = null!;
    private PooledBuffer? _images;
    private Codec _codec = null!;
    private ImageFormat? _frame; // makes the payload; null where it is stored as it is
    private int _offset;
    private int _storedLength;
    private int _length;
    private int _references;

    internal MediaPacket(PacketPool pool) => _pool = pool;

    /// <summary>How the payload is coded. Another instance than in the packet before it announces a change.</summary>
    public Codec Codec
    {
        get
        {
            ThrowIfReleased();
            return _codec;
        }
    }

    /// <summary>Decode time in ticks of the codec's clock since the stream's first packet; strictly increasing per track.</summary>
    public long DecodeTime { get; private set; }

    /// <summary>Presentation time in ticks of the codec's clock; may go back from packet to packet (B-frames).</summary>
    public long PresentationTime { get; private set; }

    /// <summary>See <see cref="PacketFlags"/>.</summary>
    public PacketFlags Flags { get; private set; }

    /// <summary>Whether decoding can start at this packet.</summary>
    public bool IsKeyframe => (Flags & PacketFlags.Keyframe) != 0;

    /// <summary>
    /// The coded bytes. Valid while the caller borrows or owns the packet. Of a frame that is stored in another form they are made on first
    /// demand, as an image.
    /// </summary>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public ReadOnlyMemory<byte> Payload => _frame is { } frame ? GetImage(frame) : Stored;

    /// <summary>What the packet holds: the payload, or the form in which it came, of which <see cref="Frame"/> makes it.</summary>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public ReadOnlyMemory<byte> Stored
    {
        get
        {
            ThrowIfReleased();
            return _buffer.Memory.Slice(_offset, _storedLength);
        }
    }

    /// <summary>Makes the payload of <see cref="Stored"/>; null where that is the payload.</summary>
    public ImageFormat? Frame => _frame;

    /// <summary>The payload's length in bytes.</summary>
    public int Length => _length;

    /// <summary>Decode time as a span since the stream's first packet.</summary>
    public TimeSpan DecodeTimestamp { get; private set; }

    /// <summary>Adds a reference, which its taker must release.</summary>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public void Retain()
    {
        if (!References.TryAdd(ref _references))
            throw Misuse("retained after its release");
    }

    /// <summary>Drops a reference; the last one gives the memory back.</summary>
    /// <exception cref="InvalidOperationException">The packet was released more often than retained.</exception>
    public void Release()
    {
        if (!References.TryRemove(ref _references, out var isLast))
            throw Misuse("released twice");
        if (!isLast)
            return;

        var image = _images;
        _images = null;
        while (image is not null)
        {
            var next = image.NextImage;
            image.Release();
            image = next;
        }

        var buffer = _buffer;
        _pool.ReleasePacket(this);
        buffer.Release();
    }

    /// <summary>
    /// The packet's bytes in a wire form. Made on first demand, shared by all who ask for it, and valid as long as the packet.
    /// </summary>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public ReadOnlyMemory<byte> GetImage(ImageFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        ThrowIfReleased();
        if (format.IsPayload)
            return Payload;
        PooledBuffer? made = null;
        while (true)
        {
            var head = Volatile.Read(ref _images);
            for (var image = head; image is not null; image = image.NextImage)
            {
                if (ReferenceEquals(image.ImageFormat, format))
                {
                    made?.Release(); // another thread was faster
                    return image.Memory[..image.ImageLength];
                }
            }

            if (made is null)
            {
                made = _pool.Rent(format.Measure(this));
                try
                {
                    made.ImageLength = format.Write(this, made.Span);
                }
                catch
                {
                    made.Release();
                    throw;
                }

                made.ImageFormat = format;
            }

            made.NextImage = head;
            if (ReferenceEquals(Interlocked.CompareExchange(ref _images, made, head), head))
                return made.Memory[..made.ImageLength];
        }
    }

    /// <summary>The packet's bytes in a wire form, if it has them already; they are not made.</summary>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public bool TryGetImage(ImageFormat format, out ReadOnlyMemory<byte> image)
    {
        ThrowIfReleased();
        for (var found = Volatile.Read(ref _images); found is not null; found = found.NextImage)
        {
            if (!ReferenceEquals(found.ImageFormat, format))
                continue;
            image = found.Memory[..found.ImageLength];
            return true;
        }

        image = default;
        return false;
    }

    internal void Start(
        PooledBuffer buffer, int offset, int length, Codec codec, long decodeTime, long presentationTime, PacketFlags flags,
        ReadyImage? image, FrameSource? source)
    {
        if (image is { } ready)
        {
            ready.Buffer.ImageFormat = ready.Format;
            ready.Buffer.ImageLength = ready.Length;
            _images = ready.Buffer;
        }

        _buffer = buffer;
        _offset = offset;
        _storedLength = length;
        _frame = source?.Format;
        _length = source?.FrameLength ?? length;
        _codec = codec;
        DecodeTime = decodeTime;
        DecodeTimestamp = MediaTime.ToTimeSpan(decodeTime, codec.ClockRate);
        PresentationTime = presentationTime;
        Flags = flags;
        Volatile.Write(ref _references, 1);
    }

    /// <summary>
    /// The buffer of what is stored, with a reference for the caller, for the first who asks: who alone may write those of its bytes that
    /// nobody reads, such as headers that say nothing yet. The first of all packets that share the buffer, in whatever stream.
    /// </summary>
    /// <param name="buffer">To be released by the caller.</param>
    /// <param name="offset">Where the stored bytes start in it.</param>
    /// <returns>False when somebody has claimed it before.</returns>
    /// <exception cref="InvalidOperationException">The packet was released.</exception>
    public bool TryClaim([NotNullWhen(true)] out PooledBuffer? buffer, out int offset)
    {
        ThrowIfReleased();
        (buffer, offset) = (null, _offset);
        if (!_buffer.TryClaim())
            return false;
        _buffer.Retain();
        buffer = _buffer;
        return true;
    }

    /// <summary>The payload's buffer, with a reference for the caller, and where the payload starts in it.</summary>
    internal (PooledBuffer Buffer, int Offset) ShareBuffer()
    {
        ThrowIfReleased();
        var (buffer, offset) = (_buffer, _offset);
        if (_frame is { } frame)
        {
            GetImage(frame);
            for (buffer = _images!; !ReferenceEquals(buffer.ImageFormat, frame);)
                buffer = buffer.NextImage!;
            offset = 0;
        }

        buffer.Retain();
        return (buffer, offset);
    }

    /// <summary>A packet that waits to be used again keeps nothing alive.</summary>
    internal void Forget() => (_buffer, _codec, _frame) = (null!, null!, null);

    private void ThrowIfReleased()
    {
        if (Volatile.Read(ref _references) <= 0)
            throw Misuse("used after its release");
    }

    private InvalidOperationException Misuse(string what) =>
        new($"A media packet was {what}." + (_buffer?.TakenAt is null ? "" : $" Its buffer was taken at:\n{_buffer.TakenAt}"));
}
