using MediaGraph.Media;
using MediaGraph.Tests.Codecs;
using NUnit.Framework;

namespace MediaGraph.Tests.Media;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class TrackMatchTests
{
    private static readonly Track H264 = Track.H264(Vectors.Hex(Vectors.Sps1080), Vectors.Hex(Vectors.Pps1080));
    private static readonly Track Aac = Track.Aac([0x12, 0x10]);

    [Test]
    public void Codecs_not_matched_is_readable()
    {
        Assert.That(Failure([H264], [Track.Video("VP8")]), Is.EqualTo("codecs not matched: H264 ⇒ VP8"));
        Assert.That(Failure([H264, Aac], [Track.Video("VP8")]), Is.EqualTo("codecs not matched: H264, AAC ⇒ VP8"));
        Assert.That(
            Failure([H264], [Track.Video("VP8", "VP9"), Track.Audio("Opus")]), Is.EqualTo("codecs not matched: H264 ⇒ VP8, VP9, Opus"));
        Assert.That(Failure([H264], [Track.Any(MediaKind.Audio)]), Is.EqualTo("codecs not matched: H264 ⇒ any audio"));
        Assert.That(Failure([], [Track.Video("VP8")]), Is.EqualTo("codecs not matched: nothing ⇒ VP8"));
    }

    [Test]
    public void Video_and_audio_match_by_kind_and_name()
    {
        var matches = Matches([Aac, H264], [Track.Video("h265", "h264"), Track.Audio("AAC")]);
        Assert.That(matches.Select(match => match.Offered), Is.EqualTo(new[] { H264, Aac }));
        Assert.That(matches[0].Codec.Video?.Width, Is.EqualTo(1920), "the offered codec, with its parameters");
    }

    [Test]
    public void The_preference_of_the_one_who_wants_decides()
    {
        var offered = new Track(MediaKind.Audio, TrackDirection.SendOnly, [Sound("PCMA", 8000, 1), Sound("Opus", 48_000, 2)]);
        Assert.That(Matches([offered], [Track.Audio("Opus", "PCMA")])[0].Codec.Name, Is.EqualTo("Opus"));
        Assert.That(Matches([offered], [Track.Any(MediaKind.Audio)])[0].Codec.Name, Is.EqualTo("PCMA"));
    }

    [Test]
    public void A_part_that_matches_is_enough() =>
        Assert.That(Matches([H264], [Track.Audio("AAC"), Track.Video("H264")]), Has.Count.EqualTo(1));

    [Test]
    public void An_offered_track_is_used_once()
    {
        var second = Track.Of(new Codec(MediaKind.Video, "H264", 90_000), id: "video2");
        Assert.That(Matches([H264], [Track.Video("H264"), Track.Video("H264")]), Has.Count.EqualTo(1));
        Assert.That(
            Matches([H264, second], [Track.Video("H264"), Track.Any(MediaKind.Video)]).Select(match => match.Offered),
            Is.EqualTo(new[] { H264, second }));
    }

    [Test]
    public void Clock_rate_and_channels_count_where_they_are_stated()
    {
        var offered = Track.Of(Sound("PCMA", 16_000, 1));
        Track Wanted(int rate, int channels) => new(MediaKind.Audio, TrackDirection.ReceiveOnly, [Sound("PCMA", rate, channels)]);
        Assert.That(Matches([offered], [Track.Audio("PCMA")]), Has.Count.EqualTo(1));
        Assert.That(Matches([offered], [Wanted(16_000, 1)]), Has.Count.EqualTo(1));
        Assert.That(Failure([offered], [Wanted(8_000, 1)]), Is.EqualTo("codecs not matched: PCMA ⇒ PCMA"));
    }

    [Test]
    public void An_opaque_codec_suits_only_who_takes_any()
    {
        var offered = Track.Of(new Codec(MediaKind.Video, "VP8", 1000, form: PayloadForm.FlvTag));
        Assert.That(Matches([offered], [Track.Any(MediaKind.Video)]), Has.Count.EqualTo(1));
        Assert.That(Failure([offered], [Track.Video("VP8")]), Is.Not.Null);
    }

    [Test]
    public void Tracks_of_the_other_direction_do_not_match()
    {
        Assert.That(Failure([Track.Video("H264")], [Track.Video("H264")]), Is.EqualTo("codecs not matched: nothing ⇒ H264"));
        Assert.That(Failure([H264], [H264]), Is.EqualTo("codecs not matched: H264 ⇒ nothing"));
    }

    [Test]
    public void A_track_is_known_by_its_kind_unless_it_says_otherwise()
    {
        Assert.That((H264.Id, Aac.Id, Track.Any(MediaKind.Data).Id), Is.EqualTo(("video", "audio", "data")));
        Assert.That(Track.Of(H264.Codecs[0], "sub").Id, Is.EqualTo("sub"));
        Assert.That(Aac.ToString(), Is.EqualTo("audio sendonly AAC/44100/2"));
    }

    [Test]
    public void A_track_of_mixed_kinds_or_of_nothing_to_send_is_refused()
    {
        Assert.That(() => new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, H264.Codecs), Throws.ArgumentException);
        Assert.That(() => new Track(MediaKind.Audio, TrackDirection.SendOnly, []), Throws.ArgumentException);
        Assert.That(() => new Track(MediaKind.Audio, TrackDirection.ReceiveOnly, default), Throws.ArgumentException);
    }

    private static Codec Sound(string name, int rate, int channels) => new(MediaKind.Audio, name, rate, channels);

    private static string? Failure(Track[] offered, Track[] wanted)
    {
        Assert.That(TrackMatch.TryMatch(offered, wanted, out var matches, out var failure), Is.False);
        Assert.That(matches, Is.Empty);
        return failure;
    }

    private static IReadOnlyList<TrackMatch> Matches(Track[] offered, Track[] wanted)
    {
        Assert.That(TrackMatch.TryMatch(offered, wanted, out var matches, out var failure), failure);
        Assert.That(failure, Is.Null);
        return matches;
    }
}
