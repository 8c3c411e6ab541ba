using System.Buffers.Binary;
using System.Text;

namespace MediaGraph.LoadTest;

/// <summary>RTMP as a client speaks it.</summary>
/// <param name="client">Whose connection it is.</param>
/// <param name="published">What will be published; null where it plays.</param>
/// <param name="checks">Who checks what comes.</param>
internal sealed class RtmpWire(Client client, SyntheticTrack[]? published, TrackCheck[] checks) : ChunkParser, IWire
{
    public const int OutChunkSize = 60_000;

    private const int BlockLength = 1536;
    private const int CreateStream = 2;
    private const uint WindowAcknowledgement = 2_500_000;

    private readonly TrackCheck? _video = Array.Find(checks, check => check.Track.IsVideo);
    private readonly TrackCheck? _audio = Array.Find(checks, check => !check.Track.IsVideo);
    private readonly byte[] _small = new byte[4096]; // commands and control messages
    private readonly byte[] _answer = new byte[12 + 6];
    private readonly List<string> _replies = [];

    // A whole frame with its chunk headers.
    private readonly byte[] _image = published is null
        ? []
        : new byte[published.Max(track => track.LongestFrame / OutChunkSize * (OutChunkSize + 1)) + OutChunkSize + 100];

    private long _acknowledged;
    private uint _streamId;

    public async Task OpenAsync(string name, CancellationToken stop)
    {
        var block = new byte[1 + (2 * BlockLength)];
        block[0] = 3;
        await client.SendAsync(block.AsMemory(0, 1 + BlockLength), stop).ConfigureAwait(false);
        for (var received = 0; received < block.Length;)
            received += await client.ReceiveAsync(block.AsMemory(received), stop).ConfigureAwait(false);
        var output = new MessageWriter();
        output.SetChunkSize(OutChunkSize);
        output.Command(0, "connect", 1, $"app={client.Target.App}", $"tcUrl={client.Target.Url}");
        await client.SendAsync(block.AsMemory(1, BlockLength), stop).ConfigureAwait(false);
        await client.SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("NetConnection.Connect.Success", stop).ConfigureAwait(false);
        client.SetConnected();
        output.Command(0, "createStream", CreateStream);
        await client.SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync("createStream", stop).ConfigureAwait(false);
        output.Command(_streamId, published is null ? "play" : "publish", 0, null, name);
        await client.SendAsync(output.Take(), stop).ConfigureAwait(false);
        await WaitForAsync(published is null ? "NetStream.Play.Start" : "NetStream.Publish.Start", stop).ConfigureAwait(false);
    }

    public override void Parse(ReadOnlySpan<byte> bytes)
    {
        base.Parse(bytes);
        if (BytesParsed - _acknowledged < WindowAcknowledgement)
            return;
        _acknowledged = BytesParsed;
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(count, (uint)_acknowledged);
        Answer(3, count);
    }

    public ReadOnlyMemory<byte> WriteParameters(int track) => WriteImage(published![track], 0, published[track].Parameters);

    public ReadOnlyMemory<byte> WriteFrame(int track, TimeSpan time, ReadOnlySpan<byte> frame) =>
        WriteImage(published![track], (int)time.TotalMilliseconds, frame);

    public void Dispose()
    {
    }

    protected override void OnPayload(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        if (message.Type == 9 && _video is not null)
            _video.Take(message.Length, offset, bytes);
        else if (message.Type == 8 && _audio is not null)
            _audio.Take(message.Length, offset, bytes);
        else if (message.Type is not (8 or 9 or 18) && message.Length <= _small.Length)
            TakeSmall(message, offset, bytes);
    }

    private void TakeSmall(Message message, int offset, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_small.AsSpan(offset));
        if (!message.IsComplete)
            return;
        var payload = _small.AsSpan(0, message.Length);
        if (message.Type == 20)
            TakeCommand(payload);
        else if (message.Type == 4 && payload is [0, 6, _, _, _, _])
            Answer(4, [0, 7, .. payload[2..]]); // a ping
    }

    private void TakeCommand(ReadOnlySpan<byte> payload)
    {
        var text = Encoding.Latin1.GetString(payload);
        // A string of 7 characters, a number, null, a number.
        if (text.StartsWith("\u0002\0\u0007_result\0", StringComparison.Ordinal) && payload.Length == 29
            && BinaryPrimitives.ReadDoubleBigEndian(payload[11..]) == CreateStream)
        {
            _streamId = (uint)BinaryPrimitives.ReadDoubleBigEndian(payload[21..]);
            text = "createStream";
        }

        _replies.Add(text);
    }

    private async Task WaitForAsync(string code, CancellationToken stop)
    {
        while (true)
        {
            foreach (var reply in _replies)
            {
                if (reply.Contains("_error", StringComparison.Ordinal) || reply.Contains("\u0002\0\u0005error", StringComparison.Ordinal))
                    throw new IOException($"The server refused: {string.Concat(reply.Where(c => c is >= ' ' and < (char)127))}");
            }

            if (_replies.Exists(reply => reply.Contains(code, StringComparison.Ordinal)))
            {
                _replies.Clear();
                return;
            }

            await client.ReceiveAsync(stop).ConfigureAwait(false);
        }
    }

    private void Answer(byte type, ReadOnlySpan<byte> payload)
    {
        MessageWriter.WriteHeader(_answer, 2, 0, type, 0, payload.Length);
        payload.CopyTo(_answer.AsSpan(12));
        client.SendAnswer(_answer.AsSpan(0, 12 + payload.Length));
    }

    private ReadOnlyMemory<byte> WriteImage(SyntheticTrack track, int timestamp, ReadOnlySpan<byte> body)
    {
        var chunkStream = track.IsVideo ? 6 : 4;
        MessageWriter.WriteHeader(_image, chunkStream, timestamp, track.MessageType, _streamId, body.Length);
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
