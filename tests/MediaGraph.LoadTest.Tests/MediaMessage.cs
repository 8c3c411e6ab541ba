namespace MediaGraph.LoadTest.Tests;

/// <summary>A whole audio or video message.</summary>
internal sealed record MediaMessage(byte Type, byte[] Body)
{
    public bool IsVideo => Type == 9;

    public bool IsParameters => Body[1] == 0;

    public bool IsKeyframe => IsVideo && Body[0] >> 4 == 1;

    public static MediaMessage Frame(SyntheticTrack track, long number)
    {
        var body = new byte[track.Length(number)];
        track.Write(number, TimeProvider.System.GetTimestamp(), body);
        return new MediaMessage(track.MessageType, body);
    }

    public byte[] ToChunks(int chunkSize)
    {
        var chunkStream = IsVideo ? 6 : 4;
        var header = new byte[12];
        MessageWriter.WriteHeader(header, chunkStream, 0, Type, 1, Body.Length);
        var chunks = new List<byte>(header);
        for (var i = 0; i < Body.Length; i += chunkSize)
        {
            if (i > 0)
                chunks.Add((byte)(0xC0 | chunkStream));
            chunks.AddRange(Body.AsSpan(i, Math.Min(chunkSize, Body.Length - i)));
        }

        return [.. chunks];
    }
}
