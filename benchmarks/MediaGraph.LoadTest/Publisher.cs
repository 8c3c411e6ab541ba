namespace MediaGraph.LoadTest;

/// <summary>Sends the synthetic stream in its own time.</summary>
internal sealed class Publisher() : Client(bufferLength: 4096)
{
    private const byte VideoType = 9;
    private const int VideoChunkStream = 6;

    private readonly byte[] _image = new byte[256 << 10];
    private readonly byte[] _frame = new byte[256 << 10];

    /// <summary>The frame that was sent last.</summary>
    public long Number { get; private set; } = -1;

    public Task OpenAsync(LoadOptions options, CancellationToken stop) =>
        OpenAsync(options, "publish", "load", "NetStream.Publish.Start", stop);

    public async Task RunAsync(CancellationToken stop)
    {
        StartReceiving();
        var time = TimeProvider.System;
        await SendAsync(0, SyntheticVideo.Parameters.ToArray(), stop).ConfigureAwait(false);
        var start = time.GetTimestamp();
        while (!stop.IsCancellationRequested)
        {
            var due = TimeSpan.FromSeconds((Number + 1) / (double)SyntheticVideo.FramesPerSecond);
            var wait = due - time.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            var length = SyntheticVideo.Write(Number + 1, time.GetTimestamp(), _frame);
            await SendAsync((int)due.TotalMilliseconds, _frame.AsMemory(0, length), stop).ConfigureAwait(false);
            Number++;
        }
    }

    private async Task SendAsync(int timestamp, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        MessageWriter.WriteHeader(_image, VideoChunkStream, timestamp, VideoType, StreamId, body.Length);
        var position = 12;
        for (var sent = 0; sent < body.Length;)
        {
            if (sent > 0)
                _image[position++] = 0xC0 | VideoChunkStream;
            var count = Math.Min(OutChunkSize, body.Length - sent);
            body.Slice(sent, count).CopyTo(_image.AsMemory(position));
            position += count;
            sent += count;
        }

        for (var left = _image.AsMemory(0, position); !left.IsEmpty;)
            left = left[await Socket.SendAsync(left, stop).ConfigureAwait(false)..];
    }
}
