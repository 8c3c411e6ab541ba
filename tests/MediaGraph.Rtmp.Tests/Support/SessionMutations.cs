namespace MediaGraph.Rtmp.Tests.Support;

/// <summary>Changes recorded sessions at random.</summary>
internal static class SessionMutations
{
    private const int HandshakeLength = 3073; // C0 to C2, and S0 to S2

    public static byte[] Mutate(Random random, byte[] session)
    {
        var bytes = session.ToList();
        for (var mutations = random.Next(1, 6); mutations > 0; mutations--)
        {
            // Behind the handshake, as a rule: it is most of the bytes and little of what there is to break.
            var at = random.Next(10) == 0 ? random.Next(bytes.Count) : random.Next(Math.Min(HandshakeLength, bytes.Count - 1), bytes.Count);
            var length = Math.Min(bytes.Count - at, random.Next(1, 40));
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)(random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => random.Next(256) });
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 4:
                    for (var i = 0; i < length; i++)
                        bytes[at + i] = (byte)random.Next(256);
                    break;
                case 5:
                    var from = random.Next(Math.Min(HandshakeLength, bytes.Count - 1), bytes.Count);
                    bytes.InsertRange(at, bytes.GetRange(from, Math.Min(bytes.Count - from, random.Next(1, 400))));
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : 0);
                    break;
            }

            if (bytes.Count < 2)
                break;
        }

        return [.. bytes];
    }
}
