using MediaGraph.Graph;
using MediaGraph.Packets;

namespace MediaGraph.Tests.Kit;

/// <summary>A leaf that notes what it is given.</summary>
internal sealed class Probe(bool wantsReplay = true, Action<MediaPacket>? onPacket = null) : Node(cache: null, closesWhenEmpty: false)
{
    private readonly List<int> _numbers = [];

    /// <summary>Replayed and live numbers. Read when nothing runs.</summary>
    public IReadOnlyList<int> Numbers => _numbers;

    public int Replayed { get; private set; }

    internal override bool WantsReplay => wantsReplay;

    internal override void Accept(MediaPacket packet)
    {
        _numbers.Add(TestMedia.NumberOf(packet));
        onPacket?.Invoke(packet);
    }

    internal override void OnAttached(GroupCursor? replay)
    {
        for (; replay is { Remaining: > 0 }; replay.MoveNext())
        {
            Replayed++;
            _numbers.Add(TestMedia.NumberOf(replay.Current));
        }

        replay?.Dispose();
    }
}
