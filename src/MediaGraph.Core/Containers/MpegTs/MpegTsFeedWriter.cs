using System.Collections.Immutable;
using MediaGraph.Containers.AnnexB;
using MediaGraph.Streams;

namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Feeds a stream from a transport stream: the first stream of video (H264, H265) and the first of sound (G.711) of its program. What is
/// damaged is dropped, and the video goes on at its next keyframe. A clock that the source sets anew does not show in the times. Total:
/// accepts any bytes. Not thread-safe.
/// </summary>
/// <param name="feed">What is fed. The caller owns it.</param>
/// <param name="maxUnitBytes">The longest PES packet that is taken, in bytes.</param>
public sealed class MpegTsFeedWriter(Feed feed, int maxUnitBytes = MpegTsReader.DefaultMaxUnitBytes)
{
    private readonly MediaClock _clock = new(feed.Time);
    private readonly MediaClock.Track _videoClock = new();
    private readonly MediaClock.Track _audioClock = new();
    private MpegTsReader _reader = new(maxUnitBytes);
    private AnnexBFeedWriter? _video;
    private string? _videoName; // the codec of the writer
    private G711FeedWriter? _audio;
    private string? _audioName;
    private ImmutableArray<MpegTsStream> _known = []; // the program that the two fields below were chosen from
    private int _videoPid = -1;
    private int _audioPid = -1;
    private bool _isSettled;
    private bool _isFed = true;

    /// <summary>Whether video is fed. Default true. Where it was left out, it begins with a keyframe.</summary>
    public bool TakesVideo { get; set; } = true;

    /// <summary>Whether sound is fed. Default true.</summary>
    public bool TakesAudio { get; set; } = true;

    /// <summary>The streams of the program; empty before its map came.</summary>
    public ImmutableArray<MpegTsStream> Streams => _reader.Streams;

    /// <summary>Whole PES packets of the video and the sound that came so far, taken or not.</summary>
    public long Units { get; private set; }

    /// <summary>Frames that were dropped because something of them, or of what they need, was missing.</summary>
    public long DroppedFrames => _reader.DroppedUnits + (_video?.DroppedFrames ?? 0);

    /// <summary>Feeds what came; packets may be cut anywhere between two calls.</summary>
    /// <returns>False when the feed has ended or was revoked.</returns>
    public bool Write(ReadOnlySpan<byte> data)
    {
        _reader.Read(data, Take);
        if (!_isSettled && _isFed)
            SettleIfComplete();
        return _isFed;
    }

    /// <summary>What comes next is of another transport stream of the same source: the same tracks go on with it.</summary>
    public void Restart()
    {
        _reader = new MpegTsReader(maxUnitBytes);
        _video?.Restart();
    }

    private void Take(scoped in MpegTsUnit unit)
    {
        Choose();
        var isVideo = unit.Stream.Pid == _videoPid;
        if (!_isFed)
            return;
        if (unit.PresentationTime is not { } presentationTime || unit.DecodeTime is not { } decodeTime)
        {
            if (isVideo)
                _video?.Restart(); // what cannot be placed is lost, with what may be missing before it
            return;
        }

        if (!isVideo && unit.Stream.Pid != _audioPid)
            return;
        Units++;

        // What is not taken has its place too: else a kind that is taken again after a while looks like a clock that was set.
        var placed = _clock.Place(isVideo ? _videoClock : _audioClock, decodeTime);
        if (isVideo)
            _isFed = TakeVideo(unit, placed + presentationTime - decodeTime, placed);
        else if (TakesAudio)
            _isFed = Audio(unit.Stream).Write(unit.Data, placed, unit.FollowsLoss);
    }

    private bool TakeVideo(scoped in MpegTsUnit unit, long presentationTime, long decodeTime)
    {
        var video = Video(unit.Stream);
        if (unit.FollowsLoss || !TakesVideo)
            video.Restart();
        return !TakesVideo || video.Write(unit.Data, presentationTime, decodeTime);
    }

    private void Choose()
    {
        if (_known == _reader.Streams)
            return;
        _known = _reader.Streams;
        (_videoPid, _audioPid) = (-1, -1);
        foreach (var stream in _known)
        {
            if (stream.Type is MpegTsStreamType.H264 or MpegTsStreamType.H265)
                _videoPid = _videoPid < 0 ? stream.Pid : _videoPid;
            else if (MpegTsStreamType.NameOf(stream.Type) is not null)
                _audioPid = _audioPid < 0 ? stream.Pid : _audioPid;
        }
    }

    // The track stays when the codec becomes another.
    private AnnexBFeedWriter Video(MpegTsStream stream)
    {
        var name = MpegTsStreamType.NameOf(stream.Type)!;
        if (_video is null || _videoName != name)
            (_video, _videoName) = (new AnnexBFeedWriter(feed, name, track: _video?.Track), name);
        return _video;
    }

    private G711FeedWriter Audio(MpegTsStream stream)
    {
        var name = MpegTsStreamType.NameOf(stream.Type)!;
        if (_audio is null || _audioName != name)
            (_audio, _audioName) = (new G711FeedWriter(feed, name, _audio?.Track), name);
        return _audio;
    }

    private void SettleIfComplete()
    {
        Choose();
        var lacksVideo = TakesVideo && _videoPid >= 0 && _video?.Track is null;
        var lacksAudio = TakesAudio && _audioPid >= 0 && _audio?.Track is null;
        if (_known.IsEmpty || lacksVideo || lacksAudio)
            return;
        _isSettled = true;
        feed.Settle();
    }
}
