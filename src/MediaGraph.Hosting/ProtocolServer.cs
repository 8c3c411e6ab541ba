namespace MediaGraph.Hosting;

/// <summary>What the hosted service starts and stops.</summary>
/// <param name="Name">For messages.</param>
/// <param name="IsEnabled">Whether it is started at all.</param>
/// <param name="StartAsync">Binds; fails with an <see cref="IOException"/> that says why when it cannot.</param>
/// <param name="StopAsync">Drains; cuts what is left when its token is cancelled, and returns all the same.</param>
internal sealed record ProtocolServer(
    string Name, bool IsEnabled, Func<CancellationToken, Task> StartAsync, Func<CancellationToken, Task> StopAsync);
