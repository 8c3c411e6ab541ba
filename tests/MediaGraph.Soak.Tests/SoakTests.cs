using System.Collections.Concurrent;
using System.Globalization;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Soak.Tests;

/// <summary>
/// All scenarios at random against the whole server, over real sockets; then nothing may be left, and everything must still work. Some seconds,
/// or as long as <c>./test.sh --soak MINUTES</c> says.
/// </summary>
[TestFixture]
[Category("Socket")]
public sealed class SoakTests
{
    private const int Workers = 12;

    private static readonly TimeSpan Briefly = TimeSpan.FromSeconds(8);

    [Test]
    public async Task Whatever_happens_nothing_is_left_and_everything_still_works()
    {
        var duration = Minutes is { } minutes ? TimeSpan.FromMinutes(minutes) : Briefly;
        var seed = Environment.GetEnvironmentVariable("MEDIAGRAPH_SOAK_SEED") is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        TestContext.Out.WriteLine($"MEDIAGRAPH_SOAK_SEED={seed}");
        var sockets = OpenSockets.Count();
        using var log = new TestLog();
        await using (var rig = await SoakRig.StartAsync(log))
        {
            var done = new ConcurrentDictionary<string, int>();
            using var enough = new CancellationTokenSource(duration, TimeProvider.System);
            using var stop = new CancellationTokenSource();
            var working = Task.WhenAll(Enumerable.Range(0, Workers)
                .Select(i => Task.Run(() => WorkAsync(rig, new Random(seed + i), done, stop.Token))));
            try
            {
                // On a busy machine it takes longer until each has been.
                await Eventually.Async(
                    () => working.IsCompleted
                        || (enough.IsCancellationRequested && rig.Scenarios.All(scenario => done.ContainsKey(scenario.Name))),
                    "each scenario came to its end once", duration + TimeSpan.FromSeconds(82));
            }
            finally
            {
                await stop.CancelAsync();
                await working;
                TestContext.Out.WriteLine(string.Join(", ", done.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} {pair.Value}")));
            }

            await rig.AssertBaselineAsync();
            await rig.AssertWorksAsync();
        }

        await Eventually.EqualAsync(OpenSockets.Count, sockets, "sockets");
        var faults = log.Entries.Where(entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error).ToList();
        Assert.That(faults, Is.Empty);
    }

    private static double? Minutes => Environment.GetEnvironmentVariable("MEDIAGRAPH_SOAK_MINUTES") is { Length: > 0 } text
        ? double.Parse(text, CultureInfo.InvariantCulture)
        : null;

    // What a scenario may meet is its own affair; anything else fails the test.
    private static async Task WorkAsync(SoakRig rig, Random random, ConcurrentDictionary<string, int> done, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var (name, run) = rig.Scenarios[random.Next(rig.Scenarios.Length)];
            try
            {
                await run(random, stop);
                done.AddOrUpdate(name, 1, static (_, count) => count + 1);
            }
            catch (Exception e) when (SoakRig.IsExpected(e))
            {
                done.AddOrUpdate($"{name} in vain", 1, static (_, count) => count + 1);
            }
        }
    }
}
