using System.Net.Sockets;
using System.Runtime.InteropServices;
using MediaGraph.LoadTest;
using Spectre.Console;

// Before anything touches a socket: they read it once.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
var console = AnsiConsole.Console;
if (Console.IsOutputRedirected)
{
    console.Profile.Width = 200;
    console.Profile.Capabilities.Interactive = false;
    console.Profile.Capabilities.Ansi = false;
    console.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
}

try
{
    if (args is ["compare", _, ..])
    {
        Comparison.Write(console, [.. args.Skip(1).Select(file => ReportFile.Read(File.ReadAllText(file)))]);
        return 0;
    }

    if (LoadOptions.Parse(args) is not { } options)
    {
        Console.WriteLine(LoadOptions.Usage);
        return 0;
    }

    var report = await new Screen(console).ShowAsync(new LoadRun(options), options, stop.Token);
    if (options.Json is { } file)
        await File.WriteAllTextAsync(file, ReportFile.Write(report), stop.Token);
    return report.IsRight ? 0 : 1;
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\nLoadTest --help lists the options.");
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (Exception e) when (e is IOException or SocketException or InvalidDataException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
