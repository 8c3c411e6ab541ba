using NUnit.Framework;

// Runs wait for the clock more than for the machine.
[assembly: LevelOfParallelism(8)]
