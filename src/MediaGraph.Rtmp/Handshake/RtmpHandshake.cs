using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MediaGraph.Rtmp.Handshake;

/// <summary>
/// The handshake's bytes, for both roles (RTMP 1.0, section 5.2, and the digests of Flash Player 9): pure functions, whose caller
/// does the reading and writing.
/// </summary>
internal static class RtmpHandshake
{
    /// <summary>Bytes of C1, C2, S1 and S2 each.</summary>
    public const int BlockLength = 1536;

    /// <summary>Bytes that a client sends first.</summary>
    public const int C0C1Length = 1 + BlockLength;

    /// <summary>Bytes that a server answers; C2 of <see cref="BlockLength"/> bytes follows.</summary>
    public const int S0S1S2Length = 1 + (2 * BlockLength);

    private const byte Version = 3;

    // What S1 and C1 say instead of zeros when they carry a digest: peers look for one only then.
    private const uint ServerVersion = 0x04050001;
    private const uint ClientVersion = 0x80000702;

    /// <summary>Server: checks C0 and C1, and writes the answer of the same kind.</summary>
    /// <param name="time">Milliseconds of any clock.</param>
    /// <exception cref="RtmpProtocolException">The version is not 3.</exception>
    public static RtmpHandshakeKind AnswerClient(ReadOnlySpan<byte> c0c1, Span<byte> s0s1s2, uint time)
    {
        CheckVersion(c0c1[0]);
        var c1 = c0c1.Slice(1, BlockLength);
        s0s1s2[0] = Version;
        var s1 = s0s1s2.Slice(1, BlockLength);
        var s2 = s0s1s2.Slice(1 + BlockLength, BlockLength);

        var scheme = FindDigest(c1, ofServer: false);
        FillBlock(s1, time, scheme is null ? 0 : ServerVersion);
        if (scheme is null)
        {
            c1.CopyTo(s2);
            return RtmpHandshakeKind.Simple;
        }

        HandshakeDigest.Sign(s1, scheme.Value, ofServer: true);
        Answer(c1, scheme.Value, s2, ofServer: true);
        return RtmpHandshakeKind.Digest;
    }

    /// <summary>
    /// Server: whether C2 answers S1 in one of the two ways. Clients exist that send anything: a false is worth a log line, not the
    /// connection.
    /// </summary>
    public static bool IsAnswer(ReadOnlySpan<byte> c2, ReadOnlySpan<byte> s0s1s2) =>
        IsAnswer(c2, s0s1s2.Slice(1, BlockLength), ofServer: false);

    /// <summary>Client: writes C0 and C1.</summary>
    /// <param name="kind">What to offer: servers that know no digests answer an offer of them simply.</param>
    /// <param name="time">Milliseconds of any clock.</param>
    public static void WriteC0C1(Span<byte> c0c1, RtmpHandshakeKind kind, uint time)
    {
        c0c1[0] = Version;
        var c1 = c0c1.Slice(1, BlockLength);
        FillBlock(c1, time, kind == RtmpHandshakeKind.Digest ? ClientVersion : 0);
        if (kind == RtmpHandshakeKind.Digest)
            HandshakeDigest.Sign(c1, scheme: 0, ofServer: false);
    }

    /// <summary>Client: checks S0, S1 and S2, and writes C2 of the server's kind.</summary>
    /// <param name="c0c1">What was sent.</param>
    /// <param name="isAnswer">Whether S2 answers C1 in one of the two ways; a false is worth a log line.</param>
    /// <exception cref="RtmpProtocolException">The version is not 3.</exception>
    public static RtmpHandshakeKind AnswerServer(
        ReadOnlySpan<byte> s0s1s2, ReadOnlySpan<byte> c0c1, Span<byte> c2, out bool isAnswer)
    {
        CheckVersion(s0s1s2[0]);
        var s1 = s0s1s2.Slice(1, BlockLength);
        var c1 = c0c1.Slice(1, BlockLength);
        c2 = c2[..BlockLength];
        isAnswer = IsAnswer(s0s1s2.Slice(1 + BlockLength, BlockLength), c1, ofServer: true);

        // A digest in S1 that answers no digest of ours is chance or a copy.
        var scheme = FindDigest(c1, ofServer: false) is null ? null : FindDigest(s1, ofServer: true);
        if (scheme is null)
        {
            s1.CopyTo(c2);
            return RtmpHandshakeKind.Simple;
        }

        Answer(s1, scheme.Value, c2, ofServer: false);
        return RtmpHandshakeKind.Digest;
    }

    private static int? FindDigest(ReadOnlySpan<byte> block, bool ofServer) =>
        block.Slice(4, 4).ContainsAnyExcept((byte)0) ? HandshakeDigest.Find(block, ofServer) : null;

    private static void Answer(ReadOnlySpan<byte> peerBlock, int scheme, Span<byte> block, bool ofServer)
    {
        var peerDigest = peerBlock.Slice(HandshakeDigest.Offset(peerBlock, scheme), HandshakeDigest.Length);
        RandomNumberGenerator.Fill(block);
        HandshakeDigest.ComputeAnswer(block, peerDigest, ofServer, block[^HandshakeDigest.Length..]);
    }

    private static bool IsAnswer(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> block, bool ofServer)
    {
        // The first eight bytes are times, which the answering side may set.
        if (answer[8..].SequenceEqual(block[8..]))
            return true;
        if (FindDigest(block, !ofServer) is not { } scheme)
            return false;
        Span<byte> expected = stackalloc byte[HandshakeDigest.Length];
        var digest = block.Slice(HandshakeDigest.Offset(block, scheme), HandshakeDigest.Length);
        HandshakeDigest.ComputeAnswer(answer, digest, ofServer, expected);
        return answer[^HandshakeDigest.Length..].SequenceEqual(expected);
    }

    private static void FillBlock(Span<byte> block, uint time, uint version)
    {
        BinaryPrimitives.WriteUInt32BigEndian(block, time);
        BinaryPrimitives.WriteUInt32BigEndian(block[4..], version);
        RandomNumberGenerator.Fill(block[8..]);
    }

    private static void CheckVersion(byte version)
    {
        if (version != Version)
            throw new RtmpProtocolException($"RTMP version {version} is not supported, only {Version}.");
    }
}
