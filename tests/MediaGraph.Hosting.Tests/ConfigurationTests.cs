using System.Net;
using MediaGraph.Delivery;
using MediaGraph.Rtmp.Client;
using MediaGraph.Rtmp.Server;
using MediaGraph.Rtsp;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Server;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tapo;
using MediaGraph.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ConfigurationTests
{
    [Test]
    public void Nothing_configured_means_the_defaults()
    {
        var settings = Read([]);
        Assert.Multiple(() =>
        {
            Assert.That(settings.Hub, Is.EqualTo(new StreamHubOptions()));
            Assert.That(settings.Rtmp, Is.EqualTo(new RtmpServerOptions()));
            Assert.That(settings.IsRtmpEnabled, Is.True);
            Assert.That(settings.Rtsp, Is.EqualTo(new RtspServerOptions()));
            Assert.That(settings.IsRtspEnabled, Is.True);
            Assert.That(settings.IsDemoEnabled, Is.True);
            Assert.That(settings.DrainTimeout, Is.EqualTo(TimeSpan.FromSeconds(5)));
        });
    }

    [Test]
    public void Without_a_section_the_defaults_apply()
    {
        var services = new ServiceCollection();
        services.AddMediaGraph().AddRtmp().AddRtsp();
        using var provider = services.BuildServiceProvider();
        Assert.That(provider.GetRequiredService<MediaGraphSettings>().Rtmp, Is.EqualTo(new RtmpServerOptions()));
        Assert.That(provider.GetRequiredService<MediaGraphSettings>().Rtsp, Is.EqualTo(new RtspServerOptions()));
    }

    [Test]
    public void Every_key_that_the_documentation_lists_is_bound()
    {
        var settings = Read(new()
        {
            ["Demo"] = "false",
            ["DrainTimeout"] = "2",
            ["OnPublisherConflict"] = "replace",
            ["StalePublisherAfter"] = "7",
            ["WaitForPublisher"] = "00:01:00",
            ["Talk:SilenceLimit"] = "11",
            ["Talk:OpenLimit"] = "12",
            ["Talk:CloseLimit"] = "13",
            ["Talk:MaxDelay"] = "0.25",
            ["GroupCache:Enabled"] = "false",
            ["GroupCache:MaxBytes"] = "1000",
            ["GroupCache:MaxDuration"] = "2.5",
            ["Queue:MaxBytes"] = "3000000000",
            ["Queue:MaxAge"] = "6",
            ["Queue:OnOverflow"] = "Disconnect",
            ["Pool:MaxRetainedBytes"] = "7000",
            ["Linger"] = "0",
            ["Sources:ConnectLimit"] = "31",
            ["Sources:SilenceLimit"] = "32",
            ["Sources:MinBackoff"] = "0.25",
            ["Sources:MaxBackoff"] = "33",
            ["Sources:HealthyAfter"] = "34",
            ["Sources:MaxSessionsPerMinute"] = "35",
            ["Sources:ReadyLimit"] = "36",
            ["Relays:ConnectLimit"] = "37",
            ["Relays:MinBackoff"] = "0.75",
            ["Relays:MaxBackoff"] = "38",
            ["Relays:HealthyAfter"] = "39",
            ["Relays:MaxSessionsPerMinute"] = "40",
            ["Upstream:Url"] = "rtsp://origin.example/{name}",
            ["Upstream:Names"] = "live/.+",
            ["Upstream:MaxStreams"] = "41",
            ["Upstream:MaxTriesPerMinute"] = "43",
            ["Upstream:RetryAfter"] = "42",
            ["Rtmp:Enabled"] = "false",
            ["Rtmp:Listen"] = "0.0.0.0:1936",
            ["Rtmp:HandshakeTimeout"] = "1",
            ["Rtmp:CommandTimeout"] = "2",
            ["Rtmp:ReadTimeout"] = "3",
            ["Rtmp:WriteTimeout"] = "4",
            ["Rtmp:PingInterval"] = "5",
            ["Rtmp:ChunkSize"] = "4096",
            ["Rtmp:WindowAcknowledgementSize"] = "5000000",
            ["Rtmp:AssumedFourCcs"] = "hvc1, Opus",
            ["Rtmp:MaxMessageStreams"] = "18",
            ["Rtmp:Connections:MaxConnections"] = "11",
            ["Rtmp:Connections:MaxPerAddress"] = "12",
            ["Rtmp:Connections:MaxHalfOpen"] = "13",
            ["Rtmp:Connections:MaxHalfOpenPerAddress"] = "10",
            ["Rtmp:Limits:MaxMediaMessageBytes"] = "14000",
            ["Rtmp:Limits:MaxMessageBytes"] = "15000",
            ["Rtmp:Limits:MaxAssemblyBytes"] = "160000",
            ["Rtmp:Limits:MaxChunkStreams"] = "17",
            ["Rtmp:Limits:MaxCommandsPerSecond"] = "19",
            ["Rtmp:Limits:MaxAmfDepth"] = "9",
            ["Rtmp:Limits:MaxAmfValues"] = "2000",
            ["Rtmp:Limits:MaxAmfStringBytes"] = "3000",
            ["Rtmp:Limits:MaxParameterBytes"] = "4000",
            ["Rtmp:Queue:MaxBytes"] = "20000",
            ["Rtmp:Queue:MaxAge"] = "21",
            ["Rtmp:Queue:MaxPackets"] = "24",
            ["GroupCache:MaxPackets"] = "25",
            ["AuthorizationFailures:MinDelay"] = "1",
            ["AuthorizationFailures:MaxDelay"] = "3",
            ["AuthorizationFailures:MaxPerMinute"] = "26",
            ["Rtmp:Queue:MaxReplyBytes"] = "22000",
            ["Rtmp:Queue:MaxInPlaceBytes"] = "23000",
            ["Rtmp:Queue:OnOverflow"] = "Disconnect",
        });
        var defaults = new StreamHubOptions();
        Assert.Multiple(() =>
        {
            Assert.That(settings.IsDemoEnabled, Is.False);
            Assert.That(settings.DrainTimeout, Is.EqualTo(TimeSpan.FromSeconds(2)));
            Assert.That(settings.Hub, Is.EqualTo(new StreamHubOptions
            {
                OnPublisherConflict = PublisherConflict.Replace,
                StalePublisherAfter = TimeSpan.FromSeconds(7),
                WaitForPublisher = TimeSpan.FromMinutes(1),
                Talk = new()
                {
                    SilenceLimit = TimeSpan.FromSeconds(11),
                    OpenLimit = TimeSpan.FromSeconds(12),
                    CloseLimit = TimeSpan.FromSeconds(13),
                    MaxDelay = TimeSpan.FromSeconds(0.25),
                },
                Sources = new()
                {
                    Linger = TimeSpan.Zero,
                    ConnectLimit = TimeSpan.FromSeconds(31),
                    SilenceLimit = TimeSpan.FromSeconds(32),
                    MinBackoff = TimeSpan.FromSeconds(0.25),
                    MaxBackoff = TimeSpan.FromSeconds(33),
                    HealthyAfter = TimeSpan.FromSeconds(34),
                    MaxSessionsPerMinute = 35,
                    ReadyLimit = TimeSpan.FromSeconds(36),
                },
                Relays = new()
                {
                    ConnectLimit = TimeSpan.FromSeconds(37),
                    MinBackoff = TimeSpan.FromSeconds(0.75),
                    MaxBackoff = TimeSpan.FromSeconds(38),
                    HealthyAfter = TimeSpan.FromSeconds(39),
                    MaxSessionsPerMinute = 40,
                },
                Upstream = new("rtsp://origin.example/{name}")
                {
                    Names = "live/.+",
                    MaxStreams = 41,
                    MaxTriesPerMinute = 43,
                    RetryAfter = TimeSpan.FromSeconds(42),
                },
                GroupCache = new() { IsEnabled = false, MaxBytes = 1000, MaxDuration = TimeSpan.FromSeconds(2.5), MaxPackets = 25 },
                AuthorizationFailures = new()
                {
                    MinDelay = TimeSpan.FromSeconds(1),
                    MaxDelay = TimeSpan.FromSeconds(3),
                    MaxPerMinute = 26,
                },
                Queue = new()
                {
                    MaxBytes = 3_000_000_000,
                    MaxAge = TimeSpan.FromSeconds(6),
                    OnOverflow = OverflowPolicy.Disconnect,
                },
                Pool = defaults.Pool with { MaxRetainedBytes = 7000 },
            }));
            Assert.That(settings.IsRtmpEnabled, Is.False);
            Assert.That(settings.Rtmp.AssumedFourCcs, Is.EqualTo(new[] { "hvc1", "Opus" }));
            Assert.That(settings.Rtmp with { AssumedFourCcs = [] }, Is.EqualTo(new RtmpServerOptions
            {
                EndPoint = new IPEndPoint(IPAddress.Any, 1936),
                HandshakeTimeout = TimeSpan.FromSeconds(1),
                CommandTimeout = TimeSpan.FromSeconds(2),
                ReadTimeout = TimeSpan.FromSeconds(3),
                WriteTimeout = TimeSpan.FromSeconds(4),
                PingInterval = TimeSpan.FromSeconds(5),
                ChunkSize = 4096,
                WindowAcknowledgementSize = 5_000_000,
                MaxMessageStreams = 18,
                Connections = new() { MaxConnections = 11, MaxPerAddress = 12, MaxHalfOpen = 13, MaxHalfOpenPerAddress = 10 },
                Limits = new()
                {
                    MaxMediaMessageBytes = 14_000,
                    MaxMessageBytes = 15_000,
                    MaxAssemblyBytes = 160_000,
                    MaxChunkStreams = 17,
                    MaxCommandsPerSecond = 19,
                    MaxAmfDepth = 9,
                    MaxAmfValues = 2000,
                    MaxAmfStringBytes = 3000,
                    MaxParameterBytes = 4000,
                },
                Queue = new()
                {
                    MaxBytes = 20_000,
                    MaxAge = TimeSpan.FromSeconds(21),
                    MaxPackets = 24,
                    MaxReplyBytes = 22_000,
                    MaxInPlaceBytes = 23_000,
                    OnOverflow = OverflowPolicy.Disconnect,
                },
            }));
        });
    }

    [Test]
    public void Every_key_of_RTSP_that_the_documentation_lists_is_bound()
    {
        var settings = Read(new()
        {
            ["Rtsp:Enabled"] = "false",
            ["Rtsp:Listen"] = "0.0.0.0:554",
            ["Rtsp:EnableUdp"] = "false",
            ["Rtsp:UdpPorts"] = "50000-50099",
            ["Rtsp:EnableHttpTunnel"] = "false",
            ["Rtsp:HandshakeTimeout"] = "1",
            ["Rtsp:RequestTimeout"] = "2",
            ["Rtsp:SessionTimeout"] = "3",
            ["Rtsp:WriteTimeout"] = "4",
            ["Rtsp:PublisherTimeout"] = "6",
            ["Rtsp:ReportInterval"] = "7",
            ["Rtsp:Authentication:Realm"] = "cameras",
            ["Rtsp:Authentication:OfferDigest"] = "false",
            ["Rtsp:Authentication:AllowBasicWithoutTls"] = "true",
            ["Rtsp:Authentication:NonceLifetime"] = "8",
            ["Rtsp:Authentication:MaxNonces"] = "9",
            ["Rtsp:Connections:MaxConnections"] = "11",
            ["Rtsp:Connections:MaxPerAddress"] = "12",
            ["Rtsp:Connections:MaxHalfOpen"] = "13",
            ["Rtsp:Connections:MaxHalfOpenPerAddress"] = "10",
            ["Rtsp:MaxRequestsPerSecond"] = "14",
            ["Rtsp:MaxSetups"] = "15",
            ["Rtsp:Limits:MaxLineBytes"] = "1600",
            ["Rtsp:Limits:MaxHeaders"] = "17",
            ["Rtsp:Limits:MaxHeaderBytes"] = "18000",
            ["Rtsp:Limits:MaxBodyBytes"] = "19000",
            ["Rtsp:Limits:MaxGarbageBytes"] = "20000",
            ["Rtsp:Limits:MaxDescriptionBytes"] = "21000",
            ["Rtsp:Limits:MaxMedias"] = "22",
            ["Rtsp:Queue:MaxBytes"] = "23000",
            ["Rtsp:Queue:MaxAge"] = "24",
        });
        Assert.That(settings.IsRtspEnabled, Is.False);
        Assert.That(settings.Rtsp, Is.EqualTo(new RtspServerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Any, 554),
            EnableUdp = false,
            UdpPorts = (50_000, 50_099),
            EnableHttpTunnel = false,
            HandshakeTimeout = TimeSpan.FromSeconds(1),
            RequestTimeout = TimeSpan.FromSeconds(2),
            SessionTimeout = TimeSpan.FromSeconds(3),
            WriteTimeout = TimeSpan.FromSeconds(4),
            PublisherTimeout = TimeSpan.FromSeconds(6),
            ReportInterval = TimeSpan.FromSeconds(7),
            Authentication = new()
            {
                Realm = "cameras",
                OfferDigest = false,
                AllowBasicWithoutTls = true,
                NonceLifetime = TimeSpan.FromSeconds(8),
                MaxNonces = 9,
            },
            Connections = new() { MaxConnections = 11, MaxPerAddress = 12, MaxHalfOpen = 13, MaxHalfOpenPerAddress = 10 },
            MaxRequestsPerSecond = 14,
            MaxSetups = 15,
            Limits = new()
            {
                MaxLineBytes = 1600,
                MaxHeaders = 17,
                MaxHeaderBytes = 18_000,
                MaxBodyBytes = 19_000,
                MaxGarbageBytes = 20_000,
                MaxDescriptionBytes = 21_000,
                MaxMedias = 22,
            },
            Queue = new() { MaxBytes = 23_000, MaxAge = TimeSpan.FromSeconds(24) },
        }));
    }

    [TestCase("50000-50099", 50_000, 50_099)]
    [TestCase("50000 - 50001", 50_000, 50_001)]
    [TestCase("50000", 50_000, 50_001)]
    public void Ports_are_a_range_or_the_first_of_two(string text, int first, int last) =>
        Assert.That(Read(new() { ["Rtsp:UdpPorts"] = text }).Rtsp.UdpPorts, Is.EqualTo((first, last)));

    [TestCase("50000-")]
    [TestCase("-50000")]
    [TestCase("50000-50099-50199")]
    [TestCase("50000-65536")]
    [TestCase("50000,50001")]
    [TestCase("any")]
    public void Ports_that_are_none_are_an_error(string text) => Assert.That(ErrorsOf(new() { ["Rtsp:UdpPorts"] = text }), Is.EqualTo(new[]
    {
        $"MediaGraph:Rtsp:UdpPorts is '{text}'; it must be the first and the last port, such as 50000-50099, or the first of two, such as "
            + "50000.",
    }));

    [TestCase("80-90")]
    [TestCase("50099-50000")]
    [TestCase("50000-50000")]
    [TestCase("65535")]
    [TestCase("50001")]
    public void Ports_that_cannot_be_used_are_an_error(string text) => Assert.That(
        ErrorsOf(new() { ["Rtsp:UdpPorts"] = text }).Single(),
        Does.StartWith("MediaGraph:Rtsp:UdpPorts is ").And.EndsWith("it must hold an even port and the next, of 1024 to 65535."));

    [Test]
    public void Ports_of_the_client_are_checked_as_those_of_the_server_are() => Assert.That(
        ErrorsOf(new() { ["Rtsp:Client:UdpPorts"] = "1000-1099" }),
        Is.EqualTo(new[] { "MediaGraph:Rtsp:Client:UdpPorts is 1000 to 1099; it must hold an even port and the next, of 1024 to 65535." }));

    [TestCase("Rtmp:Client:Limits:Connections:MaxConnections")]
    [TestCase("Rtmp:Client:Connections:MaxConnections")]
    [TestCase("Rtmp:Client:MaxMessageStreams")]
    [TestCase("Rtmp:Client:Limits:MaxMessageStreams")]
    [TestCase("Rtsp:Client:Limits:Connections:MaxConnections")]
    [TestCase("Rtsp:Client:Limits:MaxSetups")]
    [TestCase("Rtsp:Client:MaxRequestsPerSecond")]
    [TestCase("Queue:MaxInPlaceBytes")]
    public void What_has_no_effect_is_no_key(string key)
    {
        var error = ErrorsOf(new() { [key] = "20" }).Single();
        Assert.That($"MediaGraph:{key}", Does.StartWith(error[..error.IndexOf(" is not known.", StringComparison.Ordinal)]));
    }

    [Test]
    public void The_section_of_RTSP_is_checked_as_that_of_RTMP_is() => Assert.That(
        ErrorsOf(new()
        {
            ["Rtsp:Lisen"] = "127.0.0.1:8554",
            ["Rtsp:Listen"] = "rtsp://127.0.0.1",
            ["Rtsp:EnableUdp"] = "tcp",
            ["Rtsp:SessionTimeout"] = "0",
            ["Rtsp:Authentication:Relm"] = "x",
            ["Rtsp:Authentication:MaxNonces"] = "0",
            ["Rtsp:Limits:MaxMedia"] = "1",
            ["Rtsp:MaxSetups"] = "0",
            ["Rtsp:Connections:Max"] = "0",
            ["Rtsp:Queue:OnOverflow"] = "Wait",
            ["Rtsp:Tls:Listen"] = "8322",
        }),
        Is.EquivalentTo(new[]
        {
            "MediaGraph:Rtsp:Lisen is not known. Is it MediaGraph:Rtsp:Listen?",
            $"MediaGraph:Rtsp:Listen is 'rtsp://127.0.0.1'; {ListenAddress.Expected}.",
            "MediaGraph:Rtsp:EnableUdp is 'tcp'; it must be true or false.",
            "MediaGraph:Rtsp:SessionTimeout is 00:00:00; it must be 1 s to 1 day.",
            "MediaGraph:Rtsp:Authentication:Relm is not known. Is it MediaGraph:Rtsp:Authentication:Realm?",
            "MediaGraph:Rtsp:Authentication:MaxNonces is 0; it must be 1 to 64.",
            "MediaGraph:Rtsp:Limits:MaxMedia is not known. Is it MediaGraph:Rtsp:Limits:MaxMedias?",
            "MediaGraph:Rtsp:MaxSetups is 0; it must be 1 to 128.",
            "MediaGraph:Rtsp:Connections:Max is not known. There are: MaxConnections, MaxPerAddress, MaxHalfOpen, "
                + "MaxHalfOpenPerAddress.",
            "MediaGraph:Rtsp:Queue:OnOverflow is 'Wait'; it must be DropToKeyframe or Disconnect.",
            "MediaGraph:Rtsp:Tls:CertificateFile, CertificateThumbprint, CertificateSubject: exactly one of them must be set.",
        }));

    [Test]
    public void Words_are_a_list_or_have_commas_between()
    {
        Assert.That(Read(new() { ["Rtmp:AssumedFourCcs:0"] = "av01", ["Rtmp:AssumedFourCcs:1"] = "*" }).Rtmp.AssumedFourCcs, Is.EqualTo(new[] { "av01", "*" }));
        Assert.That(Read(new() { ["Rtmp:AssumedFourCcs"] = "" }).Rtmp.AssumedFourCcs, Is.Empty);
        Assert.That(
            ErrorsOf(new() { ["Rtmp:AssumedFourCcs"] = "hvc1,H265x" }),
            Is.EqualTo(new[] { "MediaGraph:Rtmp:AssumedFourCcs has 'H265x'; a code is four characters, as hvc1, or * for all." }));
    }

    [Test]
    public void A_certificate_turns_RTMP_over_TLS_on()
    {
        using var certificate = new TestCertificate();
        var both = certificate.Combine("both.pem");
        File.WriteAllText(both, certificate.CertificatePem + "\n" + certificate.KeyPem);
        var rtmp = Read(new()
        {
            ["Rtmp:Tls:Listen"] = "*:443",
            ["Rtmp:Tls:CertificateFile"] = certificate.CertificateFile,
            ["Rtmp:Tls:KeyFile"] = certificate.KeyFile,
            ["Rtmp:Tls:Password"] = "hunter2",
            ["Rtmp:Tls:ReloadInterval"] = "60",
        }).Rtmp;
        Assert.That(rtmp.TlsEndPoint.Port, Is.EqualTo(443));
        Assert.That(rtmp.Tls, Is.EqualTo(certificate.Server with
        {
            Password = new Secret("hunter2"),
            ReloadInterval = TimeSpan.FromMinutes(1),
        }));
        Assert.That(rtmp.ToString(), Does.Not.Contain("hunter2"));
        rtmp = Read(new() { ["Rtmp:Tls:CertificateFile"] = both }).Rtmp;
        Assert.That(rtmp.TlsEndPoint.ToString(), Is.EqualTo("127.0.0.1:1936"));
        Assert.That(Read([]).Rtmp.Tls, Is.Null);
    }

    [Test]
    public void A_certificate_turns_RTSP_over_TLS_on()
    {
        using var certificate = new TestCertificate();
        var rtsp = Read(new()
        {
            ["Rtsp:Tls:Listen"] = "*:322",
            ["Rtsp:Tls:CertificateFile"] = certificate.CertificateFile,
            ["Rtsp:Tls:KeyFile"] = certificate.KeyFile,
        }).Rtsp;
        Assert.That(rtsp.Tls, Is.EqualTo(certificate.Server));
        Assert.That(rtsp.TlsEndPoint.Port, Is.EqualTo(322));
        Assert.That(Read([]).Rtsp.TlsEndPoint.ToString(), Is.EqualTo("127.0.0.1:8322"));
    }

    [Test]
    public void Errors_of_a_certificate_are_listed_with_the_others_and_name_the_file()
    {
        var errors = ErrorsOf(new()
        {
            ["Rtmp:ChunkSize"] = "1",
            ["Rtmp:Tls:CertificateFile"] = "/nowhere/a.crt",
            ["Rtmp:Tls:KeyFil"] = "/nowhere/a.key",
            ["Rtmp:Tls:ReloadInterval"] = "0",
        }).ToArray();
        Assert.That(errors, Has.Length.EqualTo(4));
        Assert.That(errors, Has.One.EqualTo("MediaGraph:Rtmp:Tls:KeyFil is not known. Is it MediaGraph:Rtmp:Tls:KeyFile?"));
        Assert.That(errors, Has.One.StartsWith("MediaGraph:Rtmp:Tls:CertificateFile: /nowhere/a.crt cannot be used: "));
        Assert.That(errors, Has.One.StartsWith("MediaGraph:Rtmp:Tls:ReloadInterval is 00:00:00; "));
        Assert.That(
            ErrorsOf(new() { ["Rtmp:Tls:Listen"] = "1936" }).Single(),
            Is.EqualTo("MediaGraph:Rtmp:Tls:CertificateFile, CertificateThumbprint, CertificateSubject: exactly one of them must be set."));
        var thumbprint = new string('A', 40);
        Assert.That(
            ErrorsOf(new() { ["Rtmp:Tls:CertificateThumbprint"] = thumbprint }).Single(),
            Does.StartWith("MediaGraph:Rtmp:Tls:CertificateThumbprint: ").And.Contain(thumbprint));
        Assert.That(
            ErrorsOf(new() { ["Rtmp:Tls:CertificateSubject"] = "nobody.invalid" }).Single(),
            Does.StartWith("MediaGraph:Rtmp:Tls:CertificateSubject: ").And.Contain("nobody.invalid"));
    }

    [TestCase("127.0.0.1:1936", "127.0.0.1:1936")]
    [TestCase("1936", "127.0.0.1:1936")]
    [TestCase("0", "127.0.0.1:0")]
    [TestCase("10.1.2.3", "10.1.2.3:1935")]
    [TestCase("0.0.0.0:1936", "0.0.0.0:1936")]
    [TestCase("localhost:1936", "127.0.0.1:1936")]
    [TestCase("localhost", "127.0.0.1:1935")]
    [TestCase("[::1]:1936", "[::1]:1936")]
    [TestCase("[::1]", "[::1]:1935")]
    [TestCase("::1", "[::1]:1935")]
    [TestCase("[::]:1936", "[::]:1936")]
    public void A_listen_address_has_a_host_and_a_port(string text, string endPoint) =>
        Assert.That(Read(new() { ["Rtmp:Listen"] = text }).Rtmp.EndPoint, Is.EqualTo(IPEndPoint.Parse(endPoint)));

    [Test]
    public void A_star_listens_on_all_addresses()
    {
        var endPoint = Read(new() { ["Rtmp:Listen"] = "*:1936" }).Rtmp.EndPoint;
        Assert.That(endPoint.Address, Is.AnyOf(IPAddress.Any, IPAddress.IPv6Any));
        Assert.That(endPoint.Port, Is.EqualTo(1936));
    }

    [TestCase(":1935")]
    [TestCase("127.0.0.1:")]
    [TestCase("127.0.0.1:65536")]
    [TestCase("127.0.0.1:-1")]
    [TestCase("127.1:1935")]
    [TestCase("example.org:1935")]
    [TestCase("[127.0.0.1]:1935")]
    [TestCase("[::1")]
    [TestCase("::1]:1935")]
    [TestCase("rtmp://127.0.0.1:1935")]
    [TestCase("99999")]
    public void A_listen_address_that_is_none_is_an_error(string text) =>
        Assert.That(ErrorsOf(new() { ["Rtmp:Listen"] = text }), Is.EqualTo(new[] { $"MediaGraph:Rtmp:Listen is '{text}'; {ListenAddress.Expected}." }));

    [Test]
    public void All_errors_are_listed_at_once()
    {
        var errors = ErrorsOf(new()
        {
            ["Demo"] = "maybe",
            ["WaitForPublisher"] = "-1",
            ["OnPublisherConflict"] = "1",
            ["GroupCache:MaxBytes"] = "16 MiB",
            ["GroupCache:Size"] = "1",
            ["Rtmp:Lisen"] = "127.0.0.1:1935",
            ["Rtmp:HandshakeTimeout"] = "soon",
            ["Rtmp:ReadTimeout"] = "0",
            ["Rtmp:Limits:MaxChunkStreams"] = "1",
            ["Rtmp:Connections:MaxHalfOpen"] = "99999999999",
            ["Rtmp:Queue:OnOverflow"] = "Wait",
            ["Rtmp:Queue:MaxReplyBytes"] = "1",
            ["Queue:MaxReplyBytes"] = "1",
            ["GroupCache:MaxPackets"] = "0",
            ["WaitForPubliser"] = "10",
        });
        Assert.That(errors, Is.EquivalentTo(new[]
        {
            "MediaGraph:Demo is 'maybe'; it must be true or false.",
            "MediaGraph:WaitForPublisher is -00:00:01; it must be 0 to 1 day.",
            "MediaGraph:OnPublisherConflict is '1'; it must be Refuse or Replace.",
            "MediaGraph:GroupCache:MaxBytes is '16 MiB'; it must be a whole number.",
            "MediaGraph:GroupCache:Size is not known. There are: Enabled, MaxBytes, MaxDuration, MaxPackets.",
            "MediaGraph:Rtmp:Lisen is not known. Is it MediaGraph:Rtmp:Listen?",
            "MediaGraph:Rtmp:HandshakeTimeout is 'soon'; it must be a time: seconds such as 10 or 0.5, or hours:minutes:seconds such as "
                + "00:00:10.",
            "MediaGraph:Rtmp:ReadTimeout is 00:00:00; it must be 1 s to 1 day.",
            "MediaGraph:Rtmp:Limits:MaxChunkStreams is 1; it must be 4 to 65600.",
            "MediaGraph:Rtmp:Connections:MaxHalfOpen is '99999999999'; it must be a whole number up to 2147483647.",
            "MediaGraph:Rtmp:Queue:OnOverflow is 'Wait'; it must be DropToKeyframe or Disconnect.",
            "MediaGraph:Rtmp:Queue:MaxReplyBytes is 1; it must be 4096 or more.",
            "MediaGraph:Queue:MaxReplyBytes is not known. There are: MaxBytes, MaxPackets, MaxAge, OnOverflow.",
            "MediaGraph:GroupCache:MaxPackets is 0; it must be 1 or more.",
            "MediaGraph:WaitForPubliser is not known. Is it MediaGraph:WaitForPublisher?",
        }));
    }

    [Test]
    public void A_section_is_no_value_and_a_value_no_section() =>
        Assert.That(ErrorsOf(new() { ["Rtmp"] = "true", ["Demo:Stream"] = "x" }), Is.EqualTo(new[]
        {
            "MediaGraph:Demo is one value, not a section.",
            "MediaGraph:Rtmp is a section; set one of the keys in it.",
        }));

    [Test]
    public void An_empty_value_is_not_set() =>
        Assert.That(Read(new() { ["Rtmp:Listen"] = "", ["Demo"] = " " }).Rtmp, Is.EqualTo(new RtmpServerOptions()));

    [Test]
    public void Sections_of_protocols_that_come_later_are_tolerated()
    {
        var settings = Read(new()
        {
            ["Http:Listen"] = "*:80",
        });
        Assert.That(settings.Ignored, Is.EquivalentTo(new[] { "MediaGraph:Http" }));
    }

    [Test]
    public void Clients_and_cameras_have_settings_of_their_own()
    {
        var settings = Read(
            new()
            {
                ["Rtmp:Client:DialTimeout"] = "1",
                ["Rtmp:Client:MaxRedirects"] = "0",
                ["Rtmp:Client:AllowOtherHosts"] = "true",
                ["Rtmp:Client:ReadTimeout"] = "2",
                ["Rtmp:Client:Tls:TargetHost"] = "name",
                ["Rtsp:Client:DialTimeout"] = "3",
                ["Rtsp:Client:RequestTimeout"] = "4",
                ["Rtsp:Client:MediaTimeout"] = "5",
                ["Rtsp:Client:AllowBasicWithoutTls"] = "true",
                ["Rtsp:Client:Transport"] = "udp",
                ["Rtsp:Client:UdpTimeout"] = "6",
                ["Rtsp:Client:UdpPorts"] = "50000-50009",
                ["Rtsp:Client:Talk"] = "false",
                ["Rtsp:Client:UserAgent"] = "Me",
                ["Rtsp:Client:Tls:AllowUntrusted"] = "true",
                ["Tapo:DialTimeout"] = "7",
                ["Tapo:RequestTimeout"] = "8",
                ["Tapo:MediaTimeout"] = "9",
                ["Tapo:WriteTimeout"] = "10",
                ["Tapo:Talk"] = "false",
                ["Tapo:TalkMode"] = "halfduplex",
                ["Tapo:TalkPart"] = "0.1",
                ["Tapo:MaxPartBytes"] = "100000",
                ["Tapo:MaxFrameBytes"] = "200000",
                ["Tapo:KasaTls:AllowUntrusted"] = "false",
            },
            media => media.AddRtmp(null, o => o with { WriteTimeout = TimeSpan.FromSeconds(11) }).AddRtsp().AddTapo());
        Assert.Multiple(() =>
        {
            Assert.That(settings.RtmpClient, Is.EqualTo(new RtmpClientOptions
            {
                DialTimeout = TimeSpan.FromSeconds(1),
                MaxRedirects = 0,
                AllowOtherHosts = true,
                ReadTimeout = TimeSpan.FromSeconds(2),
                WriteTimeout = TimeSpan.FromSeconds(11),
                Tls = new() { TargetHost = "name" },
            }));
            Assert.That(settings.RtspClient, Is.EqualTo(new RtspClientOptions
            {
                DialTimeout = TimeSpan.FromSeconds(3),
                RequestTimeout = TimeSpan.FromSeconds(4),
                MediaTimeout = TimeSpan.FromSeconds(5),
                AllowBasicWithoutTls = true,
                Transport = RtspUrlTransport.Udp,
                UdpTimeout = TimeSpan.FromSeconds(6),
                UdpPorts = (50000, 50009),
                Talk = false,
                UserAgent = "Me",
                Tls = new() { AllowUntrusted = true },
            }));
            Assert.That(settings.Tapo, Is.EqualTo(new TapoOptions
            {
                DialTimeout = TimeSpan.FromSeconds(7),
                RequestTimeout = TimeSpan.FromSeconds(8),
                MediaTimeout = TimeSpan.FromSeconds(9),
                WriteTimeout = TimeSpan.FromSeconds(10),
                Talk = false,
                TalkMode = TapoTalkMode.HalfDuplex,
                TalkPart = TimeSpan.FromMilliseconds(100),
                MaxPartBytes = 100_000,
                MaxFrameBytes = 200_000,
                KasaTls = new(),
            }));
            Assert.That(settings.Rtmp, Is.EqualTo(new RtmpServerOptions()));
            Assert.That(settings.Rtsp, Is.EqualTo(new RtspServerOptions()));
        });
    }

    [Test]
    public void A_stream_is_an_address_or_a_list_of_them_or_a_section()
    {
        var streams = Read(new()
        {
            ["Streams:porch"] = " rtsp://porch/1,2 ",
            ["Streams:garden:0"] = "rtsp://garden/1",
            ["Streams:garden:1"] = "rtsp://garden/2",
            ["Streams:live/gate:Sources"] = "rtsp://gate/1",
            ["Streams:live/gate:Mode"] = "fallback",
            ["Streams:live/gate:Preload"] = "true",
            ["Streams:live/gate:Enabled"] = "false",
            ["Streams:live/gate:Linger"] = "0",
            ["Streams:live/gate:PushTo:0"] = "rtmp://one/a",
            ["Streams:live/gate:PushTo:1"] = "rtmp://two/a",
        }).Streams;
        Assert.That(streams.Select(stream => stream.Name), Is.EquivalentTo(new[] { "porch", "garden", "live/gate" }));
        Assert.That(streams.Single(stream => stream.Name == "porch").Sources, Is.EqualTo(new[] { "rtsp://porch/1,2" }));
        Assert.That(
            streams.Single(stream => stream.Name == "garden").Sources, Is.EqualTo(new[] { "rtsp://garden/1", "rtsp://garden/2" }));
        var gate = streams.Single(stream => stream.Name == "live/gate");
        Assert.That(gate.Sources, Is.EqualTo(new[] { "rtsp://gate/1" }));
        Assert.That(gate.PushTo, Is.EqualTo(new[] { "rtmp://one/a", "rtmp://two/a" }));
        Assert.That(
            (gate.Mode, gate.Preload, gate.IsEnabled, gate.Linger),
            Is.EqualTo((SourceMode.Fallback, true, false, (TimeSpan?)TimeSpan.Zero)));
    }

    [Test]
    public void What_is_wrong_with_streams_is_told_with_all_else()
    {
        var errors = ErrorsOf(new()
        {
            ["Streams:not a name"] = "rtsp://x",
            ["Streams:cam:Source"] = "rtsp://x",
            ["Streams:cam:Mode"] = "Any",
            ["Linger"] = "-1",
            ["Sources:MaxSessionsPerMinute"] = "0",
        });
        Assert.That(errors, Has.Some.StartsWith("MediaGraph:Streams:not a name: the key is no stream name"));
        Assert.That(errors, Has.Some.EqualTo("MediaGraph:Streams:cam:Source is not known. Is it MediaGraph:Streams:cam:Sources?"));
        Assert.That(errors, Has.Some.StartsWith("MediaGraph:Streams:cam:Mode is 'Any'"));
        Assert.That(errors, Has.Some.StartsWith("MediaGraph:Linger is -00:00:01"));
        Assert.That(errors, Has.Some.StartsWith("MediaGraph:Sources:MaxSessionsPerMinute is 0"));
    }

    [Test]
    public void The_section_of_a_protocol_that_was_not_added_is_not_read()
    {
        var settings = Read(new() { ["Rtmp:Listen"] = "nonsense", ["Rtsp:Listen"] = "nonsense" }, _ => { });
        Assert.That(settings.Rtmp, Is.EqualTo(new RtmpServerOptions()));
        Assert.That(settings.Rtsp, Is.EqualTo(new RtspServerOptions()));
    }

    [TestCase("Rtmp", "Rtmp:Listen")]
    [TestCase("Rtmp", "Rtmp:Client:DialTimeout")]
    [TestCase("Rtsp", "Rtsp:Enabled")]
    [TestCase("Tapo", "Tapo:Talk")]
    public void The_section_of_a_protocol_that_was_not_added_is_ignored_with_a_warning(string section, string key)
    {
        Assert.That(Read(new() { [key] = "x" }, _ => { }).Ignored, Is.EqualTo(new[] { $"MediaGraph:{section}" }));
        Assert.That(Read([], _ => { }).Ignored, Is.Empty);
        var right = new Dictionary<string, string?> { ["Rtmp:Enabled"] = "true", ["Rtsp:Enabled"] = "true", ["Tapo:Talk"] = "true" };
        Assert.That(Read(right, media => media.AddRtmp().AddRtsp().AddTapo()).Ignored, Is.Empty);
    }

    [TestCase("Streams:porch:1:Url", "Streams:porch:1")]
    [TestCase("Streams:porch:0:0", "Streams:porch:0")]
    [TestCase("Streams:gate:Sources:1:Url", "Streams:gate:Sources:1")]
    [TestCase("Streams:gate:PushTo:0:Url", "Streams:gate:PushTo:0")]
    [TestCase("Rtmp:AssumedFourCcs:0:Name", "Rtmp:AssumedFourCcs:0")]
    public void An_entry_of_a_list_is_one_value(string key, string place) => Assert.That(
        ErrorsOf(new() { ["Streams:gate:Sources:0"] = "rtsp://gate/1", [key] = "rtsp://porch/1" }),
        Is.EqualTo(new[] { $"MediaGraph:{place} is one value, not a section." }));

    [Test]
    public void Keys_beside_an_address_are_an_error() => Assert.That(
        ErrorsOf(new() { ["Streams:porch"] = "rtsp://porch/1", ["Streams:porch:Preload"] = "true" }),
        Is.EqualTo(new[]
        {
            "MediaGraph:Streams:porch:Preload is set beside an address; the address belongs into MediaGraph:Streams:porch:Sources then.",
        }));

    [Test]
    public void Options_in_code_come_after_those_of_the_configuration_and_are_checked_too()
    {
        var settings = Read(new() { ["Rtmp:ReadTimeout"] = "20" }, media => media
            .ConfigureHub(o => o with { WaitForPublisher = TimeSpan.FromSeconds(3) })
            .AddRtmp(o => o with { ChunkSize = (int)o.ReadTimeout.TotalSeconds * 1000 })
            .AddRtsp(o => o with { EnableUdp = false })
            .AddRtsp(o => o with { EnableHttpTunnel = o.EnableUdp }));
        Assert.That(settings.Rtmp.ChunkSize, Is.EqualTo(20_000));
        Assert.That(settings.Hub.WaitForPublisher, Is.EqualTo(TimeSpan.FromSeconds(3)));
        Assert.That(settings.Rtsp.EnableHttpTunnel, Is.False, "each call adds to those before");

        var errors = Assert.Throws<OptionsValidationException>(() => Read([], media => media
            .ConfigureHub(o => o with { WaitForPublisher = TimeSpan.FromDays(2) })
            .AddRtmp(o => o with { ChunkSize = 1 })))!.Failures;
        Assert.That(errors.Count(), Is.EqualTo(2));
    }

    [Test]
    public void An_authorizer_among_the_services_is_used()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IStreamAuthorizer>(new TokenAuthorizer(new Secret("t")));
        services.AddMediaGraph(Section([]));
        using var provider = services.BuildServiceProvider();
        Assert.That(provider.GetRequiredService<MediaGraphSettings>().Hub.Authorizer, Is.InstanceOf<TokenAuthorizer>());
    }

    [Test]
    public void MediaGraph_is_added_once()
    {
        var services = new ServiceCollection();
        services.AddMediaGraph();
        Assert.That(() => services.AddMediaGraph(), Throws.InvalidOperationException);
    }

    private static MediaGraphSettings Read(Dictionary<string, string?> settings, Action<MediaGraphBuilder>? configure = null)
    {
        var services = new ServiceCollection();
        (configure ?? (media => media.AddRtmp().AddRtsp()))(services.AddMediaGraph(Section(settings)));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<MediaGraphSettings>();
    }

    private static IEnumerable<string> ErrorsOf(Dictionary<string, string?> settings) =>
        Assert.Throws<OptionsValidationException>(() => Read(settings))!.Failures;

    private static IConfigurationSection Section(Dictionary<string, string?> settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(pair => KeyValuePair.Create("MediaGraph:" + pair.Key, pair.Value)))
            .Build().GetSection("MediaGraph");
}
