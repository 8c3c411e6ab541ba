using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using NUnit.Framework;

namespace MediaGraph.Testing;

/// <summary>
/// A process that a test runs: an encoder, a player, our own server. When <see cref="DisposeAsync"/> returns it is gone, and so are the
/// children it had then (what it left behind when it ended by itself is nobody's child). Thread-safe.
/// </summary>
public sealed partial class ExternalTool : IAsyncDisposable
{
    private static readonly TimeSpan GraceAfterExit = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly string _commandLine;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Lock _textLock = new(); // guards both builders
    private readonly Task _pumps;
    private int _disposed; // 1 once disposal has begun

    private ExternalTool(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
        _pumps = Task.WhenAll(PumpAsync(process.StandardOutput, _output), PumpAsync(process.StandardError, _error));
    }

    /// <summary>The process's id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What the process wrote to its standard output so far.</summary>
    public string Output => TextOf(_output);

    /// <summary>What the process wrote to its standard error so far.</summary>
    public string Error => TextOf(_error);

    /// <summary>Whether a program of this name is on the PATH.</summary>
    public static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Starts a process; a program that is not installed fails the test with what to do.</summary>
    /// <param name="program">Name on the PATH, or a path.</param>
    /// <param name="arguments">Passed as they are: no shell, no quoting.</param>
    /// <param name="environment">Variables to set; a null value removes one.</param>
    /// <param name="withoutRoot">When the test runs as root, run the process as "nobody": VLC refuses to run as root.</param>
    public static ExternalTool Start(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        bool withoutRoot = false)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true, // and closed: no tool waits for a key
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (withoutRoot && Environment.IsPrivilegedProcess)
        {
            start.FileName = "setpriv";
            foreach (var argument in (string[])["--reuid=65534", "--regid=65534", "--clear-groups", program])
                start.ArgumentList.Add(argument);
            start.Environment["HOME"] = Path.GetTempPath();
        }

        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;

        var commandLine = $"{program} {string.Join(' ', start.ArgumentList)}";
        var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            process.Dispose();
            throw new AssertionException($"{program} cannot be started ({e.Message}); ./test.sh installs what the tests need", e);
        }

        process.StandardInput.Close();
        return new ExternalTool(process, commandLine);
    }

    /// <summary>Runs a process to its end. When the limit is over it is killed, and the test fails with what it wrote.</summary>
    public static async Task<ToolResult> RunAsync(
        string program,
        IEnumerable<string> arguments,
        TimeSpan? limit = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        bool withoutRoot = false,
        CancellationToken cancellation = default)
    {
        await using var tool = Start(program, arguments, environment, withoutRoot);
        return await tool.WaitAsync(limit, cancellation);
    }

    /// <summary>Waits for the process's end. When the limit (1 minute by default) is over it is killed, and the test fails.</summary>
    public async Task<ToolResult> WaitAsync(TimeSpan? limit = null, CancellationToken cancellation = default)
    {
        var patience = limit ?? TimeSpan.FromMinutes(1);
        try
        {
            await ExitAsync().WaitAsync(patience, TimeProvider.System, cancellation);
        }
        catch (TimeoutException)
        {
            await KillAsync();
            // Not by throwing: an assertion that nobody counted makes a test with several tries a skipped one.
            Assert.Fail($"did not end within {patience.TotalSeconds:0.###} s: {_commandLine}\n{Output}\n{Error}");
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            throw;
        }

        return new ToolResult(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits for the process's end, for so long; returns whether it has come. It goes on if it has not.</summary>
    public async Task<bool> EndsWithinAsync(TimeSpan limit)
    {
        try
        {
            await ExitAsync().WaitAsync(limit, TimeProvider.System);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Waits until the process has written the text to either of its outputs; its end without it fails the test.</summary>
    public async Task WaitForTextAsync(string text, TimeSpan? limit = null)
    {
        bool Found() => Output.Contains(text, StringComparison.Ordinal) || Error.Contains(text, StringComparison.Ordinal);
        await Eventually.Async(() => Found() || _pumps.IsCompleted, $"\"{text}\" written by {_commandLine}", limit);
        if (!Found())
            throw new AssertionException($"ended without writing \"{text}\": {_commandLine}\n{Output}\n{Error}");
    }

    /// <summary>Sends SIGINT, as Ctrl-C does: most tools then finish their files and end.</summary>
    public void Interrupt() => Signal(2);

    /// <summary>Sends SIGTERM, as a service manager does.</summary>
    public void Terminate() => Signal(15);

    /// <summary>Sends a signal by its number; a process that has ended gets none.</summary>
    public void Signal(int number)
    {
        if (!_process.HasExited)
            _ = Kill(_process.Id, number);
    }

    /// <summary>Kills the process and its children, and waits until they are gone.</summary>
    public async Task KillAsync()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }

        await ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await KillAsync();
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    // The text is complete when both pipes have ended; a grandchild that holds them open must not hold us.
    private async Task ExitAsync()
    {
        await _process.WaitForExitAsync();
        try
        {
            await _pumps.WaitAsync(GraceAfterExit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            _process.StandardOutput.Close();
            _process.StandardError.Close();
        }
    }

    private async Task PumpAsync(StreamReader from, StringBuilder to)
    {
        var buffer = new char[4096];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer.AsMemory())) > 0;)
            {
                lock (_textLock)
                    to.Append(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The pipe was closed under us: what was read is what there is.
        }
    }

    private string TextOf(StringBuilder text)
    {
        lock (_textLock)
            return text.ToString();
    }
}
