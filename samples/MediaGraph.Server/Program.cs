using System.Runtime.InteropServices;
using MediaGraph.Server;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

// Read when the first socket is made: what happens on a socket is then handled by the thread that learns of it.
const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
    Environment.SetEnvironmentVariable(InlineCompletions, "1");

if (args.Any(argument => argument is "--help" or "-h" or "-?"))
{
    Console.WriteLine(Texts.Help);
    return 0;
}

// The host stops at the first signal; who sends a second one does not want to wait for that.
var signals = 0;
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

try
{
    // appsettings.json lies beside the program, wherever it is started.
    var settings = new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory };
    var builder = Host.CreateApplicationBuilder(settings);
    builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // faults are reported below
    builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"))
        .AddDemo(() => typeof(Texts).Assembly.GetManifestResourceStream("demo.flv")!)
        .AddRtmp()
        .AddRtsp()
        .AddTapo();

    // A file that changes into one that cannot be read leaves everything as it is.
    foreach (var file in builder.Configuration.Sources.OfType<FileConfigurationSource>())
        file.OnLoadException = failure => Console.Error.WriteLine($"The change is not read: {Texts.ReasonOf(failure.Exception)}");

    var host = builder.Build();
    await host.StartAsync();
    Texts.PrintAddresses(Console.Out, host.Services);
    await host.WaitForShutdownAsync();
    await ((IAsyncDisposable)host).DisposeAsync(); // not after a failure: what hangs would hang here again
    return 0;
}
catch (OptionsValidationException e)
{
    Console.Error.WriteLine("The configuration has errors:");
    foreach (var failure in e.Failures)
        Console.Error.WriteLine($"  {failure}");
}
catch (Exception e) when (e is IOException or TimeoutException or InvalidDataException or FormatException)
{
    Console.Error.WriteLine(Texts.ReasonOf(e));
}

Environment.Exit(1);
return 1;

void OnSignal(PosixSignalContext context)
{
    if (Interlocked.Increment(ref signals) > 1)
        Environment.Exit(context.Signal == PosixSignal.SIGINT ? 130 : 143);
}
