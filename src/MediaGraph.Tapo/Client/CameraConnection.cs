using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Http;
using MediaGraph.Transport;

namespace MediaGraph.Tapo.Client;

/// <summary>
/// A connection to a camera: its one reader, its one writer, and the deadline of what is waited for. One task reads, and one task at a time
/// sends. Whatever fails says why, in a <see cref="SourceException"/>.
/// </summary>
internal sealed class CameraConnection : IAsyncDisposable
{
    /// <summary>How long a camera is waited for at the end.</summary>
    public static readonly TimeSpan FarewellLimit = TimeSpan.FromMilliseconds(250);

    private const int MaxLine = 4 << 10; // bytes of a line; a challenge has some 200
    private const int MaxFarewell = 64 << 10; // bytes that are passed over at the end


    private readonly TapoContext _context;
    private readonly TapoUrl _url;
    private readonly ITransport _transport;
    private readonly CancellationToken _owner;
    private readonly CancellationTokenSource _ending;
    private readonly ITimer _deadline;
    private PipeReader _input;
    private SequencePosition? _held; // the end of what was read and is still used
    private string _lateText = "";
    private CloseReason? _late;
    private long _received;
    private bool _isSending;
    private bool _isDisposed;

    private CameraConnection(TapoContext context, TapoUrl url, ITransport transport, CancellationToken owner)
    {
        _context = context;
        _url = url;
        _transport = transport;
        _owner = owner;
        _input = transport.Input;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(owner);
        _deadline = context.Time.CreateTimer(
            static self => ((CameraConnection)self!).OnLate(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        context.Metrics.CountOpened();
        Log.Connected(context.Logger, url, transport.RemoteEndPoint);
    }

    /// <summary>Where the camera is.</summary>
    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>Connects within the deadline for that. A failure leaves nothing behind.</summary>
    /// <param name="context">What all share.</param>
    /// <param name="url">Where to.</param>
    /// <param name="owner">Ends the connection when cancelled.</param>
    public static async Task<CameraConnection> OpenAsync(TapoContext context, TapoUrl url, CancellationToken owner)
    {
        using var deadline = new CancellationTokenSource(context.Options.DialTimeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(owner, deadline.Token);
        ITransport? transport = null;
        try
        {
            transport = await context.Dial(url, either.Token).ConfigureAwait(false);
            await transport.OpenAsync(either.Token).ConfigureAwait(false);
            var connection = new CameraConnection(context, url, transport, owner);
            transport = null;
            return connection;
        }
        catch (OperationCanceledException) when (!owner.IsCancellationRequested)
        {
            throw Failure.Of(CloseCode.Deadline, "the camera did not answer in time");
        }
        catch (Exception e) when (e is IOException or TlsHandshakeException)
        {
            owner.ThrowIfCancellationRequested();
            throw Failure.Of(CloseCode.ConnectionLost, e.Message);
        }
        finally
        {
            if (transport is not null)
                await transport.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The camera has closed its side.</summary>
    public static SourceException Closed() => Failure.Of(CloseCode.PeerClosed, "the camera closed the connection");

    /// <summary>From now on, the connection ends when this is not called again in time.</summary>
    /// <param name="limit">From now; infinite for no limit.</param>
    /// <param name="late">Why it ends then.</param>
    public void Expect(TimeSpan limit, string late)
    {
        Volatile.Write(ref _lateText, late);
        _deadline.Change(limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends all that waits for the camera. Callable from anywhere.</summary>
    public void Cancel() => _ = _ending.CancelAsync().ContinueWith(
        static cancelled => cancelled.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>Ends the read that waits, or else the next one. Callable from anywhere.</summary>
    public void StopReading() => _input.CancelPendingRead();

    /// <summary>Sends all of it.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data)
    {
        _isSending = true;
        try
        {
            await _transport.SendAsync(data, _ending.Token).ConfigureAwait(false);
            _isSending = false; // not after a failure: what was sent is torn
        }
        catch (Exception e) when (Explain(e) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Reads a line without its end; null at the end of what the camera sends.</summary>
    public async ValueTask<string?> ReadLineAsync()
    {
        while (true)
        {
            var result = await FillAsync(1).ConfigureAwait(false);
            var data = result.Buffer;
            if (data.PositionOf((byte)'\n') is { } end)
            {
                var line = data.Slice(0, end);
                if (line.Length > MaxLine)
                    throw LongLine();
                var text = Encoding.Latin1.GetString(line).TrimEnd('\r');
                Advance(data, data.GetPosition(1, end));
                return text;
            }

            if (data.Length > MaxLine)
                throw LongLine();
            if (result.IsCompleted)
            {
                var rest = data.IsEmpty ? null : Encoding.Latin1.GetString(data);
                Advance(data, data.End);
                return rest;
            }

            _input.AdvanceTo(data.Start, data.End);
        }
    }

    /// <summary>Reads so many bytes, which stay until the next read; null when the camera sends less.</summary>
    public async ValueTask<ReadOnlySequence<byte>?> ReadBodyAsync(int length)
    {
        if (length == 0)
            return ReadOnlySequence<byte>.Empty;
        var result = await FillAsync(length).ConfigureAwait(false);
        if (result.Buffer.Length < length)
        {
            Advance(result.Buffer, result.Buffer.End);
            return null;
        }

        var body = result.Buffer.Slice(0, length);
        _received += length;
        _held = body.End;
        return body;
    }

    /// <summary>Passes over the body of an answer: what it declares, or what there is already.</summary>
    /// <returns>False when the connection has ended with it.</returns>
    public async ValueTask<bool> SkipBodyAsync(HttpResponse response)
    {
        if (response.Headers.ContentLength is not { } length)
            return true;
        if (length is < 0 or > MaxLine)
            throw Failure.Malformed("the camera's answer has an impossible length");
        return await ReadBodyAsync(length).ConfigureAwait(false) is not null;
    }

    /// <summary>Whether what follows is in chunks: some cameras do so without saying it.</summary>
    public async ValueTask<bool> IsChunkedAsync()
    {
        var result = await FillAsync(1).ConfigureAwait(false);
        var isChunked = !result.Buffer.IsEmpty && result.Buffer.FirstSpan[0] is not ((byte)'-' or (byte)'\r' or (byte)'\n');
        _input.AdvanceTo(result.Buffer.Start);
        return isChunked;
    }

    /// <summary>From now on, what is read is the contents of a body in chunks.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The stream owns nothing.")]
    public void Unchunk() =>
        _input = PipeReader.Create(new ChunkedStream(_transport.Input), new StreamPipeReaderOptions(useZeroByteReads: true));

    /// <summary>
    /// Says goodbye, as far as the camera takes that at once, lets it end its side for a moment, and disconnects. Not beside a read or a
    /// send.
    /// </summary>
    /// <param name="farewell">The last message; empty for none.</param>
    public async ValueTask CloseAsync(byte[] farewell)
    {
        if (!_isSending && _late is null && !_isDisposed)
        {
            if (farewell.Length > 0)
                _transport.TrySend(farewell);
            _transport.CompleteOutput();
            using var limit = new CancellationTokenSource(FarewellLimit, _context.Time);
            await PassOverAsync(limit.Token).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        await _deadline.DisposeAsync().ConfigureAwait(false);
        if (!ReferenceEquals(_input, _transport.Input))
            await _input.CompleteAsync().ConfigureAwait(false);
        if (_late is not null)
            _transport.Abort(_late);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _ending.Dispose();
        _context.Metrics.CountClosed(_received);
        Log.Disconnected(_context.Logger, _url);
    }

    private static SourceException LongLine() => Failure.Of(CloseCode.LimitExceeded, "the camera sent a line that is too long");

    private async ValueTask<ReadResult> FillAsync(int atLeast)
    {
        try
        {
            Release();
            var result = await _input.ReadAtLeastAsync(atLeast, _ending.Token).ConfigureAwait(false);
            return result.IsCanceled ? throw new OperationCanceledException() : result;
        }
        catch (Exception e) when (Explain(e) is { } explained)
        {
            throw explained;
        }
    }

    private void Advance(in ReadOnlySequence<byte> data, SequencePosition to)
    {
        _received += data.Slice(0, to).Length;
        _input.AdvanceTo(to);
    }

    private void Release()
    {
        if (_held is { } held)
            _input.AdvanceTo(held);
        _held = null;
    }

    // Null for what has an explanation, and for faults of this software.
    private Exception? Explain(Exception exception)
    {
        if (exception is SourceException)
            return null;
        if (_owner.IsCancellationRequested)
            return new OperationCanceledException(_owner);
        if (Volatile.Read(ref _late) is { } late)
            return new SourceException(late);
        return exception switch
        {
            IOException or SocketException or ObjectDisposedException =>
                Failure.Of(CloseCode.ConnectionLost, $"the connection to the camera broke: {exception.Message}"),
            OperationCanceledException => Failure.Of(CloseCode.Requested, "the connection was given up"),
            _ => null,
        };
    }

    private void OnLate()
    {
        Interlocked.CompareExchange(ref _late, new CloseReason(CloseCode.Deadline, Volatile.Read(ref _lateText)), null);
        Cancel();
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails, the camera is gone, which is what we wait for.")]
    private async Task PassOverAsync(CancellationToken cancellationToken)
    {
        try
        {
            Release();
            for (var left = MaxFarewell; left > 0;)
            {
                var result = await _transport.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
                left -= (int)Math.Min(left, result.Buffer.Length);
                _transport.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                    return;
            }
        }
        catch (Exception)
        {
            // Late, broken, or in the middle of a read that failed.
        }
    }
}
