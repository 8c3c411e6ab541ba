using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>The comparison fails where it should.</summary>
public sealed class FrameHashesTests
{
    private const int Joined = Clips.Group * 2;

    private static readonly FrameHashes Source = new([.. Frames("v", 40)], [.. Frames("a", 20)]);

    [Test]
    public void A_part_from_a_keyframe_on_with_other_times_passes() => Assert.That(() => Check(), Throws.Nothing);

    [Test]
    public void A_first_time_that_is_missing_and_a_last_frame_that_is_cut_pass() => Assert.That(
        () => Check(v =>
        {
            v[0] = v[0] with { Milliseconds = null };
            v[^1] = v[^1] with { Hash = "half" };
        }),
        Throws.Nothing);

    [Test]
    public void Everything_else_fails()
    {
        Fails(v => v.RemoveAt(0), "a beginning that is no keyframe");
        Fails(v => v.RemoveAt(7), "a gap");
        Fails(v => v.Insert(7, v[7]), "a duplicate");
        Fails(v => (v[7], v[8]) = (v[8], v[7]), "another order");
        Fails(v => v[7] = v[7] with { Hash = "other" }, "another payload");
        Fails(v => v[7] = v[7] with { Milliseconds = null }, "a time that is missing");
        Fails(v => v[7] = v[7] with { Milliseconds = v[7].Milliseconds + 5 }, "a time that moves");
        Fails(v => v.RemoveRange(20, v.Count - 20), "too few");
        Fails(v => v.Clear(), "nothing");
        Fails(v => Move(v, 25), "pictures that are late against the sound");

        static void Fails(Action<List<HashedFrame>> change, string what) =>
            Assert.That(() => Check(change), Throws.InstanceOf<AssertionException>(), what);
    }

    [Test]
    public void Lines_of_framehash_are_read_with_their_units_and_a_line_that_is_cut_does_not_count()
    {
        var read = FrameHashes.Parse([
            "#tb 0: 1/90000", "#media_type 0: video", "#tb 1: 1/48000", "#media_type 1: audio",
            "0,   -1000000, -9223372036854775808,     3600,     2818, e81c4f9461b24f174a7b29646f1f66aa, S=1,       16, 41bc079fbe350300",
            "0,    -999999,      10800,     3600,     1013, 26b2457f969944c941a52daf7112672b",
            "1,          0,        480,     1024,      277, b7ffcaf29bc0640755b343f8335dfd92",
            "1,       1024,       1024,     1024,      268, ac7a6fcb883742"]);

        Assert.That(read.Video, Is.EqualTo(new HashedFrame[]
        {
            new(null, "e81c4f9461b24f174a7b29646f1f66aa"), new(120, "26b2457f969944c941a52daf7112672b"),
        }));
        Assert.That(read.Audio, Is.EqualTo(new HashedFrame[] { new(10, "b7ffcaf29bc0640755b343f8335dfd92") }));
    }

    private static void Check(Action<List<HashedFrame>>? change = null)
    {
        var (video, audio) = (Source.Video.Skip(Joined).ToList(), Source.Audio.Skip(Joined * 2).ToList());
        Move(video, -1000);
        Move(audio, -1000);
        change?.Invoke(video);
        new FrameHashes(video, audio).AssertPartOf(Source, "viewer");
    }

    private static void Move(List<HashedFrame> frames, double by)
    {
        for (var i = 0; i < frames.Count; i++)
            frames[i] = frames[i] with { Milliseconds = frames[i].Milliseconds + by };
    }

    private static IEnumerable<HashedFrame> Frames(string kind, double milliseconds) =>
        Enumerable.Range(0, 200).Select(i => new HashedFrame(i * milliseconds, $"{kind}{i}"));
}
