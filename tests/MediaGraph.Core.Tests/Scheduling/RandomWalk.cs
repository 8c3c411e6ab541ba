namespace MediaGraph.Tests.Scheduling;

/// <summary>Anyone, at every step. The generator is our own, so that a seed means the same on every runtime.</summary>
internal sealed class RandomWalk(int seed) : Strategy
{
    private readonly SeededRandom _random = new(seed);

    public override int Choose(int current, IReadOnlyList<int> runnable) => runnable[_random.Next(runnable.Count)];

    public override string ToString() => $"random walk, seed {seed}";
}
