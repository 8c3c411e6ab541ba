using MediaGraph.Diagnostics;
using NUnit.Framework;

namespace MediaGraph.Tests.Scheduling;

// Rows: G7.

/// <summary>The scheduler can find what it is there for: each of these mistakes was made on purpose.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SchedulerTests
{
    [Test]
    public void A_join_that_tests_the_closed_flag_outside_of_the_lock_is_found_and_replays_exactly()
    {
        var failure = Explorer.Find<JoinOutsideTheLock>(300);
        Assert.That(failure, Is.Not.Null);
        Assert.That(failure!.Message, Does.Contain("ghost child").And.Contain("random walk, seed"));

        using var threads = new WorkerThreads();
        var seed = Enumerable.Range(0, 100).First(s => Explorer.Replay<JoinOutsideTheLock>(threads, new RandomWalk(s)).Failure is not null);
        var first = Explorer.Replay<JoinOutsideTheLock>(threads, new RandomWalk(seed));
        var second = Explorer.Replay<JoinOutsideTheLock>(threads, new RandomWalk(seed));
        Assert.That(second.Trace, Is.EqualTo(first.Trace));
        Assert.That(second.Failure!.Message, Is.EqualTo(first.Failure!.Message));
    }

    [Test]
    public void The_bounded_search_alone_finds_it_and_ends()
    {
        using var threads = new WorkerThreads();
        Assert.That(Explorer.Search<JoinOutsideTheLock>(threads, 1000), Is.Not.Null);
        Assert.That(Explorer.Search<JoinUnderTheLock>(threads, 1000), Is.Null);
    }

    [Test]
    public void Priorities_alone_find_it()
    {
        using var threads = new WorkerThreads();
        Assert.That(
            Enumerable.Range(0, 200).Any(s => Explorer.Replay<JoinOutsideTheLock>(threads, new PriorityWalk(s, 1, 8)).Failure is not null));
    }

    [Test]
    public void The_same_join_under_the_lock_passes() => Assert.That(Explorer.Find<JoinUnderTheLock>(1000), Is.Null);

    [Test]
    public void G7_Two_push_locks_in_two_orders_are_reported_as_a_deadlock()
    {
        var failure = Explorer.Find<TwoOrders>(300);
        Assert.That(failure, Is.Not.Null);
        Assert.That(failure!.Message, Does.Contain("Deadlock").And.Contain("waits for a lock"));
    }

    [Test]
    public void G7_Two_graph_locks_at_once_are_refused_even_without_a_scheduler()
    {
        var (one, other) = (new Lock(), new Lock());
        using (GraphLock.Enter(one))
        {
            Assert.That(() => Enter(other), Throws.InvalidOperationException.With.Message.Contains("Two graph locks"));
            Assert.That(() => EnterPush(other), Throws.InvalidOperationException);
        }

        using (GraphLock.EnterPush(one))
            Enter(other);
        Assert.That(GraphLock.HeldByThisThread, Is.Zero);
    }

    private static void Enter(Lock @lock)
    {
        using (GraphLock.Enter(@lock))
            Assert.That(@lock.IsHeldByCurrentThread);
    }

    private static void EnterPush(Lock @lock)
    {
        using (GraphLock.EnterPush(@lock))
            Assert.That(@lock.IsHeldByCurrentThread);
    }

    private abstract class MiniNode : Scenario
    {
        protected readonly Lock _lock = new();
        protected bool _closed;
        protected int _children;

        public sealed override void Start(ControlledScheduler scheduler)
        {
            scheduler.Spawn("join", Join);
            scheduler.Spawn("close", Close);
        }

        public sealed override void Check() => Ensure(!_closed || _children == 0, "ghost child");

        protected abstract void Join();

        private void Close()
        {
            using (GraphLock.Enter(_lock))
                (_closed, _children) = (true, 0);
        }
    }

    private sealed class JoinOutsideTheLock : MiniNode
    {
        protected override void Join()
        {
            if (_closed)
                return;
            using (GraphLock.Enter(_lock))
                _children++;
        }
    }

    private sealed class JoinUnderTheLock : MiniNode
    {
        protected override void Join()
        {
            using (GraphLock.Enter(_lock))
            {
                if (!_closed)
                    _children++;
            }
        }
    }

    private sealed class TwoOrders : Scenario
    {
        private readonly Lock _one = new();
        private readonly Lock _other = new();

        public override void Start(ControlledScheduler scheduler)
        {
            scheduler.Spawn("one, other", () => Nest(_one, _other));
            scheduler.Spawn("other, one", () => Nest(_other, _one));
        }

        public override void Check()
        {
        }

        private static void Nest(Lock outer, Lock inner)
        {
            using (GraphLock.EnterPush(outer))
            using (GraphLock.EnterPush(inner))
            {
            }
        }
    }
}
