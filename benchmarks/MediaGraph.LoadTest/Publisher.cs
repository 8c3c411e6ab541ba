using System.Net.Sockets;

namespace MediaGraph.LoadTest;

/// <summary>Publishes a synthetic stream in its own time, or as fast as the server takes it.</summary>
internal sealed class Publisher(Target target, SyntheticTrack[] tracks) : Client(target, bufferLength: 4096)
{
    // A whole frame with its chunk headers.
    private readonly byte[] _image = new byte[tracks.Max(track => track.LongestFrame / OutChunkSize * (OutChunkSize + 1)) + OutChunkSize + 100];
    private readonly byte[] _frame = new byte[Math.Max(tracks.Max(track => track.LongestFrame), 100)];
    private readonly long[] _next = new long[tracks.Length];
    private byte[]? _answer; // goes out between two frames
    private Task _running = Task.CompletedTask;

    /// <summary>The number of the video's next frame.</summary>
    public long Next => Volatile.Read(ref _next[0]);

    /// <summary>Of frames that were sent.</summary>
    public long Bytes { get; private set; }

    public Task OpenAsync(string name, CancellationToken stop) => OpenAsync("publish", name, "NetStream.Publish.Start", stop);

    /// <summary>Publishes from now on until <see cref="EndAsync"/>.</summary>
    public void Start(bool isFlood, CancellationToken stop)
    {
        StartReceiving();
        _running = Task.Factory.StartNew(
            () => RunAsync(isFlood, stop), CancellationToken.None, isFlood ? TaskCreationOptions.LongRunning : TaskCreationOptions.None, TaskScheduler.Default)
            .Unwrap();
    }

    /// <summary>Sends nothing from now on but what keeps the connection.</summary>
    public void StartSilent() => StartReceiving();

    /// <summary>Cuts the connection and waits for the task.</summary>
    public async Task EndAsync()
    {
        Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The codecs' parameters and one frame of each.</summary>
    public async Task SendFirstAsync(CancellationToken stop)
    {
        foreach (var track in tracks)
            await SendAsync(WriteImage(track, 0, track.Parameters), stop).ConfigureAwait(false);
        for (var i = 0; i < tracks.Length; i++)
            await SendAsync(WriteFrame(i, 0), stop).ConfigureAwait(false);
    }

    // Its own writes are on another thread, and may be in the middle of a frame.
    protected override void SendAnswer(ReadOnlySpan<byte> message)
    {
        if (_running.IsCompleted)
            base.SendAnswer(message);
        else
            Volatile.Write(ref _answer, message.ToArray());
    }

    private async Task RunAsync(bool isFlood, CancellationToken stop)
    {
        try
        {
            if (isFlood)
                Flood(stop);
            else
                await PublishAsync(stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            if (!stop.IsCancellationRequested)
                Failure ??= e;
        }
    }

    private async Task PublishAsync(CancellationToken stop)
    {
        var time = TimeProvider.System;
        await SendFirstAsync(stop).ConfigureAwait(false);
        var start = time.GetTimestamp();
        while (true)
        {
            var index = NextTrack();
            var due = tracks[index].TimeOf(_next[index]);
            var wait = due - time.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            if (Interlocked.Exchange(ref _answer, null) is { } answer)
                await SendAsync(answer, stop).ConfigureAwait(false);
            await SendAsync(WriteFrame(index, (int)due.TotalMilliseconds), stop).ConfigureAwait(false);
        }
    }

    // On a thread of its own, which waits in the socket. The timestamps are the clock's, as media does not come faster than that.
    private void Flood(CancellationToken stop)
    {
        var start = TimeProvider.System.GetTimestamp();
        foreach (var track in tracks)
            Send(WriteImage(track, 0, track.Parameters).Span);
        while (!stop.IsCancellationRequested)
        {
            if (Interlocked.Exchange(ref _answer, null) is { } answer)
                Send(answer);
            Send(WriteFrame(NextTrack(), (int)TimeProvider.System.GetElapsedTime(start).TotalMilliseconds).Span);
        }
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[Socket.Send(bytes)..];
    }

    private int NextTrack()
    {
        var first = 0;
        for (var i = 1; i < tracks.Length; i++)
        {
            if (tracks[i].TimeOf(_next[i]) < tracks[first].TimeOf(_next[first]))
                first = i;
        }

        return first;
    }

    private ReadOnlyMemory<byte> WriteFrame(int index, int timestamp)
    {
        var length = tracks[index].Write(_next[index]++, TimeProvider.System.GetTimestamp(), _frame);
        Bytes += length;
        return WriteImage(tracks[index], timestamp, _frame.AsSpan(0, length));
    }

    private ReadOnlyMemory<byte> WriteImage(SyntheticTrack track, int timestamp, ReadOnlySpan<byte> body)
    {
        var chunkStream = track.IsVideo ? 6 : 4;
        MessageWriter.WriteHeader(_image, chunkStream, timestamp, track.MessageType, StreamId, body.Length);
        var position = 12;
        for (var sent = 0; sent < body.Length;)
        {
            if (sent > 0)
                _image[position++] = (byte)(0xC0 | chunkStream);
            var count = Math.Min(OutChunkSize, body.Length - sent);
            body.Slice(sent, count).CopyTo(_image.AsSpan(position));
            position += count;
            sent += count;
        }

        return _image.AsMemory(0, position);
    }
}
