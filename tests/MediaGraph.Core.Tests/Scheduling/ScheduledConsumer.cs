using MediaGraph.Delivery;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Tests.Kit;

namespace MediaGraph.Tests.Scheduling;

/// <summary>A connection's writer with one sender per track, whose bytes a scenario reads back.</summary>
internal sealed class ScheduledConsumer
{
    private static readonly TestWireFormat Format = new();

    private readonly ControlledScheduler _scheduler;
    private readonly List<Sender> _senders = [];

    public ScheduledConsumer(
        ControlledScheduler scheduler, PacketPool pool, long allowance = long.MaxValue, PacketQueueOptions? options = null)
    {
        _scheduler = scheduler;
        Transport = new ScriptedTransport(scheduler, allowance);
        Writer = new ConnectionWriter(Transport, pool, reason =>
        {
            Failures++;
            Transport.Abort(reason);
        }, options);
    }

    public ScriptedTransport Transport { get; }

    public ConnectionWriter Writer { get; }

    public int Failures { get; private set; }

    public IReadOnlyList<Sender> Senders => _senders;

    public static TestWireFormat SharedFormat => Format;

    public Sender CreateSender(Codec codec)
    {
        var sender = Writer.CreateSender(Track.Of(codec), Format);
        _senders.Add(sender);
        return sender;
    }

    public List<WireUnit> Units() => WireUnit.Parse([.. Transport.Sent]).Units;

    /// <summary>Numbers of the frames that arrived.</summary>
    public List<int> Numbers(char codec = 'V') => [.. Units().Where(u => u.Mark is 'F' or 'P' && u.Codec == codec).Select(u => u.Number)];

    /// <summary>Ends the connection, and returns when nothing of it runs.</summary>
    public void End()
    {
        foreach (var sender in _senders)
            sender.Close(CloseReason.Requested);
        Transport.Abort(CloseReason.Requested);
        var ended = Writer.DisposeAsync().AsTask();
        _scheduler.WaitUntil(() => ended.IsCompleted, "the writer to end");
        ended.GetAwaiter().GetResult();
    }

    /// <summary>Offered = delivered + dropped + queued, and nothing is queued at the end.</summary>
    public bool AddsUp() => _senders.TrueForAll(sender =>
    {
        var s = sender.GetStatistics();
        return s.Queued == 0
            && s.Offered == s.Delivered + s.DroppedByOverflow + s.DroppedAwaitingKeyframe + s.DroppedByClose;
    });
}
