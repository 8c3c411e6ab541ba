using MediaGraph.Containers.MpegTs;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Tapo.Control;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Multipart;

namespace MediaGraph.Tapo.Client;

/// <summary>
/// A talk that a camera listens to. The samples go out as they come, but not much faster than they are heard, cut into 20 ms, which make
/// one transport packet each. A task of its own reads what the camera says meanwhile, so that its end is noticed.
/// </summary>
internal sealed class TapoTalkLine : ITalkLine
{
    public const int SampleRate = 8_000;

    private const int FrameLength = SampleRate / 50; // bytes: 20 ms
    private const int LongGap = SampleRate / 2; // samples
    private const int Pid = 0x45; // the cameras' own

    // How far before its time something is sent: cameras drop bursts.
    private static readonly TimeSpan MaxLead = TimeSpan.FromMilliseconds(200);

    private readonly TapoClient _client;
    private readonly TapoSession _session;
    private readonly string _stream;
    private readonly CancellationTokenSource _life;
    private readonly MpegTsWriter _writer = new(new MpegTsStream(Pid, MpegTsStreamType.Pcma));
    private readonly int _framesPerPart;
    private readonly byte[] _frame = new byte[FrameLength];
    private readonly byte[] _media; // of the part that is being put together
    private readonly byte[] _part;
    private int _frameLength;
    private int _mediaLength;
    private long _time; // of the next sample, in ticks of the codec's clock, from the talk's first on
    private long? _first; // the packet time of the talk's first sample
    private TimeSpan _lead; // of what was sent before real time, when the last part went
    private long _sent; // when that was
    private CloseReason? _ended;
    private Task _reading = Task.CompletedTask;
    private bool _isDisposed;

    /// <param name="client">The camera.</param>
    /// <param name="session">Passes to the line.</param>
    /// <param name="stream">The hub's stream.</param>
    /// <param name="life">Ends the session when cancelled. Passes to the line.</param>
    public TapoTalkLine(TapoClient client, TapoSession session, string stream, CancellationTokenSource life)
    {
        _client = client;
        _session = session;
        _stream = stream;
        _life = life;
        var part = client.Url.TalkPart ?? client.Context.Options.TalkPart;
        _framesPerPart = (int)Math.Ceiling(part.TotalMilliseconds / 20);
        _media = new byte[Math.Max(MpegTsWriter.TablesLength, _framesPerPart * MpegTsReader.PacketLength)];
        _part = new byte[PartWriter.MaxHeadLength + _media.Length + 2];
    }

    /// <summary>Sends what comes before the first sample.</summary>
    public async ValueTask BeginAsync()
    {
        _writer.WriteTables(_media);
        _mediaLength = MpegTsWriter.TablesLength;
        await SendPartAsync().ConfigureAwait(false);
        _reading = Task.Run(ReadAsync);
    }

    public async ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(packet);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            if (Volatile.Read(ref _ended) is { } ended)
                throw new SourceException(ended);
            Place(packet.PresentationTime);

            // A part that is torn ends the line: nothing else can be sent behind it.
            await using (cancellationToken.UnsafeRegister(static camera => ((CameraConnection)camera!).Cancel(), _session.Camera)
                .ConfigureAwait(false))
                await WriteAsync(packet.Payload).ConfigureAwait(false);
        }
        catch (SourceException e)
        {
            throw new StreamException(StreamError.Ended, e.Reason.Text);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        var reason = Volatile.Read(ref _ended);
        if (reason is null)
            await SendRestAsync().ConfigureAwait(false);
        if (!_reading.IsCompleted)
            _session.Camera.StopReading();
        await _reading.ConfigureAwait(false);
        await _session.CloseAsync().ConfigureAwait(false);
        _life.Dispose();
        Log.TalkEnded(_client.Context.Logger, _client.Url, _stream, reason ?? CloseReason.Requested);
    }

    // After an interruption the talk goes on from now: what waits from before would be late, and is lost.
    private void Place(long time)
    {
        _first ??= time;
        time -= _first.Value;
        var gap = Math.Abs(time - _time);
        if (gap < FrameLength)
            return;
        (_time, _frameLength) = (time, 0);
        if (gap > LongGap)
            _mediaLength = 0;
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> samples)
    {
        while (!samples.IsEmpty)
        {
            var taken = Math.Min(samples.Length, FrameLength - _frameLength);
            samples[..taken].CopyTo(_frame.AsMemory(_frameLength));
            samples = samples[taken..];
            _frameLength += taken;
            _time += taken;
            if (_frameLength < FrameLength)
                return;
            _frameLength = 0;
            if (_mediaLength == 0 && Lead() > MaxLead)
                continue; // lost: what waited while the line opened, or could not be sent, is not caught up with
            var time = MediaTime.Rescale(_time - FrameLength, SampleRate, Codec.VideoClockRate);
            _mediaLength += _writer.WriteUnit(0, time, _frame, _media.AsSpan(_mediaLength));
            if (_mediaLength < _framesPerPart * MpegTsReader.PacketLength)
                continue;
            _lead = Lead() + TimeSpan.FromMilliseconds(20 * _framesPerPart);
            _sent = _client.Context.Time.GetTimestamp();
            await SendPartAsync().ConfigureAwait(false);
        }
    }

    // Of what was sent, before real time.
    private TimeSpan Lead()
    {
        var lead = _lead - _client.Context.Time.GetElapsedTime(_sent);
        return lead > TimeSpan.Zero ? lead : TimeSpan.Zero;
    }

    private async ValueTask SendPartAsync()
    {
        var length = PartWriter.WriteHead(_part, "audio/mp2t", _session.Number, _mediaLength);
        _media.AsSpan(0, _mediaLength).CopyTo(_part.AsSpan(length));
        length += _mediaLength;
        _mediaLength = 0;
        "\r\n"u8.CopyTo(_part.AsSpan(length));
        await _client.SendAsync(_session.Camera, _part.AsMemory(0, length + 2)).ConfigureAwait(false);
    }

    // The end of the last word, where parts hold several frames.
    private async ValueTask SendRestAsync()
    {
        if (_mediaLength == 0)
            return;
        var sending = SendPartAsync().AsTask();
        try
        {
            await sending.WaitAsync(CameraConnection.FarewellLimit, _client.Context.Time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SourceException or TimeoutException)
        {
            // Then it is not heard.
            _session.Camera.Cancel();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadAsync()
    {
        var reason = CloseReason.Requested;
        try
        {
            while (true)
            {
                var part = await _session.ReadAsync().ConfigureAwait(false);
                if (_session.ReadMessage(part) is not { } message)
                    continue;
                if (message.IsFinished)
                    throw Failure.Of(CloseCode.PeerClosed, "the camera ended the talk");
                if (message is { Answers: not null, ErrorCode: not 0 })
                    throw new SourceException(ControlError.Explain(message.ErrorCode));
            }
        }
        catch (SourceException e)
        {
            reason = e.Reason;
        }
        catch (OperationCanceledException)
        {
            // The line is disposed of.
        }

        Volatile.Write(ref _ended, reason);
    }
}
