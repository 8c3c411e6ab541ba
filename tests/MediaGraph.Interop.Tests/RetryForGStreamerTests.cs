using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using NUnit.Framework.Internal.Commands;

namespace MediaGraph.Interop.Tests;

public sealed class RetryForGStreamerTests
{
    [TestCase("GStreamer tcp: video: times", 3)]
    [TestCase("ffmpeg tcp: video: times", 1)]
    [TestCase("connections after all processes have ended", 1)]
    public void Only_what_GStreamer_made_of_a_stream_is_tried_again(string message, int runs)
    {
        var test = TestExecutionContext.CurrentContext.CurrentTest;
        var context = new TestExecutionContext(TestExecutionContext.CurrentContext) { CurrentResult = test.MakeTestResult() };
        var failing = new Failing(test, message);
        var result = new RetryForGStreamerAttribute().Wrap(failing).Execute(context);
        Assert.That((failing.Runs, result.ResultState.Status), Is.EqualTo((runs, TestStatus.Failed)));
    }

    private sealed class Failing(Test test, string message) : TestCommand(test)
    {
        public int Runs { get; private set; }

        public override TestResult Execute(TestExecutionContext context)
        {
            Runs++;
            throw new AssertionException(message);
        }
    }
}
