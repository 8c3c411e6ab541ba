using MediaGraph.Graph;
using MediaGraph.Packets;

namespace MediaGraph.Tests.Kit;

/// <summary>A converter that emits what it gets, and counts its instances' fills.</summary>
internal sealed class PassThrough(GroupCacheOptions? cache = null) : Converter(cache)
{
    private readonly List<int> _numbers = [];

    /// <summary>What was converted so far. Read when nothing runs.</summary>
    public IReadOnlyList<int> Numbers => _numbers;

    protected override void Convert(MediaPacket packet)
    {
        _numbers.Add(TestMedia.NumberOf(packet));
        Emit(packet);
    }
}
