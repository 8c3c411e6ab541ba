using MediaGraph.Delivery;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Validation;
using NUnit.Framework;

namespace MediaGraph.Tests.Validation;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class OptionErrorsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public void What_is_right_is_no_error()
    {
        var (time, number) = (Second, 1);
        Assert.That(
            new OptionErrors("X:").Check(time).Check(TimeSpan.FromDays(1)).Check(number, 1, 1).Check(OverflowPolicy.Disconnect)
                .Check((Enum?)null).Check((IValidatedOptions?)null).Check(new PacketQueueOptions()).Require(true, "X"),
            Is.Empty);
    }

    [Test]
    public void Each_error_names_the_option_its_value_and_its_range()
    {
        var (timeout, pause, part, retry, number) = (TimeSpan.Zero, -Second, Second, TimeSpan.FromDays(1), -1L);
        var choice = (OverflowPolicy)7;
        var queue = new PacketQueueOptions { MaxPackets = 0 };
        var errors = new OptionErrors("X:")
            .Check(timeout)
            .Check(pause, TimeSpan.Zero)
            .Check(part, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200))
            .Check(retry, TimeSpan.FromSeconds(2.5), TimeSpan.FromHours(1))
            .Check(number, 0)
            .Check(number, 1, 16, "Other")
            .Check(choice)
            .Check(queue)
            .Require(false, "name is empty.")
            .Add(["As it is."]);
        Assert.That(errors, Is.EqualTo(new[]
        {
            "X:timeout is 00:00:00; it must be 1 s to 1 day.",
            "X:pause is -00:00:01; it must be 0 to 1 day.",
            "X:part is 00:00:01; it must be 20 ms to 200 ms.",
            "X:retry is 1.00:00:00; it must be 2.5 s to 1 h.",
            "X:number is -1; it must be 0 or more.",
            "X:Other is -1; it must be 1 to 16.",
            "X:choice is 7; it must be DropToKeyframe or Disconnect.",
            "X:queue:MaxPackets is 0; it must be 1 or more.",
            "X:name is empty.",
            "As it is.",
        }));
    }

    [Test]
    public void A_hub_names_all_options_that_are_out_of_their_range()
    {
        var options = new StreamHubOptions
        {
            AuthorizationFailures = new() { MinDelay = Second, MaxDelay = TimeSpan.Zero, MaxPerMinute = 0 },
            OnPublisherConflict = (PublisherConflict)7,
            StalePublisherAfter = TimeSpan.Zero,
            WaitForPublisher = Timeout.InfiniteTimeSpan,
            GroupCache = new() { MaxBytes = -1 },
            Queue = new() { OnOverflow = (OverflowPolicy)7 },
            Sources = new() { MaxSessionsPerMinute = 0, Linger = -Second },
            Relays = new() { HealthyAfter = TimeSpan.Zero },
            Upstream = new UpstreamOptions("rtsp://origin/{name}") { MaxStreams = 0 },
            Talk = new() { SilenceLimit = TimeSpan.Zero, OpenLimit = TimeSpan.Zero, CloseLimit = TimeSpan.Zero, MaxDelay = -Second },
            Pool = new() { MaxRetainedBytes = -1 },
        };
        Assert.That(options.Validate("X:").Select(error => error.Split(' ')[0]), Is.EquivalentTo(new[]
        {
            "X:AuthorizationFailures:MaxDelay", "X:AuthorizationFailures:MaxPerMinute", "X:OnPublisherConflict", "X:StalePublisherAfter",
            "X:WaitForPublisher", "X:GroupCache:MaxBytes", "X:Queue:OnOverflow", "X:Sources:MaxSessionsPerMinute", "X:Sources:Linger",
            "X:Relays:HealthyAfter", "X:Upstream:MaxStreams", "X:Talk:SilenceLimit", "X:Talk:OpenLimit", "X:Talk:CloseLimit",
            "X:Talk:MaxDelay", "X:Pool:MaxRetainedBytes",
        }));
        Assert.That(
            () => new StreamHub(options),
            Throws.ArgumentException.With.Message.Contains("WaitForPublisher is -00:00:00.0010000; it must be 0 to 1 day.")
                .And.Message.Contains("Talk:OpenLimit").And.Property(nameof(ArgumentException.ParamName)).EqualTo("options"));
        Assert.That(new StreamHubOptions().Validate(), Is.Empty);
    }

    [Test]
    public async Task A_definition_is_checked_with_the_same_words()
    {
        await using var hub = new StreamHub();
        Assert.That(
            async () => await hub.SetStreamAsync(new StreamDefinition("a") { Sources = ["stream:b"], Linger = -Second }),
            Throws.ArgumentException.With.Message.Contains("a: Linger is -00:00:01; it must be 0 to 1 day."));
    }
}
