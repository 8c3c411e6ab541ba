using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MediaGraph.Transport;

namespace MediaGraph.Testing.Tapo;

/// <summary>
/// A camera of TP-Link's, written from what is known of their protocol, and not with the library's code: on a free port of the loopback
/// address, and in memory by <see cref="Dial"/>. It counts who is connected, and keeps what is said to it. Thread-safe.
/// </summary>
public sealed class TapoEmulator : IAsyncDisposable
{
    private readonly ConcurrentDictionary<TapoEmulatorConnection, Task> _connections = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener? _listener;
    private readonly Task _accepting = Task.CompletedTask;
    private readonly Lock _talkLock = new(); // guards the two below
    private readonly List<byte> _talkAudio = [];
    private TapoEmulatorConnection? _talker;
    private int _behaviour;

    private TapoEmulator(TapoEmulatorOptions? options, bool listens)
    {
        Options = options ?? new TapoEmulatorOptions();
        if (!listens)
            return;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = Task.Run(AcceptAsync);
    }

    public TapoEmulatorOptions Options { get; }

    public int Port { get; } = 8800;

    public string Scheme => Options.IsVigi ? "vigi" : "tapo";

    /// <summary>The camera's address, with its password.</summary>
    public string Url => UrlOf(Options.Password);

    public TapoBehaviour Behaviour
    {
        get => (TapoBehaviour)Volatile.Read(ref _behaviour);
        set => Volatile.Write(ref _behaviour, (int)value);
    }

    /// <summary>Connections now, logged in or not.</summary>
    public int Connections => _connections.Count;

    /// <summary>Connections now that are logged in.</summary>
    public int Sessions => _connections.Keys.Count(connection => connection.IsLoggedIn);

    /// <summary>Previews now.</summary>
    public int Previews => _connections.Keys.Count(connection => connection.IsPreview);

    /// <summary>Talks now: 0 or 1.</summary>
    public int Talks => _connections.Keys.Count(connection => connection.IsTalk);

    /// <summary>Connections since the start.</summary>
    public int ConnectionsMade => Volatile.Read(ref Counts.Connections);

    /// <summary>Previews since the start.</summary>
    public int PreviewsMade => Volatile.Read(ref Counts.Previews);

    /// <summary>Talks since the start.</summary>
    public int TalksMade => Volatile.Read(ref Counts.Talks);

    /// <summary>Logins that were refused since the start; to be asked is no refusal.</summary>
    public int LoginsRefused => Volatile.Read(ref Counts.LoginsRefused);

    /// <summary>Sessions that said goodbye since the start.</summary>
    public int Stops => Volatile.Read(ref Counts.Stops);

    /// <summary>The requests since the start: their JSON.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>What each part of a talk held: bytes, and the times of its frames in ticks of 90 kHz.</summary>
    public ConcurrentQueue<(int Length, long[] Times)> TalkParts { get; } = new();

    /// <summary>The samples that were said to it since the start.</summary>
    public byte[] TalkAudio
    {
        get
        {
            lock (_talkLock)
                return [.. _talkAudio];
        }
    }

    /// <summary>Nonces that were given and not used.</summary>
    internal ConcurrentDictionary<string, bool> Nonces { get; } = new();

    internal EmulatorCounts Counts { get; } = new();

    internal CancellationToken Stopping => _stop.Token;

    /// <summary>A camera on a free port of the loopback address.</summary>
    public static TapoEmulator Start(TapoEmulatorOptions? options = null) => new(options, listens: true);

    /// <summary>A camera that <see cref="Dial"/> alone connects to.</summary>
    public static TapoEmulator InMemory(TapoEmulatorOptions? options = null) => new(options, listens: false);

    /// <summary>The camera's address with another password.</summary>
    public string UrlOf(string password)
    {
        var query = Options.DeviceId is null ? "" : $"?deviceId={Options.DeviceId}";
        return $"{Scheme}://admin:{Uri.EscapeDataString(password)}@127.0.0.1:{Port}{query}";
    }

    /// <summary>Connects in memory, and returns the client's end.</summary>
    public MemoryTransport Dial()
    {
        var (server, client) = MemoryTransport.CreatePair(new IPEndPoint(IPAddress.Loopback, Port));
        Serve(server);
        return client;
    }

    /// <summary>Breaks all connections, as a camera does that is switched off.</summary>
    public void DropConnections()
    {
        foreach (var connection in _connections.Keys)
            connection.Abort();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener?.Stop();
        await _accepting;
        DropConnections();
        await Task.WhenAll(_connections.Values);
        _stop.Dispose();
    }

    internal bool TryTalk(TapoEmulatorConnection connection)
    {
        lock (_talkLock)
        {
            if (_talker is not null && !ReferenceEquals(_talker, connection))
                return false;
            _talker = connection;
            return true;
        }
    }

    internal void EndTalk(TapoEmulatorConnection connection)
    {
        lock (_talkLock)
        {
            if (ReferenceEquals(_talker, connection))
                _talker = null;
        }
    }

    internal void Hear(ReadOnlySpan<byte> samples)
    {
        lock (_talkLock)
            _talkAudio.AddRange(samples);
    }

    private void Serve(ITransport transport)
    {
        Interlocked.Increment(ref Counts.Connections);
        var connection = new TapoEmulatorConnection(this, transport);
        var started = new TaskCompletionSource();
        _connections[connection] = ServeAsync(connection, started.Task);
        started.SetResult();
    }

    private async Task ServeAsync(TapoEmulatorConnection connection, Task started)
    {
        await started;
        await Task.Yield();
        await connection.RunAsync();
        _connections.TryRemove(connection, out _);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                Serve(new SocketTransport(await _listener!.AcceptSocketAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    /// <summary>What happened since the start.</summary>
    internal sealed class EmulatorCounts
    {
        public int Connections;
        public int Previews;
        public int Talks;
        public int LoginsRefused;
        public int Stops;
    }
}
