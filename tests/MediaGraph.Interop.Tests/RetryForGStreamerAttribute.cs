using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Commands;

namespace MediaGraph.Interop.Tests;

/// <summary>
/// Runs a test up to three times, while what fails is what a GStreamer program made of a stream: the message begins with its name. On a
/// machine that is busy its times jump, as its jitter buffer begins anew when a packet comes a second sooner or later than its RTP time says,
/// and its server's sender reports move by milliseconds. Any other failure counts at once.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RetryForGStreamerAttribute : NUnitAttribute, IRepeatTest
{
    private const int Tries = 3;

    /// <inheritdoc/>
    public TestCommand Wrap(TestCommand command) => new Retry(command);

    private sealed class Retry(TestCommand test) : DelegatingTestCommand(test)
    {
        public override TestResult Execute(TestExecutionContext context)
        {
            for (var left = Tries; ; left--)
            {
                try
                {
                    context.CurrentResult = innerCommand.Execute(context);
                }
                catch (Exception e)
                {
                    context.CurrentResult ??= context.CurrentTest.MakeTestResult();
                    context.CurrentResult.RecordException(e);
                }

                var result = context.CurrentResult;
                if (left == 1 || result.ResultState.Status != TestStatus.Failed
                    || !result.Message.TrimStart().StartsWith("GStreamer", StringComparison.Ordinal))
                {
                    return result;
                }

                context.OutWriter.WriteLine($"tried again: {result.Message}");
                context.CurrentResult = context.CurrentTest.MakeTestResult();
                context.CurrentRepeatCount++;
            }
        }
    }
}
