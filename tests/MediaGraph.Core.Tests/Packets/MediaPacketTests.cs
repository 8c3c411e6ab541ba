using MediaGraph.Media;
using MediaGraph.Packets;
using NUnit.Framework;

namespace MediaGraph.Tests.Packets;

// Rows: G6.

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class MediaPacketTests
{
    private static readonly Codec Sound = new(MediaKind.Audio, CodecNames.Aac, 48_000, 2);

    [Test]
    public void A_packet_carries_what_it_was_made_of()
    {
        var pool = new PacketPool();
        var packet = pool.CreatePacket([1, 2, 3], Sound, 48_000, 49_000, PacketFlags.Keyframe);
        Assert.That(packet.Payload.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
        Assert.That((packet.Length, packet.DecodeTime, packet.PresentationTime), Is.EqualTo((3, 48_000, 49_000)));
        Assert.That(packet.DecodeTimestamp, Is.EqualTo(TimeSpan.FromSeconds(1)));
        Assert.That(packet.Codec, Is.SameAs(Sound));
        Assert.That(packet.IsKeyframe);
        packet.Release();
    }

    [Test]
    public void Memory_that_packets_of_several_streams_share_is_claimed_once()
    {
        var pool = new PacketPool();
        var buffer = pool.Rent(300);
        buffer.Retain();
        var packet = pool.CreatePacket(buffer, 0, 300, Sound, 0, 0, PacketFlags.None);
        var other = pool.CreatePacket(buffer, 0, 300, Sound, 0, 0, PacketFlags.None);
        Assert.That(packet.TryClaim(out var claimed, out _));
        Assert.That(other.TryClaim(out _, out _), Is.False);
        claimed!.Release();
        packet.Release();
        other.Release();
        var next = pool.CreatePacket(new byte[300], Sound, 0, 0, PacketFlags.None);
        Assert.That(next.TryClaim(out claimed, out _), "the next owner of the memory");
        claimed!.Release();
        next.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [Test]
    public void A_packet_takes_over_the_reference_of_its_buffer()
    {
        var pool = new PacketPool();
        var buffer = pool.Rent(10);
        byte[] bytes = [9, 8, 7, 6];
        bytes.CopyTo(buffer.Span);
        var packet = pool.CreatePacket(buffer, 1, 2, Sound, 0, 0, PacketFlags.None);
        Assert.That(packet.Payload.ToArray(), Is.EqualTo(new byte[] { 8, 7 }));
        packet.Release();
        Assert.That(() => buffer.Span.Length, Throws.InvalidOperationException);
        Assert.That((pool.GetStatistics().OutstandingBuffers, pool.GetStatistics().OutstandingPackets), Is.EqualTo((0, 0)));
    }

    [TestCase(-1, 1)]
    [TestCase(0, 257)]
    [TestCase(256, 1)]
    [TestCase(0, -1)]
    [TestCase(int.MaxValue, int.MaxValue)]
    public void A_payload_outside_of_its_buffer_is_refused_and_the_buffer_stays_the_callers(int offset, int length)
    {
        var pool = new PacketPool();
        var buffer = pool.Rent(256);
        Assert.That(
            () => pool.CreatePacket(buffer, offset, length, Sound, 0, 0, PacketFlags.None),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        buffer.Release();
        Assert.That((pool.GetStatistics().OutstandingBuffers, pool.GetStatistics().OutstandingPackets), Is.EqualTo((0, 0)));
    }

    [Test]
    public void G6_A_second_release_throws_and_is_not_counted([Values] bool diagnostics)
    {
        var pool = Pool(diagnostics);
        var packet = pool.CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        packet.Release();
        Assert.That(packet.Release, Throws.InvalidOperationException.With.Message.Contains("released twice"));
        Assert.That((pool.GetStatistics().OutstandingBuffers, pool.GetStatistics().OutstandingPackets), Is.EqualTo((0, 0)));
    }

    [Test]
    public void G6_Use_after_release_throws([Values] bool diagnostics)
    {
        var packet = Pool(diagnostics).CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        packet.Release();
        Assert.That(() => packet.Payload, Throws.InvalidOperationException.With.Message.Contains("used after"));
        Assert.That(() => packet.Codec, Throws.InvalidOperationException);
        Assert.That(() => packet.GetImage(new Copy()), Throws.InvalidOperationException);
    }

    [Test]
    public void G6_Retain_after_release_throws([Values] bool diagnostics)
    {
        var packet = Pool(diagnostics).CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        packet.Release();
        Assert.That(packet.Retain, Throws.InvalidOperationException.With.Message.Contains("retained after"));
        Assert.That(() => packet.Payload, Throws.InvalidOperationException);
    }

    [Test]
    public void Misuse_is_reported_with_the_place_where_the_buffer_was_taken()
    {
        var packet = Pool(diagnostics: true).CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        packet.Release();
        Assert.That(packet.Release, Throws.InvalidOperationException.With.Message.Contains(nameof(MediaPacketTests)));
    }

    [Test]
    public void G6_Racing_holders_release_once_each()
    {
        var pool = Pool(diagnostics: false);
        for (var round = 0; round < 2000; round++)
        {
            var packet = pool.CreatePacket([(byte)round], Sound, 0, 0, PacketFlags.None);
            packet.Retain();
            packet.Retain();
            Parallel.Invoke(packet.Release, packet.Release, packet.Release);
            Assert.That(packet.Release, Throws.InvalidOperationException);
        }

        Assert.That((pool.GetStatistics().OutstandingBuffers, pool.GetStatistics().OutstandingPackets), Is.EqualTo((0, 0)));
        Assert.That(pool.GetStatistics().Allocations, Is.EqualTo(1));
    }

    [Test]
    public void An_image_is_made_once_and_lives_as_long_as_the_packet()
    {
        var pool = Pool(diagnostics: true);
        var format = new Copy();
        var packet = pool.CreatePacket([1, 2, 3], Sound, 0, 0, PacketFlags.None);
        var image = packet.GetImage(format);
        Assert.That(image.ToArray(), Is.EqualTo(new byte[] { 0xAA, 1, 2, 3 }));
        Assert.That(packet.GetImage(format), Is.EqualTo(image), "the same memory");
        Assert.That(packet.GetImage(new Copy()), Is.Not.EqualTo(image), "another format");
        Assert.That(format.Writes, Is.EqualTo(1));
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.EqualTo(3));
        packet.Release();
        Assert.That(image.Span[0], Is.EqualTo(0xDD));
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [Test]
    public void Two_racing_threads_get_the_same_image()
    {
        using var bothWrite = new Barrier(2);
        var pool = Pool(diagnostics: false);
        var format = new Copy { Meeting = bothWrite };
        var packet = pool.CreatePacket([1, 2, 3], Sound, 0, 0, PacketFlags.None);
        var images = new ReadOnlyMemory<byte>[2];
        Parallel.Invoke(
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            () => images[0] = packet.GetImage(format), () => images[1] = packet.GetImage(format));
        Assert.That(images[0], Is.EqualTo(images[1]));
        Assert.That(images[0].ToArray(), Is.EqualTo(new byte[] { 0xAA, 1, 2, 3 }));
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.EqualTo(2), "the payload and one image");
        packet.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
    }

    [Test]
    public void A_format_that_throws_leaves_nothing_behind()
    {
        var pool = Pool(diagnostics: true);
        var packet = pool.CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        Assert.That(() => packet.GetImage(new Broken()), Throws.InstanceOf<NotSupportedException>());
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.EqualTo(1));
        packet.Release();
    }

    [Test]
    public void A_packet_that_is_used_again_has_none_of_its_old_images()
    {
        var pool = Pool(diagnostics: false);
        var format = new Copy();
        var first = pool.CreatePacket([1], Sound, 0, 0, PacketFlags.None);
        first.GetImage(format);
        first.Release();
        var second = pool.CreatePacket([2], Sound, 0, 0, PacketFlags.None);
        Assert.That(second, Is.SameAs(first));
        Assert.That(second.GetImage(format).ToArray(), Is.EqualTo(new byte[] { 0xAA, 2 }));
        second.Release();
    }

    [Test]
    public void An_image_that_comes_with_the_packet_is_found_and_released_with_it()
    {
        var pool = Pool(diagnostics: true);
        var (format, other) = (new Copy(), new Copy());
        var image = pool.Rent(2);
        image.Span[..2].Fill(7);
        var packet = pool.CreatePacket(pool.Rent(3), 0, 3, Sound, 0, 0, PacketFlags.None, new ReadyImage(image, 2, format));
        Assert.That(packet.TryGetImage(format, out var found) && found.Span.SequenceEqual<byte>([7, 7]));
        Assert.That(packet.TryGetImage(other, out _), Is.False, "it is not made");
        Assert.That(packet.GetImage(format).Length, Is.EqualTo(2));
        Assert.That(packet.GetImage(other).Length, Is.EqualTo(4));
        Assert.That((format.Writes, other.Writes), Is.EqualTo((0, 1)));
        packet.Release();
        Assert.That(pool.GetStatistics().OutstandingBuffers, Is.Zero);
        Assert.That(() => packet.TryGetImage(format, out _), Throws.InvalidOperationException);
    }

    private static PacketPool Pool(bool diagnostics) => new(new PacketPoolOptions { Diagnostics = diagnostics });

    private sealed class Copy : ImageFormat
    {
        private int _writes;

        public int Writes => _writes;

        /// <summary>Where the first two writers wait for each other, at most 5 s.</summary>
        public Barrier? Meeting { get; init; }

        public override int Measure(MediaPacket packet) => packet.Length + 1;

        public override int Write(MediaPacket packet, Span<byte> destination)
        {
            Interlocked.Increment(ref _writes);
            Meeting?.SignalAndWait(TimeSpan.FromSeconds(5));
            destination[0] = 0xAA;
            packet.Payload.Span.CopyTo(destination[1..]);
            return packet.Length + 1;
        }
    }

    private sealed class Broken : ImageFormat
    {
        public override int Measure(MediaPacket packet) => 10;

        public override int Write(MediaPacket packet, Span<byte> destination) => throw new NotSupportedException();
    }
}
