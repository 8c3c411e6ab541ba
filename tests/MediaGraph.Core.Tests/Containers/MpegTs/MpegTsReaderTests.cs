using MediaGraph.Containers.MpegTs;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tests.Containers.MpegTs;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class MpegTsReaderTests
{
    private const string Pat = "474000100000b00d0001c100000001e0127f737fbf";
    private const string Pmt = "474012100002b0170001c10000e044f0001be044f00090e045f000aa027ee3";
    private const string TalkPacket = "474045310900ffffffffffffffff000001c000a88080052100010e11";

    [Test]
    public void The_tables_are_those_of_the_cameras()
    {
        var tables = Convert.ToHexStringLower(new TsStream().Tables());
        Assert.That(tables, Is.EqualTo(Pat.PadRight(376, 'f') + Pmt.PadRight(376, 'f')));
    }

    [Test]
    public void Twenty_milliseconds_of_sound_are_one_packet()
    {
        var writer = new MpegTsWriter(new MpegTsStream(0x45, MpegTsStreamType.Pcma));
        var samples = Enumerable.Repeat((byte)0xD5, 160).ToArray();
        var packet = new byte[188];
        writer.WriteUnit(0, 0, samples, packet);
        Assert.That(writer.WriteUnit(0, 1800, samples, packet), Is.EqualTo(188));
        Assert.That(Convert.ToHexStringLower(packet), Is.EqualTo(TalkPacket + string.Concat(Enumerable.Repeat("d5", 160))));
    }

    [Test]
    public void What_is_written_is_read_however_it_is_cut([Values(1, 7, 187, 188, 189, 376, 100_000)] int piece)
    {
        var stream = new TsStream();
        var random = new Random(1);
        var units = new List<(int Stream, long Time, byte[] Data)>();
        byte[] bytes = stream.Tables();
        for (var i = 0; i < 60; i++)
        {
            var data = new byte[i == 7 ? 70_000 : random.Next(1, 3000)];
            random.NextBytes(data);
            units.Add((i % 2, 90_000 * i, data));
            bytes = [.. bytes, .. stream.Unit(i % 2, 90_000 * i, data)];
        }

        var seen = Read(bytes.Chunk(piece));
        var expected = units.Select(u => (u.Stream, u.Time, Convert.ToHexString(u.Data)));
        Assert.That(seen.Select(u => (u.Pid - 0x44, u.Time ?? -1, u.Data)), Is.EquivalentTo(expected));
        Assert.That(seen.Any(u => u.FollowsLoss), Is.False);
    }

    [Test]
    public void Of_streams_of_unknown_types_nothing_is_kept()
    {
        var stream = new TsStream(video: 0x06);
        byte[] bytes = stream.Tables();
        for (var i = 0; i < 3; i++)
            bytes = [.. bytes, .. stream.Unit(0, 90_000 * i, new byte[1000]), .. stream.Unit(1, 90_000 * i, new byte[100])];
        var reader = new MpegTsReader();
        var pids = new List<int>();
        reader.Read(bytes, (scoped in MpegTsUnit unit) => pids.Add(unit.Stream.Pid));
        Assert.That(pids, Is.EqualTo(new[] { 0x45, 0x45, 0x45 }));
        Assert.That(reader.Streams.Select(s => s.Type), Is.EqualTo(new byte[] { 0x06, MpegTsStreamType.Pcma }));
    }

    [Test]
    public void Times_go_on_where_their_33_bits_wrap()
    {
        var stream = new TsStream();
        const long Wrap = 1L << 33;
        var seen = Read([stream.Tables(), stream.Audio(Wrap - 900, 80), stream.Audio(Wrap, 80), stream.Audio(Wrap + 900, 80)]);
        Assert.That(seen.Select(u => u.Time), Is.EqualTo(new long?[] { Wrap - 900, Wrap, Wrap + 900 }));
    }

    [Test]
    public void A_lost_packet_costs_its_unit_alone()
    {
        var stream = new TsStream();
        byte[][] units = [stream.Unit(0, 0, new byte[500]), stream.Unit(0, 1, new byte[500]), stream.Unit(0, 2, new byte[500])];
        var seen = Read([stream.Tables(), units[0], units[1][..188], units[1][376..], units[2]]);
        Assert.That(seen.Select(u => (u.Time, u.FollowsLoss)), Is.EqualTo(new (long?, bool)[] { (0, false), (2, true) }));
    }

    [Test]
    public void A_repeated_packet_is_passed_over()
    {
        var stream = new TsStream();
        var unit = stream.Unit(0, 0, [.. Enumerable.Range(0, 500).Select(i => (byte)i)]);
        var seen = Read([stream.Tables(), unit[..188], unit[..188], unit[188..]]);
        Assert.That(seen.Single().Data, Has.Length.EqualTo(1000));
    }

    [Test]
    public void Bytes_that_are_no_packets_are_passed_over()
    {
        var stream = new TsStream();
        var reader = new MpegTsReader();
        var garbage = "G garbage with a G in it"u8.ToArray()[1..];
        var seen = Read([stream.Tables(), garbage, stream.Audio(0, 160), [1, 2, 3], stream.Audio(1800, 160)], reader);
        Assert.That(seen.Select(u => u.Time), Is.EqualTo(new long?[] { 0, 1800 }));
        Assert.That(reader.SkippedBytes, Is.EqualTo(26));
    }

    [Test]
    public void A_table_with_a_wrong_check_sum_says_nothing()
    {
        var stream = new TsStream();
        var tables = stream.Tables();
        tables[188 + 13] ^= 1;
        var reader = new MpegTsReader();
        Assert.That(Read([tables, stream.Audio(0, 160)], reader), Is.Empty);
        Assert.That(reader.Streams, Is.Empty);
    }

    [Test]
    public void H5_a_unit_that_is_too_long_is_dropped()
    {
        var stream = new TsStream();
        var reader = new MpegTsReader(maxUnitBytes: 100_000);
        byte[][] units = [stream.Unit(0, 0, new byte[100_001]), stream.Unit(0, 1, new byte[99_999]), stream.Unit(0, 2, [1])];
        var seen = Read([stream.Tables(), .. units], reader);
        Assert.That(seen.Select(u => u.Time), Is.EqualTo(new long?[] { 1, 2 }));
        Assert.That(reader.DroppedUnits, Is.EqualTo(1));
    }

    [Test]
    public void H4_any_bytes_are_read()
    {
        var stream = new TsStream();
        byte[] good = [.. stream.Tables(), .. stream.Video(0, TsStream.KeyUnit), .. stream.Audio(0, 400)];
        byte[][] seeds = [good, good[..376], good[376..], stream.Unit(0, 0, new byte[1000]), []];
        Fuzz.Run<FormatException>(seeds, (data, random) =>
        {
            var reader = new MpegTsReader(maxUnitBytes: 4096);
            var whole = new List<string>();
            reader.Read(data, (scoped in MpegTsUnit unit) => whole.Add(Convert.ToHexString(unit.Data)));
            reader.Complete((scoped in MpegTsUnit unit) => whole.Add(Convert.ToHexString(unit.Data)));
            Assert.That(whole.All(unit => unit.Length <= 2 * 4096));
        }, boundsMemory: true);
    }

    private static List<(int Pid, long? Time, string Data, bool FollowsLoss)> Read(IEnumerable<byte[]> pieces, MpegTsReader? reader = null)
    {
        var seen = new List<(int, long?, string, bool)>();
        reader ??= new MpegTsReader();
        void Take(scoped in MpegTsUnit unit) =>
            seen.Add((unit.Stream.Pid, unit.PresentationTime, Convert.ToHexString(unit.Data), unit.FollowsLoss));
        foreach (var piece in pieces)
            reader.Read(piece, Take);
        reader.Complete(Take);
        return seen;
    }
}
