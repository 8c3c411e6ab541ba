using System.Collections.Concurrent;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Testing;
using MediaGraph.Tests.Kit;
using MediaGraph.Transport;
using NUnit.Framework;

namespace MediaGraph.Tests.Relays;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class TransferTests
{
    private static readonly CloseReason Lost = new(CloseCode.ConnectionLost, "lost");

    [Test]
    public async Task It_ends_as_its_connection_does()
    {
        var transfer = new TestTransfer();
        Assert.That(transfer.Completion.IsCompleted, Is.False);
        transfer.First.RequestClose(Lost);
        Assert.That(await EndOfAsync(transfer), Is.EqualTo(Lost));
        Assert.That(transfer.Ends, Is.EqualTo([(Exception?)null]));
        await transfer.DisposeAsync();
        Assert.That(await transfer.Completion, Is.EqualTo(Lost));
    }

    [Test]
    public async Task It_goes_where_the_server_leads_and_its_end_is_asked_of_the_connection_there()
    {
        var next = new TestConnection(2);
        var moved = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var transfer = new TestTransfer { Move = (target, _) => OnMove(target) };
        transfer.First.Redirect("there");
        Assert.That(await moved.Task.WaitAsync(Eventually.DefaultLimit, TimeProvider.System), Is.EqualTo("there"));
        await transfer.DisposeAsync().AsTask().WaitAsync(Eventually.DefaultLimit, TimeProvider.System);
        Assert.That(next.Reason, Is.EqualTo(CloseReason.Requested));
        Assert.That(await transfer.Completion, Is.EqualTo(CloseReason.Requested));

        Task<IConnection> OnMove(string target)
        {
            moved.SetResult(target);
            return Task.FromResult<IConnection>(next);
        }
    }

    [Test]
    public async Task Asked_to_end_at_the_very_moment_when_the_next_connection_opens_it_leaves_none_behind()
    {
        var next = new TestConnection(2);
        TestTransfer? transfer = null;
        transfer = new TestTransfer
        {
            Move = (_, _) =>
            {
                transfer!.Close(Lost); // the connection is open, and not yet the transfer's
                return Task.FromResult<IConnection>(next);
            },
        };
        transfer.First.Redirect("there");
        Assert.That(await EndOfAsync(transfer), Is.EqualTo(Lost));
        Assert.That(next.Reason, Is.EqualTo(Lost));
    }

    [Test]
    public async Task A_connection_that_is_being_opened_is_given_up()
    {
        var opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var transfer = new TestTransfer
        {
            Move = async (_, stop) =>
            {
                opening.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
                throw new InvalidOperationException();
            },
        };
        transfer.First.Redirect("there");
        await opening.Task;
        transfer.Close(Lost);
        Assert.That(await EndOfAsync(transfer), Is.EqualTo(Lost));
    }

    [Test]
    public async Task A_server_that_leads_on_and_on_is_left_unless_it_plays_for_a_while_between()
    {
        var connections = new ConcurrentQueue<TestConnection>();
        var transfer = new TestTransfer(maxRedirects: 1) { Move = (_, _) => Task.FromResult<IConnection>(Add()) };
        transfer.First.Redirect("1"); // the first in a row
        await Eventually.EqualAsync(() => connections.Count, 1, "connections");
        await Eventually.Async(() => transfer.IsAt(connections.Last()), "the second connection is the transfer's");
        transfer.Time.Advance(Transfer.HealthyAfter);
        connections.Last().Redirect("2"); // the first in a new row
        await Eventually.EqualAsync(() => connections.Count, 2, "connections");
        connections.Last().Redirect("3");
        Assert.That(
            await EndOfAsync(transfer), Is.EqualTo(new CloseReason(CloseCode.Refused, "the server redirects again and again")));

        TestConnection Add()
        {
            var connection = new TestConnection(2);
            connections.Enqueue(connection);
            return connection;
        }
    }

    [Test]
    public async Task What_it_cannot_come_to_is_its_reason_and_a_fault_is_told_to_its_owner()
    {
        var refused = new TestTransfer { Move = (_, _) => throw new TransferException(Lost) };
        refused.First.Redirect("there");
        Assert.That(await EndOfAsync(refused), Is.EqualTo(Lost));
        var fault = new FormatException();
        var faulty = new TestTransfer { Move = (_, _) => throw fault };
        faulty.First.Redirect("there");
        Assert.That((await EndOfAsync(faulty)).Code, Is.EqualTo(CloseCode.Fault));
        Assert.That((refused.Ends.Single(), faulty.Ends.Single()), Is.EqualTo(((Exception?)null, (Exception?)fault)));
    }

    private static Task<CloseReason> EndOfAsync(Transfer transfer) =>
        transfer.Completion.WaitAsync(Eventually.DefaultLimit, TimeProvider.System);

    private sealed class TestTransfer : Transfer
    {
        public TestTransfer(int maxRedirects = 3)
            : this(new TestConnection(1), maxRedirects, new FakeTimeProvider())
        {
        }

        private TestTransfer(TestConnection first, int maxRedirects, FakeTimeProvider time)
            : base("live/cam", isPush: true, first, maxRedirects, time)
        {
            (First, Time) = (first, time);
            Follow();
        }

        public TestConnection First { get; }

        public FakeTimeProvider Time { get; }

        public Func<string, CancellationToken, Task<IConnection>> Move { get; init; } = (_, _) => throw new InvalidOperationException();

        public ConcurrentQueue<Exception?> Ends { get; } = new();

        protected override string? RedirectTo => ((TestConnection)Connection).RedirectTo;

        public bool IsAt(IConnection connection) => Connection == connection;

        protected override Task<IConnection> MoveAsync(string target, CancellationToken cancellationToken) =>
            Move(target, cancellationToken);

        protected override void OnEnded(Exception? fault) => Ends.Enqueue(fault);
    }
}
