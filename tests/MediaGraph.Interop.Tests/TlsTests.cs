using MediaGraph.Events;
using MediaGraph.Rtmp.Server;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Interop.Tests;

/// <summary>ffmpeg publishes and plays over TLS. It checks certificates only when it is told to.</summary>
[Category("Socket")]
public sealed class TlsTests
{
    private const string Stream = "live/cam";

    private static readonly StreamHubOptions Replacing = new()
    {
        OnPublisherConflict = PublisherConflict.Replace,
        WaitForPublisher = TimeSpan.FromSeconds(1),
    };

    [Test]
    public async Task What_ffmpeg_publishes_over_TLS_another_ffmpeg_gets_frame_by_frame()
    {
        var source = await Clips.ShortAsync();
        using var certificate = new TestCertificate();
        await using var server = await LiveServer.StartAsync(Replacing, new RtmpServerOptions { Tls = certificate.Server });
        await using var place = server.Hub.Publish(Stream);
        var recording = server.NewFile("flv");
        var player = server.Start("ffmpeg", [
            "-nostdin", "-hide_banner", "-loglevel", "warning", "-copyts", "-tls_verify", "1", "-ca_file", certificate.CertificateFile,
            "-i", server.SecureUrl(Stream), "-c", "copy", "-copytb", "1", "-y", recording]);
        await server.WaitForConsumersAsync(Stream, 1);

        var published = await server.Start(
            "ffmpeg", "-nostdin", "-loglevel", "warning", "-i", source, "-c", "copy", "-f", "flv", server.SecureUrl(Stream)).WaitAsync();
        var played = await player.WaitAsync();

        Assert.That(published.ExitCode, Is.Zero, published.Error);
        Assert.That(played.ExitCode, Is.Zero, played.Error);
        var (sent, got) = (await MediaFile.ReadAsync(source), await MediaFile.ReadAsync(recording));
        ProbedPackets.AssertSame(got.Video, sent.Video, "video");
        ProbedPackets.AssertSame(got.Audio, sent.Audio, "audio");
        Assert.That(server.Events.OfType<PublishStarted>().Last().Protocol, Is.EqualTo("rtmps"));
        Assert.That(server.Events.OfType<PlayStarted>().Last().Protocol, Is.EqualTo("rtmps"));
    }

    [Test]
    public async Task An_ffmpeg_that_checks_certificates_refuses_one_that_it_does_not_trust()
    {
        using var certificate = new TestCertificate();
        using var other = new TestCertificate();
        await using var server = await LiveServer.StartAsync(rtmp: new RtmpServerOptions { Tls = certificate.Server });
        var result = await server.Start(
            "ffmpeg", "-nostdin", "-loglevel", "warning", "-tls_verify", "1", "-ca_file", other.CertificateFile, "-i",
            server.SecureUrl(Stream), "-f", "null", "-").WaitAsync();
        Assert.That(result.ExitCode, Is.Not.Zero, result.Error);
        Assert.That(server.Events.OfType<PlayStarted>(), Is.Empty);
    }
}
