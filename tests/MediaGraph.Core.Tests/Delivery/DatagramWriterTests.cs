using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Delivery;

// Rows: C9, C16.

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class DatagramWriterTests
{
    private readonly PacketPool _pool = TestMedia.Pool(diagnostics: true);
    private readonly FakeTimeProvider _time = new();
    private readonly Receiver _video = new(Track.Of(TestMedia.Video));
    private readonly Receiver _audio = new(Track.Of(TestMedia.Audio));
    private readonly Network _network = new();
    private readonly List<CloseReason> _failures = [];

    [TearDown]
    public async Task NothingIsLeft()
    {
        _video.Close(CloseReason.Requested);
        _audio.Close(CloseReason.Requested);
        Assert.That(_pool.GetStatistics().OutstandingBuffers, Is.Zero, _pool.DescribeOutstanding);
        await Eventually.EqualAsync(() => _time.ActiveTimers, 0, "timers");
    }

    [Test]
    public async Task Live_packets_are_sent_in_place()
    {
        await using var writer = CreateWriter();
        var sender = Join(writer, _video);
        Push(_video, 0, isKeyframe: true);
        Push(_video, 1);
        Assert.That(_network.Sent, Is.EqualTo([0, 1]));
        Assert.That(sender.GetStatistics(), Is.EqualTo(new SenderStatistics(2, 2, 200, 0, 0, 0, 0)));
        Assert.That(writer.SentBytes, Is.EqualTo(200));
    }

    [Test]
    public async Task C16_what_the_system_does_not_take_is_lost_up_to_the_next_keyframe_and_sound_goes_on()
    {
        await using var writer = CreateWriter();
        var video = Join(writer, _video);
        var audio = Join(writer, _audio);
        Push(_video, 0, isKeyframe: true);
        _network.IsFull = true;
        Push(_video, 1);
        Push(_audio, 2, isKeyframe: true);
        _network.IsFull = false;
        Push(_video, 3);
        Push(_audio, 4, isKeyframe: true);
        Push(_video, 5, isKeyframe: true);
        Assert.That(_network.Sent, Is.EqualTo([0, 4, 5]));
        var statistics = video.GetStatistics();
        Assert.That((statistics.DroppedByOverflow, statistics.DroppedAwaitingKeyframe, statistics.Delivered), Is.EqualTo((1, 1, 2)));
        Assert.That(audio.GetStatistics().DroppedByOverflow, Is.EqualTo(1));
        Assert.That(_failures, Is.Empty, "a loss is no failure");
    }

    [Test]
    public async Task What_a_joiner_is_given_comes_in_bursts_and_live_packets_follow_it()
    {
        const int Length = 50 << 10;
        for (var i = 0; i < 4; i++)
            Push(_video, i, isKeyframe: i == 0, Length);
        await using var writer = CreateWriter();
        Join(writer, _video);
        Push(_video, 4, length: Length);
        await Eventually.Async(() => _network.Sent.Count == 2 && _time.ActiveTimers == 1, "the first burst is out");
        _time.Advance(TimeSpan.FromMilliseconds(5));
        await Eventually.Async(() => _network.Sent.Count == 3, "the second is shorter: the first was longer than it should be");
        await Eventually.Async(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(5));
            return writer.GetStatistics().Depth == 0 && _time.ActiveTimers == 0;
        }, "everything is out");
        Push(_video, 5);
        Assert.That(_network.Sent, Is.EqualTo([0, 1, 2, 3, 4, 5]), "in order, without a gap");
    }

    [Test]
    public async Task C16_what_waits_behind_a_loss_is_skipped_up_to_the_keyframe_that_waits()
    {
        const int Length = 70 << 10; // a burst each
        for (var i = 0; i < 3; i++)
            Push(_video, i, isKeyframe: i == 0, Length);
        _network.Loses = 1;
        await using var writer = CreateWriter();
        var sender = Join(writer, _video);
        Push(_video, 3, isKeyframe: true, Length);
        Push(_video, 4, length: Length);
        await Eventually.Async(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            return writer.GetStatistics().Depth == 0 && _time.ActiveTimers == 0;
        }, "everything is out");
        Assert.That(_network.Sent, Is.EqualTo([0, 3, 4]), "nothing between the loss and the keyframe, and all from there on");
        Assert.That(sender.GetStatistics(), Is.EqualTo(new SenderStatistics(5, 3, 3 * Length, 1, 1, 0, 0)));
    }

    [Test]
    public async Task C9_when_it_is_disposed_nothing_is_sent_any_more()
    {
        for (var i = 0; i < 4; i++)
            Push(_video, i, isKeyframe: i == 0, 50 << 10);
        var writer = CreateWriter();
        var sender = Join(writer, _video);
        await Eventually.Async(() => _time.ActiveTimers == 1, "it waits between two bursts");
        await writer.DisposeAsync();
        await writer.DisposeAsync();
        var sent = _network.Sent.Count;
        Push(_video, 9, isKeyframe: true);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(_network.Sent, Has.Count.EqualTo(sent));
        Assert.That(sender.GetStatistics().Queued, Is.Zero);
    }

    [Test]
    public async Task A_codec_that_cannot_be_sent_ends_the_consumer_once()
    {
        await using var writer = CreateWriter();
        Join(writer, _video);
        var other = new Codec(MediaKind.Video, "UNSUITABLE", 1000);
        Push(_video, 0, isKeyframe: true, codec: other);
        Push(_video, 1, codec: other);
        await Eventually.Async(() => _failures.Count > 0, "it is told");
        Assert.That(_failures.Select(reason => reason.Code), Is.EqualTo([CloseCode.CodecMismatch]));
    }

    private DatagramWriter CreateWriter() => new(_pool, reason => _failures.Add(reason), timeProvider: _time);

    private Sender Join(DatagramWriter writer, Receiver receiver)
    {
        var sender = writer.CreateSender(receiver.Track, _network);
        receiver.TryAttach(sender);
        return sender;
    }

    private void Push(Receiver receiver, int number, bool isKeyframe = false, int length = 100, Codec? codec = null) =>
        receiver.Push(_pool, number, isKeyframe, codec, length);

    private sealed class Network : DatagramFormat
    {
        private readonly Image _image = new();
        private readonly List<int> _sent = [];

        public bool IsFull { get; set; }

        public int? Loses { get; set; } // this one

        public List<int> Sent
        {
            get
            {
                lock (_sent)
                    return [.. _sent];
            }
        }

        public override string CodecNames => "anything";

        public override bool TrySend(ReadOnlySpan<byte> image)
        {
            if (IsFull || TestMedia.NumberOf(image) == Loses)
                return false;
            lock (_sent)
                _sent.Add(TestMedia.NumberOf(image));
            return true;
        }

        public override bool CanCarry(Codec codec) => codec.Name != "UNSUITABLE";

        public override ImageFormat ImageOf(Codec codec, bool withParameters) => _image;

        private sealed class Image : ImageFormat
        {
            public override bool IsPayload => true;

            public override int Measure(MediaPacket packet) => throw new NotSupportedException();

            public override int Write(MediaPacket packet, Span<byte> destination) => throw new NotSupportedException();
        }
    }
}
