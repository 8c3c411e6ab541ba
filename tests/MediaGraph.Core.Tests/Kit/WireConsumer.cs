using System.Buffers;
using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Packets;
using MediaGraph.Transport;

namespace MediaGraph.Tests.Kit;

/// <summary>A connection's writer over memory, and what arrived at the other end.</summary>
internal sealed class WireConsumer : IAsyncDisposable
{
    public static readonly TestWireFormat Format = new();

    private readonly MemoryTransport _client;
    private readonly List<byte> _received = [];
    private readonly List<CloseReason> _failures = [];

    public WireConsumer(PacketPool pool, PacketQueueOptions? options = null, TimeProvider? time = null, bool canTrySend = true)
    {
        (Transport, _client) = MemoryTransport.CreatePair(canTrySend: canTrySend);
        Writer = new ConnectionWriter(Transport, pool, reason =>
        {
            lock (_failures)
                _failures.Add(reason);
            Transport.Abort(reason);
        }, options, time);
    }

    public MemoryTransport Transport { get; }

    public MemoryTransport Client => _client;

    public ConnectionWriter Writer { get; }

    public IReadOnlyList<CloseReason> Failures
    {
        get
        {
            lock (_failures)
                return [.. _failures];
        }
    }

    public Sender Join(Receiver receiver)
    {
        var sender = Writer.CreateSender(receiver.Track, Format);
        receiver.TryAttach(sender);
        return sender;
    }

    /// <summary>Everything that arrived so far.</summary>
    public List<WireUnit> Units()
    {
        while (_client.Input.TryRead(out var result))
        {
            _received.AddRange(result.Buffer.ToArray());
            _client.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || result.Buffer.IsEmpty)
                break;
        }

        return WireUnit.Parse([.. _received]).Units;
    }

    public string Text() => string.Join(' ', Units());

    public Task SettledAsync() => MediaGraph.Testing.Eventually.Async(
        () => Writer.GetStatistics() is { Depth: 0, StalledFor: var stalled } && stalled == TimeSpan.Zero, "the queue is empty");

    public async ValueTask DisposeAsync()
    {
        await Transport.DisposeAsync();
        await Writer.DisposeAsync();
        await _client.DisposeAsync();
    }
}
