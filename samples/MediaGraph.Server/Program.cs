using MediaGraph.Server;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

// Read when the first socket is made: what a socket has to say is then handled on the thread that hears it.
const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
    Environment.SetEnvironmentVariable(InlineCompletions, "1");

if (args.Any(argument => argument is "--help" or "-h" or "-?"))
{
    Console.WriteLine(Texts.Help);
    return 0;
}

try
{
    var settings = new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory };
    var builder = Host.CreateApplicationBuilder(settings);
    builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // its faults are reported below
    builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"))
        .AddDemo(() => typeof(Program).Assembly.GetManifestResourceStream("demo.flv")!)
        .AddRtmp();

    using var host = builder.Build();
    using var shutdown = new Shutdown(host);
    await host.StartAsync();
    Texts.PrintAddresses(Console.Out, host.Services);
    await host.WaitForShutdownAsync();
    return 0;
}
catch (OptionsValidationException e)
{
    Console.Error.WriteLine("The configuration has errors:");
    foreach (var failure in e.Failures)
        Console.Error.WriteLine($"  {failure}");
}
catch (Exception e) when (e is IOException or TimeoutException or FormatException or InvalidDataException)
{
    Console.Error.WriteLine(e.InnerException is FormatException inner ? $"{e.Message} {inner.Message}" : e.Message);
}

Shutdown.Exit(1); // what hangs must not hold the process
return 1;
