using MediaGraph.Events;
using MediaGraph.Media;
using MediaGraph.Security;
using MediaGraph.Streams;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using NUnit.Framework;

namespace MediaGraph.Tests.Security;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class AuthorizerTests
{
    [Test]
    public async Task The_authorizer_is_asked_off_the_callers_thread_and_names_the_user()
    {
        var caller = Thread.CurrentThread;
        var onCaller = true;
        await using var hub = NewHub((request, _) =>
        {
            onCaller = ReferenceEquals(Thread.CurrentThread, caller);
            Assert.That((request.Action, request.Stream), Is.EqualTo((StreamAction.Publish, "a")));
            return ValueTask.FromResult(AuthorizationResult.Allow("ada"));
        });
        await using var feed = await hub.PublishAsync(new PublishRequest("a"), default);
        Assert.That((onCaller, feed.Peer.User), Is.EqualTo((false, "ada")));
    }

    [Test]
    public async Task No_is_an_error_an_event_and_nothing_else([Values] bool throws)
    {
        using var log = new TestLog();
        await using var hub = NewHub((_, _) => throws
            ? throw new InvalidOperationException("hunter2")
            : ValueTask.FromResult(AuthorizationResult.Deny("not you")), log);
        using var events = hub.Events.Subscribe();
        var refused = await Assert.ThrowsAsync<StreamException>(async () => await hub.PublishAsync(new PublishRequest("a"), default));
        Assert.That(refused!.Error, Is.EqualTo(StreamError.Unauthorized));
        Assert.That(refused.Message, Is.EqualTo(throws ? "the authorizer failed" : "not you"));
        Assert.That(events.Reader.TryRead(out var told) && told is AuthorizationFailed { Stream: "a" });
        Assert.That(hub.GetSnapshot().Streams, Is.Empty);
        Assert.That(log.Of(1001), Has.Count.EqualTo(throws ? 1 : 0));
    }

    [Test]
    public async Task Cancelling_while_the_authorizer_thinks_leaves_nothing_behind()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource<AuthorizationResult>();
        await using var hub = NewHub((_, _) =>
        {
            asked.TrySetResult();
            return new ValueTask<AuthorizationResult>(never.Task); // ignores its token
        });
        await using var consumer = new WireConsumer(hub.Pool);
        await using var feed = hub.Publish("a", Track.Of(TestMedia.Video));
        using var stop = new CancellationTokenSource();
        var subscribing = hub.SubscribeAsync(new SubscribeRequest("a"), consumer.Writer, WireConsumer.Format, stop.Token).AsTask();
        await asked.Task;
        await stop.CancelAsync();
        Assert.That(async () => await subscribing, Throws.InstanceOf<OperationCanceledException>());
        never.SetResult(AuthorizationResult.Allow());
        Assert.That(hub.GetSnapshot().Streams.Single().Consumers, Is.Empty);
    }

    [Test]
    public async Task A_bad_name_is_refused_before_the_authorizer_is_asked()
    {
        await using var hub = NewHub((_, _) => throw new AssertionException("asked"));
        Assert.That(
            async () => await hub.PublishAsync(new PublishRequest("../a"), default),
            Throws.InstanceOf<StreamException>().With.Property("Error").EqualTo(StreamError.InvalidName));
    }

    [Test]
    public void Secrets_compare_and_do_not_print()
    {
        var credentials = new Credentials { User = "ada", Password = new Secret("hunter2") };
        Assert.That(new Peer("rtmp") { Credentials = credentials }.ToString(), Does.Not.Contain("hunter2"));
        Assert.That(credentials.ToString(), Does.Not.Contain("hunter2").And.Contain("***"));
        Assert.That(new Secret("a") == new Secret("a") && new Secret("a") != new Secret("b") && default == new Secret(""));
    }

    private static StreamHub NewHub(
        Func<AuthorizationRequest, CancellationToken, ValueTask<AuthorizationResult>> answer, TestLog? log = null) =>
        new(new StreamHubOptions { Authorizer = new Authorizer(answer) }, log);

    private sealed class Authorizer(Func<AuthorizationRequest, CancellationToken, ValueTask<AuthorizationResult>> answer)
        : IStreamAuthorizer
    {
        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            answer(request, cancellationToken);
    }

    [Test]
    public void A_password_is_verified_whether_it_was_given_or_proved()
    {
        var right = new Secret("hunter2");
        var given = new Credentials { User = "ada", Password = right };
        var proved = new Credentials { User = "ada", Proof = password => password == right };
        foreach (var credentials in new[] { given, proved })
        {
            Assert.That(credentials.Verify(right));
            Assert.That(credentials.Verify(new Secret("hunter3")), Is.False);
            Assert.That(credentials.Verify(default), Is.False);
        }
    }

    [Test]
    public void A_peer_that_names_no_user_proves_nothing()
    {
        Assert.That(Credentials.None.Verify(default), Is.False);
        Assert.That(new Credentials { Password = new Secret("a") }.Verify(new Secret("a")), Is.False);
        Assert.That(new Credentials { Proof = _ => true }.Verify(new Secret("a")), Is.False);
    }

    [Test]
    public void An_empty_password_is_never_right()
    {
        Assert.That(new Credentials { User = "nobody" }.Verify(default), Is.False);
        Assert.That(new Credentials { User = "nobody", Proof = _ => true }.Verify(new Secret("")), Is.False);
    }
}
