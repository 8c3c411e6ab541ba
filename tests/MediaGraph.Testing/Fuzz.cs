using System.Diagnostics;
using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>
/// Mutation fuzzing of parsers: 20,000 inputs, the same in each run; <c>MEDIAGRAPH_FUZZ_SECONDS</c> makes it as many as fit into that
/// time, other ones each run. A failure tells its input.
/// </summary>
public static class Fuzz
{
    private const int Inputs = 20_000;

    // Bytes that the widths and lengths of wire formats turn on.
    private static readonly byte[] Edges = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF];

    /// <summary>Feeds mutations of the seeds to a parser, which may throw one exception type only.</summary>
    /// <typeparam name="TExpected">What the parser says of bytes that it refuses.</typeparam>
    /// <param name="seeds">Good inputs, and bad ones of old.</param>
    /// <param name="parse">Parses, and asserts what must hold. The random number is part of the input.</param>
    /// <param name="adjust">What every input gets before it is parsed; null for nothing.</param>
    /// <param name="boundsMemory">Whether to check that an input takes at most four times its length and 64 KiB.</param>
    public static void Run<TExpected>(
        IReadOnlyList<byte[]> seeds, Action<byte[], Random> parse, Action<byte[], Random>? adjust = null, bool boundsMemory = false)
        where TExpected : Exception
    {
        ArgumentNullException.ThrowIfNull(seeds);
        ArgumentNullException.ThrowIfNull(parse);
        var isLong = double.TryParse(Environment.GetEnvironmentVariable("MEDIAGRAPH_FUZZ_SECONDS"), out var seconds);
        var seed = isLong ? Environment.TickCount : 20_260;
        var random = new Random(seed);
        var watch = Stopwatch.StartNew();
        foreach (var good in seeds)
            Feed(good, 0); // and all code is warm
        for (var i = 0; isLong ? watch.Elapsed.TotalSeconds < seconds : i < Inputs; i++)
        {
            var data = Mutate(seeds, random);
            adjust?.Invoke(data, random);
            var inputSeed = random.Next();
            try
            {
                var allocated = Feed(data, inputSeed);
                if (boundsMemory && allocated > (4 * data.Length) + (64 << 10) && Feed(data, inputSeed) > (4 * data.Length) + (64 << 10))
                    Assert.Fail($"{data.Length} bytes took {allocated} bytes of memory.");
            }
            catch (Exception exception)
            {
                Assert.Fail($"Seed {seed}, input {i} with {inputSeed}: {Convert.ToHexStringLower(data)}\n{exception}");
            }
        }

        long Feed(byte[] data, int inputSeed)
        {
            var inputRandom = new Random(inputSeed);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                parse(data, inputRandom);
            }
            catch (TExpected)
            {
                // The answer to bytes that are not what they should be.
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static byte[] Mutate(IReadOnlyList<byte[]> seeds, Random random)
    {
        var data = seeds[random.Next(seeds.Count)].ToList();
        if (random.Next(16) == 0)
            data.AddRange(seeds[random.Next(seeds.Count)]);
        for (var changes = random.Next(8); changes > 0; changes--)
        {
            var at = random.Next(data.Count + 1);
            switch (random.Next(8))
            {
                case 0 when at < data.Count:
                    data[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < data.Count:
                    data[at] = (byte)random.Next(256);
                    break;
                case 2 when at < data.Count:
                    data[at] = Edges[random.Next(Edges.Length)];
                    break;
                case 3:
                    data.Insert(at, (byte)random.Next(256));
                    break;
                case 4 when at < data.Count:
                    data.RemoveAt(at);
                    break;
                case 5 when random.Next(4) == 0:
                    data.RemoveRange(at, data.Count - at);
                    break;
                case 6:
                    // A part of another seed, or of this one again.
                    var other = seeds[random.Next(seeds.Count)];
                    var start = random.Next(other.Length + 1);
                    data.InsertRange(at, other.AsSpan(start, random.Next(Math.Min(64, other.Length - start) + 1)).ToArray());
                    break;
                case 7 when at + 4 <= data.Count:
                    var edge = Edges[random.Next(Edges.Length)];
                    for (var i = 0; i < 4; i++)
                        data[at + i] = edge;
                    break;
            }
        }

        return [.. data];
    }
}
