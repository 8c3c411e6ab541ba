using System.Text;
using MediaGraph.Rtsp.Messages;
using MediaGraph.Rtsp.Security;
using MediaGraph.Rtsp.Server;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests.Server;

/// <summary>Who may do what.</summary>
[TestFixture]
public sealed class AccessTests
{
    [Test]
    public async Task Digest_lets_in_who_knows_the_password_after_one_challenge_that_is_no_failure()
    {
        var users = new Users();
        await using var bench = new ServerBench(hubOptions: Hub(users, maxPerMinute: 1));
        await using var feed = bench.Publish();
        var client = bench.Open();
        var authentication = new RtspClientAuthentication("viewer", new Secret("v"), allowsBasic: false);
        for (var i = 0; i < 3; i++)
        {
            var other = bench.Open();
            await other.ExpectAsync(401, "DESCRIBE", client.Url()); // is not counted
        }

        var challenge = await client.ExpectAsync(401, "DESCRIBE", client.Url());
        Assert.That(challenge.Headers.GetAll(RtspHeaderNames.WwwAuthenticate), Has.All.StartsWith("Digest ").And.Exactly(2).Items);
        Assert.That(authentication.TryAccept(challenge, out _), Is.True);
        await client.ExpectAsync(200, "DESCRIBE", client.Url(), Authorize(authentication, "DESCRIBE", client.Url()));
        await client.ExpectAsync(
            200, "SETUP", client.Url() + "/trackID=0",
            "Transport: RTP/AVP/TCP;interleaved=0-1\r\n" + Authorize(authentication, "SETUP", client.Url() + "/trackID=0"));
        await client.ExpectAsync(200, "PLAY", client.Url()); // as who it is already
        Assert.That(bench.TakeEvents().OfType<Events.AuthorizationFailed>(), Is.Empty);
    }

    [Test]
    public async Task A_right_to_play_is_no_right_to_publish()
    {
        var users = new Users();
        await using var bench = new ServerBench(new RtspServerOptions { Authentication = new() { AllowBasicWithoutTls = true } }, Hub(users));
        var client = bench.Open();
        await client.ExpectAsync(401, "ANNOUNCE", client.Url(), $"Content-Type: application/sdp\r\n{Basic("viewer", "v")}", ServerClient.Sdp);
        await client.ExpectAsync(200, "ANNOUNCE", client.Url(), $"Content-Type: application/sdp\r\n{Basic("encoder", "e")}", ServerClient.Sdp);
        await client.ExpectAsync(200, "SETUP", client.Url() + "/streamid=0", "Transport: RTP/AVP/TCP;interleaved=0-1;mode=record");
        await client.ExpectAsync(200, "RECORD", client.Url());
        await client.ExpectAsync(401, "DESCRIBE", client.Url());
    }

    [Test]
    public async Task Nothing_is_told_of_a_stream_before_its_client_is_let_in()
    {
        await using var bench = new ServerBench(hubOptions: Hub(new Users()));
        await using var feed = bench.Publish();
        var client = bench.Open();
        foreach (var name in new[] { "live/cam", "live/nothing" })
        {
            await client.ExpectAsync(401, "DESCRIBE", client.Url(name));
            await client.ExpectAsync(401, "SETUP", client.Url(name) + "/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1");
        }

        await client.ExpectAsync(200, "OPTIONS", "*");
    }

    [Test]
    public async Task A_nonce_count_is_used_once_and_a_nonce_of_another_connection_not_at_all()
    {
        await using var bench = new ServerBench(hubOptions: Hub(new Users()));
        await using var feed = bench.Publish();
        var client = bench.Open();
        var authentication = new RtspClientAuthentication("viewer", new Secret("v"), allowsBasic: false);
        authentication.TryAccept(await client.ExpectAsync(401, "DESCRIBE", client.Url()), out _);
        var header = Authorize(authentication, "DESCRIBE", client.Url());
        await client.ExpectAsync(200, "DESCRIBE", client.Url(), header);
        var replayed = await client.ExpectAsync(401, "DESCRIBE", client.Url(), header);
        var other = bench.Open();
        var foreign = await other.ExpectAsync(401, "DESCRIBE", client.Url(), Authorize(authentication, "DESCRIBE", client.Url()));
        Assert.Multiple(() =>
        {
            Assert.That(replayed.Headers[RtspHeaderNames.WwwAuthenticate], Does.Contain("stale=true"));
            Assert.That(foreign.Headers[RtspHeaderNames.WwwAuthenticate], Does.Contain("stale=true"));
        });
    }

    [Test]
    public async Task Wrong_passwords_lock_an_address_out_which_is_then_given_no_nonce()
    {
        await using var bench = new ServerBench(
            new RtspServerOptions { Authentication = new() { AllowBasicWithoutTls = true } }, Hub(new Users(), maxPerMinute: 3));
        await using var feed = bench.Publish();
        for (var i = 0; i < 3; i++)
        {
            var client = bench.Open();
            await client.ExpectAsync(401, "DESCRIBE", client.Url(), Basic("viewer", "guess"));
        }

        var locked = bench.Open();
        var response = await locked.ExpectAsync(403, "DESCRIBE", locked.Url(), Basic("viewer", "v"));
        Assert.That(response.Headers[RtspHeaderNames.WwwAuthenticate], Is.Null);
        await bench.AdvanceToConnectionsAsync(3);
        await locked.EndsAsync();
        var other = bench.Open(ServerBench.OtherAddress);
        await other.ExpectAsync(200, "DESCRIBE", other.Url(), Basic("viewer", "v"));
        Assert.That(bench.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("guess"));
    }

    [Test]
    public async Task A_wrong_password_is_answered_after_a_while()
    {
        var options = Hub(new Users()) with
        {
            AuthorizationFailures = new() { MinDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(1), MaxPerMinute = 100 },
        };
        await using var bench = new ServerBench(new RtspServerOptions { Authentication = new() { AllowBasicWithoutTls = true } }, options);
        var client = bench.Open();
        var asking = client.AskAsync("DESCRIBE", client.Url(), Basic("viewer", "guess"));
        await Eventually.EqualAsync(() => bench.Time.ActiveTimers, 3, "timers: the sweep's, the deadline's, the delay's");
        Assert.That(asking.IsCompleted, Is.False);
        bench.Advance(1);
        Assert.That((await asking).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task A_token_in_the_query_reaches_the_authorizer_and_what_selects_tracks_does_not()
    {
        var users = new Users { Token = "t0k3n" };
        await using var bench = new ServerBench(hubOptions: Hub(users));
        await using var feed = bench.Publish();
        var client = bench.Open();
        await client.ExpectAsync(200, "DESCRIBE", client.Url() + "?token=t0k3n&video=h264");
        Assert.That(users.LastParameters, Is.EqualTo(new[] { "token" }));
        await client.ExpectAsync(200, "SETUP", client.Url() + "?token=t0k3n&video=h264/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1");
        await client.ExpectAsync(200, "PLAY", client.Url() + "?token=t0k3n&video=h264");
        await client.ExpectAsync(401, "DESCRIBE", client.Url("live/other"));
        Assert.That(bench.Log.Entries.Select(entry => entry.ToString()), Has.None.Contains("t0k3n"));
    }

    [Test]
    public async Task Basic_is_offered_over_TLS_only_unless_told_otherwise()
    {
        await using var bench = new ServerBench(hubOptions: Hub(new Users()));
        await using var feed = bench.Publish();
        var plain = bench.Open();
        await plain.ExpectAsync(401, "DESCRIBE", plain.Url(), Basic("viewer", "v"));
        var secure = bench.Open(protocol: "rtsps");
        await secure.ExpectAsync(200, "DESCRIBE", secure.Url(), Basic("viewer", "v"));
    }

    [Test]
    public async Task An_authorizer_that_says_nothing_is_waited_for_as_long_as_a_request_may_take()
    {
        await using var bench = new ServerBench(hubOptions: Hub(new Users { IsSilent = true }));
        var client = bench.Open();
        await client.SendAsync(client.Request("DESCRIBE", client.Url()));
        await Eventually.EqualAsync(() => bench.Time.ActiveTimers, 2, "timers: the sweep's, the deadline's");
        bench.AdvanceBySteps(10);
        await client.EndsAsync();
    }

    private static StreamHubOptions Hub(Users users, int maxPerMinute = 1000) => new()
    {
        Authorizer = users,
        AuthorizationFailures = new() { MinDelay = default, MaxDelay = default, MaxPerMinute = maxPerMinute },
    };

    private static string Basic(string user, string password) =>
        $"Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))}";

    private static string Authorize(RtspClientAuthentication authentication, string method, string uri) =>
        $"Authorization: {authentication.Authorize(method, uri)}";

    private sealed class Users : IStreamAuthorizer
    {
        public string? Token { get; init; }

        public bool IsSilent { get; init; }

        public string[] LastParameters { get; private set; } = [];

        public async ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            if (IsSilent)
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            var credentials = request.Peer.Credentials;
            LastParameters = [.. credentials.Parameters.Keys];
            if (Token is not null && credentials.Parameters.TryGetValue("token", out var token))
                return token == new Secret(Token) ? AuthorizationResult.Allow() : AuthorizationResult.Deny();
            var (user, password) = request.Action == StreamAction.Publish ? ("encoder", "e") : ("viewer", "v");
            return credentials.User == user && credentials.Verify(new Secret(password))
                ? AuthorizationResult.Allow(user)
                : AuthorizationResult.Deny();
        }
    }
}
