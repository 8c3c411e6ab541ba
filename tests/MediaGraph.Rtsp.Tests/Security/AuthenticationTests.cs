using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Security;
using MediaGraph.Security;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Security;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class AuthenticationTests
{
    private const string Uri = "rtsp://h/live/cam";
    private static readonly Secret Right = new("hunter2");

    // RFC 7616 §3.9.1
    [TestCase("MD5", "8ca523f5e9506fed4657c9700eebdbec")]
    [TestCase("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
    public void The_examples_of_rfc_7616_come_out(string algorithm, string response)
    {
        var client = new RtspClientAuthentication(
            "Mufasa", new Secret("Circle of Life"), allowsBasic: false, () => "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        var challenge = Unauthorized(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=" + algorithm
            + ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
        Assert.That(client.TryAccept(challenge, out _));
        var answer = AuthenticationField.Parse(client.Authorize("GET", "/dir/index.html"))!;
        Assert.That((answer["response"], answer["algorithm"], answer["nc"], answer["qop"]), Is.EqualTo((response, algorithm, "00000001", "auth")));
        Assert.That(answer["opaque"], Is.EqualTo("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"));
    }

    [Test]
    public void The_example_of_rfc_2617_comes_out()
    {
        // §3.5
        var client = new RtspClientAuthentication("Mufasa", new Secret("Circle Of Life"), allowsBasic: false, () => "0a4f113b");
        Assert.That(client.TryAccept(
            Unauthorized("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""), out _));
        Assert.That(AuthenticationField.Parse(client.Authorize("GET", "/dir/index.html"))!["response"], Is.EqualTo("6629fae49393a05397450978507c4ef1"));
    }

    [Test]
    public void An_old_device_without_qop_gets_the_old_form()
    {
        // RFC 2069 §2.4, with the response of its erratum 749
        var client = new RtspClientAuthentication("Mufasa", new Secret("CircleOfLife"), allowsBasic: false);
        Assert.That(client.TryAccept(
            Unauthorized("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""), out _));
        Assert.That(client.Authorize("GET", "/dir/index.html"), Is.EqualTo(
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
            + "response=\"1949323746fe6a43ef61f9606e7febea\""));
    }

    [Test]
    public void A_session_algorithm_has_the_nonces_in_its_key()
    {
        var client = new RtspClientAuthentication("u", new Secret("p"), allowsBasic: false, () => "c");
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\""), out _));
        var answer = AuthenticationField.Parse(client.Authorize("PLAY", "x"))!;
        var key = Md5($"{Md5("u:r:p")}:n:c");
        Assert.That(answer["response"], Is.EqualTo(Md5($"{key}:n:00000001:c:auth:{Md5("PLAY:x")}")));
        Assert.That(answer["algorithm"], Is.EqualTo("MD5-sess"));
    }

    [Test]
    public void The_client_takes_the_best_challenge()
    {
        string[] challenges =
        [
            "Basic realm=\"a\", Digest realm=\"b\", nonce=\"1\", algorithm=MD5", "Digest realm=\"c\", nonce=\"2\", algorithm=SHA-256, qop=auth",
            "Digest realm=\"d\", nonce=\"3\", algorithm=SHA-512-256, qop=auth", "Digest realm=\"e\", nonce=\"4\", qop=\"auth-int\"", "Negotiate",
        ];
        Assert.That(Answer(challenges, allowsBasic: true)["realm"], Is.EqualTo("c"));
        Assert.That(Answer([challenges[0], .. challenges[2..]], allowsBasic: true)["realm"], Is.EqualTo("b"));
        Assert.That(Answer(["Basic realm=\"a\""], allowsBasic: true).Token, Is.EqualTo(Convert.ToBase64String("u:p"u8)));
    }

    [Test]
    public void A_device_that_asks_for_basic_alone_does_not_get_the_password_for_asking()
    {
        var client = new RtspClientAuthentication("u", new Secret("p"), allowsBasic: false);
        Assert.That(client.TryAccept(Unauthorized("Basic realm=\"a\""), out var error), Is.False);
        Assert.That(error, Does.Contain("no way to authenticate that is safe"));
        Assert.That(client.Authorize("OPTIONS", "*"), Is.Null);
        Assert.That(new RtspClientAuthentication(null, default, allowsBasic: true).TryAccept(Unauthorized("Basic realm=\"a\""), out error), Is.False);
        Assert.That(error, Does.Contain("no user"));
    }

    [Test]
    public void A_wrong_password_is_tried_once()
    {
        var client = new RtspClientAuthentication("u", new Secret("p"), allowsBasic: false);
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"1\""), out _));
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"2\""), out var error), Is.False);
        Assert.That(error, Does.Contain("password is wrong"));
    }

    [Test]
    public void R11_a_stale_nonce_is_renewed_but_not_for_ever()
    {
        var client = new RtspClientAuthentication("u", new Secret("p"), allowsBasic: false);
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"1\", qop=\"auth\""), out _));
        Assert.That(Nc(), Is.EqualTo("00000001"));
        Assert.That(Nc(), Is.EqualTo("00000002"));
        client.Accepted();
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"2\", qop=\"auth\""), out _), "a new nonce, without stale");
        Assert.That(Nc(), Is.EqualTo("00000001"), "counts belong to the nonce");
        for (var i = 3; i < 5; i++)
            Assert.That(client.TryAccept(Unauthorized($"Digest realm=\"r\", nonce=\"{i}\", qop=\"auth\", stale=TRUE"), out _));
        Assert.That(client.TryAccept(Unauthorized("Digest realm=\"r\", nonce=\"5\", qop=\"auth\", stale=true"), out var error), Is.False);
        Assert.That(error, Does.Contain("again and again"));

        string? Nc() => AuthenticationField.Parse(client.Authorize("OPTIONS", "*"))!["nc"];
    }

    [Test]
    public void The_server_challenges_line_by_line_the_best_first()
    {
        var headers = new RtspHeaders();
        Server(isSecure: true).Challenge(headers, isStale: true);
        var lines = headers.GetAll("WWW-Authenticate").ToArray();
        var nonce = AuthenticationField.Parse(lines[0])!["nonce"];
        Assert.That(nonce, Has.Length.EqualTo(32));
        Assert.That(lines, Is.EqualTo((string[])
        [
            $"Digest realm=\"MediaGraph\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256, stale=true",
            $"Digest realm=\"MediaGraph\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5, stale=true", "Basic realm=\"MediaGraph\"",
        ]));
        Assert.That(Challenges(Server()), Has.Length.EqualTo(2), "no Basic without TLS");
        Assert.That(Challenges(Server(new() { OfferDigest = false, AllowBasicWithoutTls = true })), Is.EqualTo(["Basic realm=\"MediaGraph\""]));
    }

    [Test]
    public void Our_client_gets_past_our_server([Values("SHA-256", "MD5", "Basic")] string scheme)
    {
        var server = Server(new() { AllowBasicWithoutTls = true });
        var client = new RtspClientAuthentication("\u00E4da", new Secret("p\u00E4ss:w\"rd"), allowsBasic: true);
        Assert.That(server.Read(Request("DESCRIBE", null), out _), Is.EqualTo(RtspAuthenticationOutcome.Missing));
        Assert.That(client.TryAccept(Unauthorized([.. Challenges(server).Where(line => line.Contains(scheme, StringComparison.Ordinal))]), out _));
        for (var i = 0; i < 3; i++)
        {
            Assert.That(server.Read(Request("PLAY", client.Authorize("PLAY", Uri)), out var given), Is.EqualTo(RtspAuthenticationOutcome.Given));
            Assert.That(given.User, Is.EqualTo("\u00E4da"));
            Assert.That(given.Verify(new Secret("p\u00E4ss:w\"rd")) && given.Verify(new Secret("p\u00E4ss:w\"rd")), "any number of times");
            Assert.That(given.Verify(new Secret("wrong")) || given.Verify(default), Is.False);
            Assert.That(given.ToString(), Does.Not.Contain("w\"rd"));
        }
    }

    [Test]
    public void An_answer_cannot_be_used_twice()
    {
        var (server, client) = Pair();
        var (first, second) = (client.Authorize("PLAY", Uri), client.Authorize("PLAY", Uri));
        Assert.That(Read(server, second), Is.EqualTo(RtspAuthenticationOutcome.Given));
        Assert.That(Read(server, second), Is.EqualTo(RtspAuthenticationOutcome.Stale));
        Assert.That(Read(server, first), Is.EqualTo(RtspAuthenticationOutcome.Stale), "an older count");
        Assert.That(Read(server, client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Given));
    }

    [Test]
    public void An_answer_is_of_no_use_for_another_request()
    {
        var (server, client) = Pair();
        Assert.That(Read(server, client.Authorize("PLAY", "rtsp://h/live/other")), Is.EqualTo(RtspAuthenticationOutcome.Unusable));
        Assert.That(server.Read(Request("PLAY", client.Authorize("DESCRIBE", Uri)), out var given), Is.EqualTo(RtspAuthenticationOutcome.Given));
        Assert.That(given.Verify(Right), Is.False, "another method");
    }

    [Test]
    public void An_answer_is_of_no_use_on_another_connection()
    {
        var (_, client) = Pair();
        Assert.That(Read(Server(), client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Stale));
    }

    [TestCase("SETUP", "rtsp://h/live/cam/trackID=0", "rtsp://h/live/cam", true)]
    [TestCase("SETUP", "rtsp://h/live/cam/trackID=0", "rtsp://h/live/cam/", true)]
    [TestCase("PLAY", "rtsp://h/live/cam/", "rtsp://h/live/cam", true)]
    [TestCase("PLAY", "rtsp://h/live/cam?a=b", "/live/cam?a=b", true)]
    [TestCase("OPTIONS", "*", "*", true)]
    [TestCase("PLAY", "rtsp://h/live/cam/trackID=0", "rtsp://h/live/cam", false)]
    [TestCase("SETUP", "rtsp://h/live/camera", "rtsp://h/live/cam", false)]
    [TestCase("SETUP", "rtsp://h/live/cam", "", false)]
    [TestCase("SETUP", "rtsp://h/live/cam", "rtsp://h/", false)]
    public void What_players_hash_for_an_address_is_taken_where_it_is_the_same_streams(string method, string uri, string hashed, bool isTaken)
    {
        var (server, client) = Pair();
        var request = new RtspRequest(method, uri) { Headers = { { "Authorization", client.Authorize(method, hashed)! } } };
        Assert.That(server.Read(request, out var given), Is.EqualTo(isTaken ? RtspAuthenticationOutcome.Given : RtspAuthenticationOutcome.Unusable));
        Assert.That(given.Verify(Right), Is.EqualTo(isTaken));
    }

    [Test]
    public void A_nonce_lives_for_its_time_and_four_others()
    {
        var time = new FakeTimeProvider();
        var server = Server(time: time);
        RtspClientAuthentication Client()
        {
            var client = new RtspClientAuthentication("ada", Right, allowsBasic: false);
            Assert.That(client.TryAccept(Unauthorized(Challenges(server)), out _));
            return client;
        }

        var client = Client();
        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.That(Read(server, client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Given));
        time.Advance(TimeSpan.FromTicks(1));
        Assert.That(Read(server, client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Stale));

        client = Client();
        for (var i = 0; i < 3; i++)
            Challenges(server);
        Assert.That(Read(server, client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Given));
        Challenges(server);
        Assert.That(Read(server, client.Authorize("PLAY", Uri)), Is.EqualTo(RtspAuthenticationOutcome.Stale));
    }

    [Test]
    public void A_player_without_qop_is_let_in()
    {
        var server = Server();
        var nonce = AuthenticationField.Parse(Challenges(server)[1])!["nonce"]!;
        var response = Md5($"{Md5("ada:MediaGraph:hunter2")}:{nonce}:{Md5($"DESCRIBE:{Uri}")}");
        var answer = $"Digest username=\"ada\", realm=\"MediaGraph\", nonce=\"{nonce}\", uri=\"{Uri}\", response=\"{response.ToUpperInvariant()}\"";
        Assert.That(server.Read(Request("DESCRIBE", answer), out var given), Is.EqualTo(RtspAuthenticationOutcome.Given));
        Assert.That(given.Verify(Right) && !given.Verify(new Secret("hunter3")));
    }

    [TestCase("")]
    [TestCase("Digest")]
    [TestCase("Digest username=\"a\"")]
    [TestCase("Bearer abc")]
    [TestCase("Basic dXNlcjpwYXNz")] // not offered without TLS
    [TestCase("Digest username=\"a\", realm=\"MediaGraph\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\", algorithm=SHA-1")]
    [TestCase("Digest username=\"a\", realm=\"other\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\"")]
    [TestCase("Digest username=\"a\", realm=\"MediaGraph\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\", qop=auth")]
    [TestCase("Digest username=\"a\", realm=\"MediaGraph\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\", qop=auth, cnonce=c, nc=1")]
    [TestCase("Digest username=\"a\", realm=\"MediaGraph\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\", qop=auth, cnonce=c, nc=+0000001")]
    [TestCase("Digest username=\"a\", realm=\"MediaGraph\", nonce=\"#\", uri=\"rtsp://h/live/cam\", response=\"\", qop=auth-int, cnonce=c, nc=00000001")]
    public void What_is_no_answer_is_unusable(string authorization)
    {
        var server = Server();
        var nonce = AuthenticationField.Parse(Challenges(server)[0])!["nonce"]!;
        var outcome = server.Read(Request("PLAY", authorization.Replace("#", nonce, StringComparison.Ordinal)), out var given);
        Assert.That((outcome, given), Is.EqualTo((RtspAuthenticationOutcome.Unusable, Credentials.None)));
    }

    [TestCase("Basic")]
    [TestCase("Basic !!!!")]
    [TestCase("Basic dXNlcg==")] // no colon
    public void Basic_without_user_and_password_is_unusable(string authorization) =>
        Assert.That(Server(isSecure: true).Read(Request("PLAY", authorization), out _), Is.EqualTo(RtspAuthenticationOutcome.Unusable));

    [Test]
    public void Two_answers_are_none()
    {
        var request = Request("PLAY", "Basic dXNlcjpwYXNz");
        request.Headers.Add("authorization", "Basic dXNlcjpwYXNz");
        Assert.That(Server(isSecure: true).Read(request, out _), Is.EqualTo(RtspAuthenticationOutcome.Unusable));
    }

    private static RtspServerAuthentication Server(RtspAuthenticationOptions? options = null, bool isSecure = false, TimeProvider? time = null) =>
        new(options ?? new RtspAuthenticationOptions(), isSecure, time ?? new FakeTimeProvider());

    private static (RtspServerAuthentication Server, RtspClientAuthentication Client) Pair()
    {
        var server = Server();
        var client = new RtspClientAuthentication("ada", Right, allowsBasic: false);
        Assert.That(client.TryAccept(Unauthorized(Challenges(server)), out _));
        return (server, client);
    }

    private static RtspAuthenticationOutcome Read(RtspServerAuthentication server, string? authorization) =>
        server.Read(Request("PLAY", authorization), out _);

    private static AuthenticationField Answer(string[] challenges, bool allowsBasic)
    {
        var client = new RtspClientAuthentication("u", new Secret("p"), allowsBasic);
        Assert.That(client.TryAccept(Unauthorized(challenges), out _));
        return AuthenticationField.Parse(client.Authorize("OPTIONS", "*"))!;
    }

    private static string[] Challenges(RtspServerAuthentication server)
    {
        var headers = new RtspHeaders();
        server.Challenge(headers);
        return [.. headers.GetAll("WWW-Authenticate")];
    }

    private static RtspResponse Unauthorized(params string[] challenges)
    {
        var response = new RtspResponse(401);
        foreach (var challenge in challenges)
            response.Headers.Add("WWW-Authenticate", challenge);
        return response;
    }

    private static RtspRequest Request(string method, string? authorization)
    {
        var request = new RtspRequest(method, Uri);
        if (authorization is not null)
            request.Headers.Add("Authorization", authorization);
        return request;
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5351", Justification = "The scheme is what it is.")]
    private static string Md5(string text) => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(Encoding.UTF8.GetBytes(text)));
}
