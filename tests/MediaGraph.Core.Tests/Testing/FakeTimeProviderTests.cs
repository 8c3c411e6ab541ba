using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Testing;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FakeTimeProviderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _fired = [];

    [Test]
    public void Time_moves_only_by_advance()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2031, 2, 3, 4, 5, 6, TimeSpan.Zero));
        var start = time.GetTimestamp();
        time.Advance(TimeSpan.FromMilliseconds(1500));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(time.TimestampFrequency, Is.EqualTo(10_000_000));
            Assert.That(time.GetElapsedTime(start), Is.EqualTo(TimeSpan.FromMilliseconds(1500)));
            Assert.That(time.GetUtcNow(), Is.EqualTo(new DateTimeOffset(2031, 2, 3, 4, 5, 7, 500, TimeSpan.Zero)));
            Assert.That(() => time.Advance(-Second), Throws.TypeOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void Timers_fire_in_order_of_due_time_and_then_of_arming_and_see_their_own_time()
    {
        using var c = Timer("c", 3 * Second);
        using var a1 = Timer("a1", Second);
        using var a2 = Timer("a2", Second);
        using var b = Timer("b", 2 * Second, Second);
        _time.Advance(0.5 * Second);
        Assert.That(_fired, Is.Empty);
        _time.Advance(2.5 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "a1@1", "a2@1", "b@2", "c@3", "b@3" }));
    }

    [Test]
    public void A_one_shot_timer_fires_once_and_stays_active_until_disposed()
    {
        var timer = Timer("once", Second);
        _time.Advance(10 * Second);
        Assert.That((_fired.Count, _time.ActiveTimers), Is.EqualTo((1, 1)));
        timer.Dispose();
        timer.Dispose();
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public void A_timer_due_at_once_fires_at_the_next_advance_even_by_zero()
    {
        using var timer = Timer("now", TimeSpan.Zero);
        Assert.That(_fired, Is.Empty);
        _time.Advance(TimeSpan.Zero);
        Assert.That(_fired, Is.EqualTo(new[] { "now@0" }));
    }

    [Test]
    public void Change_rearms_stops_and_is_refused_after_dispose()
    {
        var timer = Timer("t", Timeout.InfiniteTimeSpan);
        _time.Advance(Second);
        Assert.That(_fired, Is.Empty);
        Assert.That(timer.Change(Second, Second), Is.True);
        _time.Advance(2 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "t@2", "t@3" }));
        Assert.That(timer.Change(Timeout.InfiniteTimeSpan, Second), Is.True);
        _time.Advance(9 * Second);
        Assert.That(_fired, Has.Count.EqualTo(2));
        Assert.That(() => timer.Change(TimeSpan.FromMilliseconds(-2), Second), Throws.TypeOf<ArgumentOutOfRangeException>());
        timer.Dispose();
        Assert.That(timer.Change(Second, Second), Is.False);
    }

    [Test]
    public void A_callback_may_rearm_dispose_and_advance()
    {
        ITimer? timer = null;
        timer = _time.CreateTimer(_ =>
        {
            Fired("t");
            if (_fired.Count < 3)
                timer!.Change(Second, Timeout.InfiniteTimeSpan);
            else
                timer!.Dispose();
            if (_fired.Count == 1)
                _time.Advance(Second);
        }, null, Second, Timeout.InfiniteTimeSpan);
        _time.Advance(5 * Second);
        Assert.That(_fired, Is.EqualTo(new[] { "t@1", "t@2", "t@3" }));
        Assert.That(_time.ActiveTimers, Is.Zero);
        Assert.That(_time.GetUtcNow().Second, Is.EqualTo(5));
    }

    [Test]
    public async Task Dispose_async_waits_for_a_running_callback()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var timer = _time.CreateTimer(_ =>
        {
            entered.Set();
            leave.Wait();
        }, null, Second, Timeout.InfiniteTimeSpan);
        var advancing = Task.Run(() => _time.Advance(Second));
        entered.Wait();
        var disposing = timer.DisposeAsync().AsTask();
        Assert.That(disposing.IsCompleted, Is.False);
        leave.Set();
        await disposing;
        await advancing;
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task The_frameworks_own_waits_run_on_it()
    {
        var delay = Task.Delay(Second, _time);
        using var source = new CancellationTokenSource(2 * Second, _time);
        var timeout = new TaskCompletionSource().Task.WaitAsync(3 * Second, _time);
        using var ticks = new PeriodicTimer(Second, _time);
        var tick = ticks.WaitForNextTickAsync();

        _time.Advance(Second);
        await delay;
        Assert.That(await tick, Is.True);
        Assert.That(source.IsCancellationRequested, Is.False);
        _time.Advance(2 * Second);
        Assert.That(source.IsCancellationRequested, Is.True);
        Assert.That(async () => await timeout, Throws.TypeOf<TimeoutException>());

        source.Dispose();
        ticks.Dispose();
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task Many_threads_may_use_it_and_no_firing_is_lost()
    {
        var count = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                var timer = _time.CreateTimer(_ => Interlocked.Increment(ref count), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
                _time.Advance(TimeSpan.FromTicks(1)); // fires it, unless another thread's advance already takes it
                timer.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        })));
        Assert.That(count, Is.EqualTo(2000));
        Assert.That(_time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task It_says_when_the_next_timer_falls_due_and_goes_on_step_by_step_until_something_holds()
    {
        Assert.That(_time.NextDue, Is.Null);
        var start = _time.GetUtcNow();
        using var late = Timer("late", 3 * Second);
        using var soon = Timer("soon", 2 * Second);
        Assert.That(_time.NextDue, Is.EqualTo(start + (2 * Second)));
        await _time.AdvanceUntilAsync(() => true, Second, "what holds already");
        Assert.That(_time.GetUtcNow(), Is.EqualTo(start), "not a step too many");
        await _time.AdvanceUntilAsync(() => _fired.Count == 1, 0.5 * Second, "the first one");
        Assert.That((_time.GetUtcNow(), _time.NextDue), Is.EqualTo((start + (2 * Second), (DateTimeOffset?)(start + (3 * Second)))));
        soon.Dispose();
        late.Dispose();
        Assert.That(_time.NextDue, Is.Null);
    }

    private ITimer Timer(string name, TimeSpan due, TimeSpan? period = null) =>
        _time.CreateTimer(_ => Fired(name), null, due, period ?? Timeout.InfiniteTimeSpan);

    private void Fired(string name) => _fired.Add($"{name}@{_time.GetUtcNow().Second}");

}
