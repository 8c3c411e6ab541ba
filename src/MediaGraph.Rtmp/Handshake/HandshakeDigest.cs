using System.Security.Cryptography;

namespace MediaGraph.Rtmp.Handshake;

/// <summary>
/// The digests of the handshake: HMAC-SHA256 with keys that are the same everywhere, at a place that the block itself says. They
/// identify an implementation and protect nothing.
/// </summary>
internal static class HandshakeDigest
{
    public const int Length = 32;

    private const int ServerTextLength = 36;
    private const int ClientTextLength = 30;

    // What both keys end with.
    private static readonly byte[] KeyTail = Convert.FromHexString("F0EEC24A8068BEE82E00D0D1029E7E576EEC5D2D29806FAB93B8E636CFEB31AE");

    private static readonly byte[] ServerKey = [.. "Genuine Adobe Flash Media Server 001"u8, .. KeyTail];
    private static readonly byte[] ClientKey = [.. "Genuine Adobe Flash Player 001"u8, .. KeyTail];

    /// <summary>Where the digest of a C1 or S1 is: in its first half (scheme 0) or in its second (scheme 1).</summary>
    public static int Offset(ReadOnlySpan<byte> block, int scheme)
    {
        var start = scheme == 0 ? 8 : 772;
        return start + 4 + ((block[start] + block[start + 1] + block[start + 2] + block[start + 3]) % 728);
    }

    /// <summary>Finds the digest in a C1 or S1.</summary>
    /// <returns>The scheme, or null: there is none.</returns>
    public static int? Find(ReadOnlySpan<byte> block, bool ofServer)
    {
        Span<byte> expected = stackalloc byte[Length];
        for (var scheme = 0; scheme < 2; scheme++)
        {
            var offset = Offset(block, scheme);
            Compute(block, offset, ofServer, expected);
            if (block.Slice(offset, Length).SequenceEqual(expected))
                return scheme;
        }

        return null;
    }

    /// <summary>Puts the digest into a C1 or S1.</summary>
    public static void Sign(Span<byte> block, int scheme, bool ofServer)
    {
        var offset = Offset(block, scheme);
        Compute(block, offset, ofServer, block.Slice(offset, Length));
    }

    /// <summary>Computes the end of a C2 or S2, which answers the peer's digest.</summary>
    /// <param name="block">The C2 or S2.</param>
    /// <param name="peerDigest">In the peer's block.</param>
    /// <param name="ofServer">Whether it is an S2.</param>
    public static void ComputeAnswer(
        ReadOnlySpan<byte> block, ReadOnlySpan<byte> peerDigest, bool ofServer, Span<byte> destination)
    {
        Span<byte> key = stackalloc byte[Length];
        HMACSHA256.HashData(ofServer ? ServerKey : ClientKey, peerDigest, key);
        HMACSHA256.HashData(key, block[..^Length], destination);
    }

    private static void Compute(ReadOnlySpan<byte> block, int offset, bool ofServer, Span<byte> destination)
    {
        // All bytes but the digest's own.
        Span<byte> rest = stackalloc byte[RtmpHandshake.BlockLength - Length];
        block[..offset].CopyTo(rest);
        block[(offset + Length)..].CopyTo(rest[offset..]);
        HMACSHA256.HashData(ofServer ? ServerKey.AsSpan(0, ServerTextLength) : ClientKey.AsSpan(0, ClientTextLength), rest, destination);
    }
}
