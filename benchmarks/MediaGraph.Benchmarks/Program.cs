using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MediaGraph.Benchmarks;
using Perfolizer.Horology;

// --quick: minutes instead of an hour, in this process; the figures scatter more. On a machine that others use too, read the least.
var quick = args.Contains("--quick");
var config = DefaultConfig.Instance
    .AddColumn(StatisticColumn.Min, StatisticColumn.Median)
    .AddJob(quick
        ? Job.ShortRun.WithIterationTime(TimeInterval.FromMilliseconds(100)).WithIterationCount(10)
            .WithToolchain(InProcessEmitToolchain.Instance).WithId("quick")
        : Job.MediumRun);
BenchmarkSwitcher.FromTypes([typeof(AmfBenchmarks), typeof(ChunkBenchmarks), typeof(FanOutBenchmarks)])
    .Run(quick ? [.. args.Where(argument => argument != "--quick")] : args, config);
