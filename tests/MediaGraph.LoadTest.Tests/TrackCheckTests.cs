using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace MediaGraph.LoadTest.Tests;

[Parallelizable(ParallelScope.All)]
public sealed class TrackCheckTests
{
    private const int Gop = 10;

    private static readonly SyntheticTrack[][] Streams = SyntheticTrack.ForStreams(
        LoadOptions.Parse(["--streams", "2", "--bitrate", "1", "--gop", $"{Gop}", "--audio"])!);

    private static readonly SyntheticTrack Video = Streams[0][0];
    private static readonly SyntheticTrack Audio = Streams[0][1];

    [Test]
    public void Frames_in_order_are_right_from_any_keyframe_on()
    {
        var check = Take(Video, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
        Assert.That((check.Faults, check.Frames, check.Next), Is.EqualTo((default(FrameFaults), 12L, 32L)));
        Assert.That(check.FirstPictureAt, Is.Positive);
    }

    [Test]
    public void Audio_starts_and_resumes_anywhere()
    {
        var check = Take(Audio, [7, 8, 9, 13, 14]);
        Assert.That(check.Faults, Is.EqualTo(new FrameFaults { Gaps = 1, Lost = 3 }));
    }

    [TestCase(new long[] { 0, 1, 10, 11 }, 1, 8, 0, Description = "resumes at a keyframe")]
    [TestCase(new long[] { 0, 1, 9, 10, 11 }, 1, 7, 1)]
    [TestCase(new long[] { 0, 1, 11, 12, 14 }, 2, 10, 2)]
    [TestCase(new long[] { 0, 100, 101, 200 }, 2, 197, 0)]
    public void Missing_frames_are_counted_with_the_place_where_it_goes_on(long[] frames, int gaps, int lost, int midGroup)
    {
        var faults = Take(Video, frames).Faults;
        Assert.That(faults, Is.EqualTo(new FrameFaults { Gaps = gaps, Lost = lost, MidGroupResumes = midGroup }));
    }

    [TestCase(new long[] { 0, 2, 1, 3 }, 1)]
    [TestCase(new long[] { 0, 3, 1, 2, 4 }, 2)]
    [TestCase(new long[] { 0, 3, 2, 1, 4 }, 2)]
    [TestCase(new long[] { 10, 9, 11 }, 1, Description = "from before the start")]
    public void Late_frames_are_reordered_and_no_gap(long[] frames, int reordered) =>
        Assert.That(Take(Video, frames).Faults, Is.EqualTo(new FrameFaults { Reordered = reordered }));

    [Test]
    public void A_late_frame_closes_only_its_own_part_of_a_gap() =>
        Assert.That(
            Take(Video, [0, 4, 2, 5]).Faults,
            Is.EqualTo(new FrameFaults { Gaps = 1, Lost = 2, MidGroupResumes = 1, Reordered = 1 }));

    [TestCase(new long[] { 0, 0, 1, 2 }, 1)]
    [TestCase(new long[] { 0, 1, 2, 0, 1, 2, 3 }, 3)]
    public void Frames_that_come_again_are_duplicates(long[] frames, int duplicates) =>
        Assert.That(Take(Video, frames).Faults, Is.EqualTo(new FrameFaults { Duplicates = duplicates }));

    [Test]
    public void A_late_frame_that_comes_again_is_a_duplicate() =>
        Assert.That(Take(Video, [0, 2, 1, 1, 3]).Faults, Is.EqualTo(new FrameFaults { Reordered = 1, Duplicates = 1 }));

    [Test]
    public void A_first_frame_that_is_no_keyframe_is_a_bad_start() =>
        Assert.That(Take(Video, [3, 4, 5]).Faults, Is.EqualTo(new FrameFaults { BadStarts = 1 }));

    [Test]
    public void No_picture_comes_before_a_keyframe()
    {
        Assert.That(Take(Video, [3, 4, 5]).FirstPictureAt, Is.Zero);
        Assert.That(Take(Video, [8, 9, 10]).FirstPictureAt, Is.Positive);
    }

    [Test]
    public void Another_stream_s_frame_is_corruption() => AssertCorrupt(MediaMessage.Frame(Streams[1][0], 1).Body);

    [Test]
    public void Any_changed_bit_is_corruption_and_nothing_else()
    {
        var right = MediaMessage.Frame(Video, 1).Body;
        for (var i = 0; i < right.Length; i++)
        {
            // With 0 or 2 in its place this one says that the message is no frame: then a frame is missing.
            byte[] body = [.. right];
            body[i] ^= 0x80;
            AssertCorrupt(body);
        }
    }

    [TestCase(1)]
    [TestCase(30)]
    [TestCase(200)]
    public void A_frame_of_another_length_is_corruption(int length)
    {
        var right = MediaMessage.Frame(Video, 1).Body;
        AssertCorrupt(right[..length]);
        AssertCorrupt([.. right, .. new byte[length]]);
    }

    [Test]
    public void A_sequence_s_end_is_no_frame()
    {
        var check = Take(Video, [0, 1]);
        check.Take(5, 0, [0x17, 2, 0, 0, 0]);
        Assert.That((check.Faults, check.Frames), Is.EqualTo((default(FrameFaults), 2L)));
    }

    [FsCheck.NUnit.Property(MaxTest = 200)]
    public Property Any_subset_of_frames_is_described_exactly()
    {
        var subsets = Gen.Elements(true, true, true, false).ArrayOf(70);
        return Prop.ForAll(subsets.ToArbitrary(), comes =>
        {
            long[] frames = [0, .. Enumerable.Range(1, comes.Length).Where(i => comes[i - 1]).Select(i => (long)i)];
            var gaps = frames.Zip(frames.Skip(1)).Where(pair => pair.Second > pair.First + 1).ToArray();
            return Take(Video, frames).Faults == new FrameFaults
            {
                Gaps = gaps.Length,
                Lost = gaps.Sum(gap => gap.Second - gap.First - 1),
                MidGroupResumes = gaps.Count(gap => gap.Second % Gop != 0),
            };
        });
    }

    private static void AssertCorrupt(byte[] body)
    {
        var check = Take(Video, [0]);
        Feed(check, body);
        Feed(check, MediaMessage.Frame(Video, 2).Body);
        Assert.That(check.Faults, Is.EqualTo(new FrameFaults { Corrupt = 1 }));
        Assert.That((check.Frames, check.Next), Is.EqualTo((3L, 3L)));
    }

    private static TrackCheck Take(SyntheticTrack track, long[] frames)
    {
        var check = new TrackCheck(track, verifiesContent: true, latencies: null);
        Feed(check, track.Parameters);
        foreach (var frame in frames)
            Feed(check, MediaMessage.Frame(track, frame).Body);
        return check;
    }

    // In pieces of odd lengths.
    private static void Feed(TrackCheck check, byte[] body)
    {
        for (int offset = 0, piece = 1; offset < body.Length; offset += piece, piece = (piece * 3) + 1)
            check.Take(body.Length, offset, body.AsSpan(offset, Math.Min(piece, body.Length - offset)));
    }
}
