using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Testing;

public sealed class EventuallyTests
{
    [Test]
    public async Task A_condition_is_polled_until_it_holds()
    {
        var calls = 0;
        await Eventually.Async(() => ++calls == 20, "the twentieth call");
        Assert.That(calls, Is.EqualTo(20));
    }

    [Test]
    public async Task A_condition_that_never_holds_fails_with_what_was_waited_for()
    {
        var failure = await Assert.CatchAsync<AssertionException>(
            () => Eventually.EqualAsync(() => 1, 2, "two viewers", TimeSpan.FromMilliseconds(30)));
        Assert.That(failure!.Message, Does.Contain("did not happen within 0.03 s: two viewers (expected 2, was 1 at last)"));
    }
}
