using MediaGraph.Graph;
using MediaGraph.Rtsp.Client;
using MediaGraph.Rtsp.Messages;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Client;

// Rows: R11.
internal sealed class ClientAuthenticationTests
{
    private const string Url = "rtsp://me:secret@server.example/cam";
    private const string Md5 = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n5\", qop=\"auth\"";
    private const string Sha = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n256\", qop=\"auth\", algorithm=SHA-256";
    private const string Basic = "WWW-Authenticate: Basic realm=\"r\"";

    [Test]
    public async Task The_best_of_several_challenges_is_answered()
    {
        await using var bench = new ClientBench();
        var (server, _) = await bench.PullAsync(Ask(Basic, Md5, Sha), url: Url);
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY" }));
        var answers = server.Requests.Skip(1).Select(request => AuthenticationField.Parse(request.Headers["Authorization"])!).ToArray();
        Assert.That(answers.Select(answer => answer["algorithm"]), Is.All.EqualTo("SHA-256"));
        Assert.That(answers.Select(answer => answer["nc"]), Is.EqualTo(new[] { "00000001", "00000002", "00000003", "00000004", "00000005" }));
        Assert.That(answers[2]["uri"], Is.EqualTo("rtsp://server.example/cam/trackID=0"));
    }

    [Test]
    public async Task The_password_itself_goes_over_tls_alone_unless_allowed([Values] bool isSecure, [Values] bool isAllowed)
    {
        await using var bench = new ClientBench(new RtspClientOptions { AllowBasicWithoutTls = isAllowed });
        var url = isSecure ? Url.Replace("rtsp:", "rtsps:", StringComparison.Ordinal) : Url;
        if (isSecure || isAllowed)
        {
            var (server, _) = await bench.PullAsync(Ask(Basic), url: url);
            Assert.That(server.Requests.Last().Headers["Authorization"], Is.EqualTo("Basic bWU6c2VjcmV0"));
            return;
        }

        var failure = await bench.FailAsync(Ask(Basic), url: url);
        Assert.That(failure.Reason, Is.EqualTo(new CloseReason(CloseCode.Refused, "the server offers no way to authenticate that is safe, or known")));
        Assert.That(failure.StatusCode, Is.EqualTo(401));
    }

    [Test]
    public async Task A_wrong_password_is_asked_for_once()
    {
        await using var bench = new ClientBench();
        var pulling = bench.Client.PullAsync(ClientBench.Url(Url), "in/cam");
        var server = await bench.AcceptAsync(_ => TestServer.Reply(401, Md5));
        var failure = await bench.FailAsync(pulling);
        Assert.That(failure.Reason.Text, Is.EqualTo("the server does not know the user, or the password is wrong"));
        Assert.That(server.Methods, Is.EqualTo(new[] { "OPTIONS", "OPTIONS" }));
    }

    [Test]
    public async Task R11_a_keep_alive_with_a_stale_nonce_is_repeated_and_goes_on()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(WithTimeout(Ask(Md5)), url: Url);
        server.Answer = WithTimeout(request => request.Headers["Authorization"]!.Contains("\"n5\"", StringComparison.Ordinal)
            ? TestServer.Reply(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"new\", qop=\"auth\", stale=true")
            : null);
        await bench.PassAsync(4, () => server.SendMediaAsync(2));
        var repeated = await server.ExpectAsync("GET_PARAMETER", 2);
        Assert.That(AuthenticationField.Parse(repeated.Headers["Authorization"])!["nc"], Is.EqualTo("00000001"));
        Assert.That(transfer.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task R11_a_keep_alive_that_is_refused_again_ends_the_session()
    {
        await using var bench = new ClientBench();
        var (server, transfer) = await bench.PullAsync(WithTimeout(Ask(Md5)), url: Url);
        server.Answer = _ => TestServer.Reply(401, Md5);
        await bench.PassAsync(4, () => server.SendMediaAsync(2));
        var reason = await bench.EndOfAsync(transfer);
        Assert.That(reason.Text, Is.EqualTo("the server does not know the user, or the password is wrong"));
        Assert.That(server.Methods.Count(method => method == "GET_PARAMETER"), Is.LessThanOrEqualTo(2));
    }

    [Test]
    public async Task No_log_and_no_failure_has_the_password()
    {
        await using var bench = new ClientBench();
        var failure = await bench.FailAsync(_ => TestServer.Reply(401, Md5), url: Url);
        Assert.That(failure.ToString(), Does.Not.Contain("secret"));
        Assert.That(bench.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("secret"));
    }

    private static Func<RtspRequest, string?> Ask(params string[] challenges) =>
        request => request.Headers["Authorization"] is null ? TestServer.Reply(401, challenges) : null;

    private static Func<RtspRequest, string?> WithTimeout(Func<RtspRequest, string?> answer) => request => answer(request)
        ?? (request.Method == "SETUP"
            ? TestServer.Reply(200, $"Transport: {request.Headers["Transport"]}", "Session: 77;timeout=8")
            : null);
}
