using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using MediaGraph.Tapo.Client;

namespace MediaGraph.Tapo.Http;

/// <summary>The contents of a body in chunks (RFC 9112 §7.1), which ends with its chunk of size 0.</summary>
/// <param name="input">Where the body is read from. The caller owns it.</param>
internal sealed class ChunkedStream(PipeReader input) : Stream
{
    private const int MaxSizeLine = 64;

    private long _left; // bytes of the chunk that is being read
    private bool _isFirst = true;
    private bool _isOver;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_isOver)
        {
            var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var data = result.Buffer;
            if (_left == 0)
            {
                if (!TryReadSize(ref data))
                {
                    if (data.Length > MaxSizeLine)
                        throw Failure.Malformed("the camera sent a chunk without its size");
                    input.AdvanceTo(data.Start, data.End);
                    _isOver = result.IsCompleted;
                    continue;
                }

                input.AdvanceTo(data.Start);
                continue;
            }

            if (data.IsEmpty)
            {
                input.AdvanceTo(data.End);
                _isOver = result.IsCompleted;
                continue;
            }

            if (buffer.IsEmpty)
            {
                input.AdvanceTo(data.Start); // a reader that only waits for something to be there
                return 0;
            }

            var taken = data.Slice(0, Math.Min(Math.Min(buffer.Length, data.Length), _left));
            taken.CopyTo(buffer.Span);
            input.AdvanceTo(taken.End);
            _left -= taken.Length;
            return (int)taken.Length;
        }

        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // Each but the first stands behind the line end of the chunk before it.
    private bool TryReadSize(ref ReadOnlySequence<byte> data)
    {
        var reader = new SequenceReader<byte>(data);
        if (!_isFirst && (!reader.TryReadTo(out ReadOnlySequence<byte> end, (byte)'\n') || end.Length > 1))
            return false;
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n') || line.Length > MaxSizeLine)
            return false;
        Span<byte> text = stackalloc byte[MaxSizeLine];
        line.CopyTo(text);
        var size = Encoding.ASCII.GetString(text[..(int)line.Length]).Split(';')[0].Trim();
        if (size.Length > 8 || !int.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length) ||
            length < 0)
            throw Failure.Malformed("the camera sent a chunk without its size");
        data = data.Slice(reader.Position);
        (_isFirst, _left, _isOver) = (false, length, length == 0);
        return true;
    }
}
