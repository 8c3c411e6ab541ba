using System.Runtime.InteropServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MediaGraph.Server;

/// <summary>
/// The host stops at the first SIGINT or SIGTERM. This ends the process at the second one, and when stopping takes longer than it may.
/// </summary>
internal sealed class Shutdown : IDisposable
{
    // The hosted service ends the drain by itself; this is for what hangs beside it.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(400);

    private readonly PosixSignalRegistration[] _signals;
    private readonly ITimer _guard;
    private int _count; // of signals

    public Shutdown(IHost host)
    {
        _guard = TimeProvider.System.CreateTimer(static _ => Exit(1), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
    }
}
