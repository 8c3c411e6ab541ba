using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MediaGraph.Benchmarks;

// --quick: minutes instead of an hour, in this process; the figures scatter more.
var quick = args.Contains("--quick");
var config = DefaultConfig.Instance.AddJob(quick
    ? Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance).WithId("quick")
    : Job.MediumRun);
BenchmarkSwitcher.FromTypes([typeof(AmfBenchmarks), typeof(ChunkBenchmarks), typeof(FanOutBenchmarks)])
    .Run(quick ? [.. args.Where(argument => argument != "--quick")] : args, config);
