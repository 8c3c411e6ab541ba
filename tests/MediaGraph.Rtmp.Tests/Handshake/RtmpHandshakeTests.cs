using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Rtmp.Handshake;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests.Handshake;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class RtmpHandshakeTests
{
    private const int Block = RtmpHandshake.BlockLength;

    // What Flash Player 9 and its server sign with, written a second time: not what is tested says what is right.
    private static readonly byte[] Tail =
    [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ];

    private static readonly byte[] ServerText = Encoding.ASCII.GetBytes("Genuine Adobe Flash Media Server 001");
    private static readonly byte[] ClientText = Encoding.ASCII.GetBytes("Genuine Adobe Flash Player 001");

    [Test]
    public void A_simple_client_gets_its_bytes_back()
    {
        var c0c1 = RandomBytes(RtmpHandshake.C0C1Length, seed: 1);
        c0c1[0] = 3;
        c0c1.AsSpan(5, 4).Clear();
        var answer = new byte[RtmpHandshake.S0S1S2Length];
        Assert.That(RtmpHandshake.AnswerClient(c0c1, answer, time: 0x01020304), Is.EqualTo(RtmpHandshakeKind.Simple));
        Assert.That(answer[0], Is.EqualTo(3));
        Assert.That(Convert.ToHexString(answer, 1, 8), Is.EqualTo("0102030400000000"));
        Assert.That(answer[(1 + Block)..], Is.EqualTo(c0c1[1..]), "S2 is C1");
        Assert.That(answer.AsSpan(9, 1528).ContainsAnyExcept((byte)0), "S1 is random");
    }

    [Test]
    public void A_client_with_a_version_and_no_digest_is_simple()
    {
        var c0c1 = RandomBytes(RtmpHandshake.C0C1Length, seed: 2);
        c0c1[0] = 3;
        Assert.That(RtmpHandshake.AnswerClient(c0c1, new byte[RtmpHandshake.S0S1S2Length], 0), Is.EqualTo(RtmpHandshakeKind.Simple));
    }

    [Test]
    public void A_digest_client_of_either_scheme_gets_a_signed_answer_of_its_scheme([Values(8, 772)] int place, [Range(0, 7)] int seed)
    {
        // As ffmpeg sends it: time 0, version 9.0.124.2, random bytes, a digest.
        var c0c1 = RandomBytes(RtmpHandshake.C0C1Length, seed);
        c0c1[0] = 3;
        var c1 = c0c1.AsSpan(1);
        Convert.FromHexString("0000000009007C02").CopyTo(c1);
        Sign(c1, place, ClientText);

        var answer = new byte[RtmpHandshake.S0S1S2Length];
        Assert.That(RtmpHandshake.AnswerClient(c0c1, answer, 7), Is.EqualTo(RtmpHandshakeKind.Digest));
        var s1 = answer.AsSpan(1, Block);
        var s2 = answer.AsSpan(1 + Block, Block);
        Assert.That(s1[4], Is.GreaterThanOrEqualTo(3), "ffmpeg looks for a digest only then");
        Assert.That(IsSigned(s1, place, ServerText), "S1");
        Assert.That(AnswerTo(c1.Slice(Offset(c1, place), 32), [.. ServerText, .. Tail], s2), Is.EqualTo(s2[^32..].ToArray()), "S2");

        // And ffmpeg's C2.
        var c2 = RandomBytes(Block, seed + 100);
        AnswerTo(s1.Slice(Offset(s1, place), 32), [.. ClientText, .. Tail], c2).CopyTo(c2, Block - 32);
        Assert.That(RtmpHandshake.IsAnswer(c2, answer));
        c2[0] ^= 1;
        Assert.That(RtmpHandshake.IsAnswer(c2, answer), Is.False);
    }

    [Test]
    public void A_digest_may_begin_at_every_place_that_its_four_bytes_can_say([Values(0, 727, 728, 1020)] int sum, [Values(8, 772)] int place)
    {
        var c0c1 = RandomBytes(RtmpHandshake.C0C1Length, sum);
        c0c1[0] = 3;
        var c1 = c0c1.AsSpan(1);
        for (var i = 0; i < 4; i++)
        {
            c1[place + i] = (byte)Math.Min(sum, 255);
            sum -= c1[place + i];
        }

        Sign(c1, place, ClientText);
        Assert.That(RtmpHandshake.AnswerClient(c0c1, new byte[RtmpHandshake.S0S1S2Length], 0), Is.EqualTo(RtmpHandshakeKind.Digest));
    }

    [Test]
    public void A_digest_with_one_wrong_bit_is_none()
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        RtmpHandshake.WriteC0C1(c0c1, RtmpHandshakeKind.Digest, 0);
        c0c1[^1] ^= 1;
        Assert.That(RtmpHandshake.AnswerClient(c0c1, new byte[RtmpHandshake.S0S1S2Length], 0), Is.EqualTo(RtmpHandshakeKind.Simple));
    }

    [Test]
    public void Both_roles_understand_each_other([Values] RtmpHandshakeKind kind, [Range(0, 7)] int round)
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        var s0s1s2 = new byte[RtmpHandshake.S0S1S2Length];
        var c2 = new byte[Block];
        RtmpHandshake.WriteC0C1(c0c1, kind, (uint)round);
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(c0c1.AsSpan(1)), Is.EqualTo(round));
        Assert.That(RtmpHandshake.AnswerClient(c0c1, s0s1s2, 5), Is.EqualTo(kind));
        Assert.That(RtmpHandshake.AnswerServer(s0s1s2, c0c1, c2, out var isAnswer), Is.EqualTo(kind));
        Assert.That(isAnswer, "S2 answers C1");
        Assert.That(RtmpHandshake.IsAnswer(c2, s0s1s2), "C2 answers S1");
    }

    [Test]
    public void An_offer_of_digests_that_is_answered_simply_is_simple()
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        RtmpHandshake.WriteC0C1(c0c1, RtmpHandshakeKind.Digest, 1);
        byte[] s0s1s2 = [3, .. RandomBytes(Block, 3), .. c0c1[1..]];
        s0s1s2.AsSpan(5, 4).Clear();
        var c2 = new byte[Block];
        Assert.That(RtmpHandshake.AnswerServer(s0s1s2, c0c1, c2, out var isAnswer), Is.EqualTo(RtmpHandshakeKind.Simple));
        Assert.That(isAnswer);
        Assert.That(c2, Is.EqualTo(s0s1s2[1..(1 + Block)]), "C2 is S1");
    }

    [Test]
    public void A_server_that_only_repeats_what_it_got_is_simple()
    {
        // S1 is a copy of our signed C1: no digest of a server.
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        RtmpHandshake.WriteC0C1(c0c1, RtmpHandshakeKind.Digest, 1);
        byte[] s0s1s2 = [3, .. c0c1[1..], .. c0c1[1..]];
        Assert.That(RtmpHandshake.AnswerServer(s0s1s2, c0c1, new byte[Block], out _), Is.EqualTo(RtmpHandshakeKind.Simple));
    }

    [Test]
    public void An_answer_may_have_times_of_its_own_and_nothing_else()
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        var s0s1s2 = new byte[RtmpHandshake.S0S1S2Length];
        RtmpHandshake.WriteC0C1(c0c1, RtmpHandshakeKind.Simple, 1);
        RtmpHandshake.AnswerClient(c0c1, s0s1s2, 5);
        var c2 = s0s1s2[1..(1 + Block)];
        BinaryPrimitives.WriteUInt64BigEndian(c2, 0x1122334455667788);
        Assert.That(RtmpHandshake.IsAnswer(c2, s0s1s2));
        c2[8] ^= 1;
        Assert.That(RtmpHandshake.IsAnswer(c2, s0s1s2), Is.False);
        Assert.That(RtmpHandshake.IsAnswer(new byte[Block], s0s1s2), Is.False);
    }

    [Test]
    public void Another_version_is_refused([Values(0, 2, 4, 6, (int)'G', 0x16, 255)] int version)
    {
        var c0c1 = new byte[RtmpHandshake.C0C1Length];
        c0c1[0] = (byte)version;
        Assert.That(
            () => RtmpHandshake.AnswerClient(c0c1, new byte[RtmpHandshake.S0S1S2Length], 0),
            Throws.TypeOf<RtmpProtocolException>().With.Message.Contains($"version {version}"));
        var s0s1s2 = new byte[RtmpHandshake.S0S1S2Length];
        s0s1s2[0] = (byte)version;
        Assert.That(() => RtmpHandshake.AnswerServer(s0s1s2, c0c1, new byte[Block], out _), Throws.TypeOf<RtmpProtocolException>());
    }

    private static byte[] RandomBytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static int Offset(ReadOnlySpan<byte> block, int place) =>
        ((block[place] + block[place + 1] + block[place + 2] + block[place + 3]) % 728) + place + 4;

    private static byte[] Digest(ReadOnlySpan<byte> block, int offset, byte[] key) =>
        HMACSHA256.HashData(key, (byte[])[.. block[..offset], .. block[(offset + 32)..Block]]);

    private static void Sign(Span<byte> block, int place, byte[] key)
    {
        var offset = Offset(block, place);
        Digest(block, offset, key).CopyTo(block[offset..]);
    }

    private static bool IsSigned(ReadOnlySpan<byte> block, int place, byte[] key)
    {
        var offset = Offset(block, place);
        return block.Slice(offset, 32).SequenceEqual(Digest(block, offset, key));
    }

    private static byte[] AnswerTo(ReadOnlySpan<byte> digest, byte[] key, ReadOnlySpan<byte> block) =>
        HMACSHA256.HashData(HMACSHA256.HashData(key, digest), block[..^32]);
}
