using System.Net;
using System.Net.Sockets;

namespace MediaGraph.Interop.Tests;

/// <summary>Leads connections on to a port of this machine, until it is told to stall: then it keeps them open and takes nothing more.</summary>
internal sealed class StallingWay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _tasks = [];
    private readonly int _port;
    private volatile bool _isStalled;
    private int _ended;

    public StallingWay(int port)
    {
        _port = port;
        _listener.Start();
        _tasks.Add(Task.Run(AcceptAsync));
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that the client has closed.</summary>
    public int Ended => Volatile.Read(ref _ended);

    /// <summary>From now on; new connections are led on all the same.</summary>
    public void Stall() => _isStalled = true;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Task[] tasks;
        lock (_tasks)
            tasks = [.. _tasks];
        await Task.WhenAll(tasks);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _isStalled = false;
                lock (_tasks)
                    _tasks.Add(Task.Run(() => LeadAsync(client)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the end
        }
    }

    private async Task LeadAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                var back = server.GetStream().CopyToAsync(client.GetStream(), _stop.Token);
                var buffer = new byte[16 << 10];
                while (!_isStalled && await client.GetStream().ReadAsync(buffer, _stop.Token) is var count and > 0)
                    await server.GetStream().WriteAsync(buffer.AsMemory(0, count), _stop.Token);
                await back; // ends when the client has gone, as nothing can be sent to it then, or the server
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // its end
            }
        }

        Interlocked.Increment(ref _ended);
    }
}
