using System.Diagnostics;
using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests.Testing;

public sealed class ExternalToolTests
{
    [Test]
    public async Task Both_outputs_and_the_exit_code_are_captured()
    {
        var result = await ExternalTool.RunAsync("sh", ["-c", "echo \"$1 $WORD\"; echo bad >&2; exit 3", "sh", "a \"b\" c"],
            environment: new Dictionary<string, string?> { ["WORD"] = "word" });
        Assert.That(result, Is.EqualTo(new ToolResult(3, "a \"b\" c word\n", "bad\n")));
    }

    [Test]
    public async Task Dispose_leaves_neither_the_process_nor_its_children()
    {
        int parent, child;
        await using (var tool = ExternalTool.Start("sh", ["-c", "sleep 600 & echo child $!; wait"]))
        {
            await tool.WaitForTextAsync("\n");
            parent = tool.Id;
            child = int.Parse(tool.Output.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
            Assert.That(Exists(child), Is.True);
        }

        await Eventually.Async(() => !Exists(parent) && !Exists(child), "the end of both processes");
    }

    [Test]
    public async Task A_tool_over_its_limit_is_killed_and_fails_the_test_with_its_output()
    {
        var failure = await Assert.CatchAsync<AssertionException>(
            () => ExternalTool.RunAsync("sh", ["-c", "echo here; sleep 600"], TimeSpan.FromSeconds(0.3)));
        Assert.That(failure!.Message, Does.Contain("did not end within 0.3 s").And.Contain("here"));
    }

    [Test]
    public async Task A_cancelled_wait_kills_the_process()
    {
        using var cancellation = new CancellationTokenSource();
        await using var tool = ExternalTool.Start("sleep", ["600"]);
        var waiting = tool.WaitAsync(cancellation: cancellation.Token);
        await cancellation.CancelAsync();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(tool.HasExited, Is.True);
    }

    [Test]
    public async Task An_interrupt_lets_the_tool_finish()
    {
        await using var tool = ExternalTool.Start("sh", ["-c", "trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done"]);
        await tool.WaitForTextAsync("ready");
        tool.Interrupt();
        Assert.That(await tool.WaitAsync(), Is.EqualTo(new ToolResult(0, "ready\nbye\n", "")));
    }

    [Test]
    public async Task Without_root_means_another_user()
    {
        Assume.That(Environment.IsPrivilegedProcess, "only root can become another user");
        var result = await ExternalTool.RunAsync("id", ["-u"], withoutRoot: true);
        Assert.That(result.Output, Is.EqualTo("65534\n"));
    }

    [Test]
    public void A_missing_tool_says_how_to_get_it() =>
        Assert.That(() => ExternalTool.Start("no-such-tool", []), Throws.TypeOf<AssertionException>().With.Message.Contains("./test.sh"));

    private static bool Exists(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
