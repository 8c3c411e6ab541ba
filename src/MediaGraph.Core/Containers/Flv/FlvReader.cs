using System.Buffers.Binary;
using MediaGraph.Packets;

namespace MediaGraph.Containers.Flv;

/// <summary>Reads the tags of an FLV file (FLV 10.1 §E.2 and §E.3). Not thread-safe.</summary>
/// <param name="file">The file's bytes from its start. The caller owns it.</param>
/// <param name="pool">Where the bodies' memory comes from.</param>
public sealed class FlvReader(Stream file, PacketPool pool)
{
    private const int FileHeaderLength = 9;
    private const int TagHeaderLength = 11;
    private const int BackPointerLength = 4;
    private const int FirstReadLength = 16 << 10;

    private readonly byte[] _header = new byte[BackPointerLength + TagHeaderLength];
    private bool _started;

    /// <summary>Reads the next tag; null at the end of the file, also where it ends inside a tag.</summary>
    /// <returns>The tag; the caller owns the body's one reference.</returns>
    /// <exception cref="FlvFormatException">The file is no FLV.</exception>
    public async ValueTask<FlvTag?> ReadAsync(CancellationToken cancellationToken)
    {
        if (!_started)
            await ReadFileHeaderAsync(cancellationToken).ConfigureAwait(false);
        if (await file.ReadAtLeastAsync(_header, _header.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)
            < _header.Length)
            return null;
        var header = _header.AsSpan(BackPointerLength);
        var type = (FlvTagType)(header[0] & 0x1F);
        var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(header) & 0xFFFFFF);
        var time = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        var milliseconds = (time >> 8) | (time << 24); // 24 bits, then the 8 above them

        var body = pool.Rent(Math.Min(length, FirstReadLength));
        try
        {
            // A buffer holds at most twice what has arrived, or a file of a few bytes would take the 16 MiB that it announces.
            var filled = 0;
            while (true)
            {
                var room = Math.Min(length, body.Capacity) - filled;
                var read = await file.ReadAtLeastAsync(
                    body.Memory.Slice(filled, room), room, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                if (read < room)
                {
                    body.Release();
                    return null;
                }

                filled += read;
                if (filled == length)
                    return new FlvTag(type, milliseconds, body, length);
                var larger = pool.Rent(Math.Min(length, 2 * filled));
                body.Span[..filled].CopyTo(larger.Span);
                body.Release();
                body = larger;
            }
        }
        catch
        {
            body.Release();
            throw;
        }
    }

    private async ValueTask ReadFileHeaderAsync(CancellationToken cancellationToken)
    {
        _started = true;
        var header = _header.AsMemory(0, FileHeaderLength);
        var read = await file.ReadAtLeastAsync(header, FileHeaderLength, throwOnEndOfStream: false, cancellationToken)
            .ConfigureAwait(false);
        if (read < FileHeaderLength || !header.Span.StartsWith("FLV"u8))
            throw new FlvFormatException("The file does not start as FLV does.");
        var rest = BinaryPrimitives.ReadUInt32BigEndian(header.Span[5..]) - (long)FileHeaderLength;
        if (rest is < 0 or > 1024)
            throw new FlvFormatException("The FLV header has an impossible length.");
        if (await file.ReadAtLeastAsync(new byte[rest], (int)rest, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < rest)
            throw new FlvFormatException("The file ends in its header.");
    }
}
