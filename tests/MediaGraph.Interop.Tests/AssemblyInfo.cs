using NUnit.Framework;

// They wait for real time more than for the machine; more at once, and it is the players that are late.
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: LevelOfParallelism(2)]
