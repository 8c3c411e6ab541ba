using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>
/// A conversion with state, shared by all who need its output. It closes when its last child leaves. Derive from it, and turn
/// each packet of <see cref="Convert"/> into any number of <see cref="Emit"/>.
/// </summary>
public abstract class Converter : Node
{
    private readonly bool _keepsLikeItsParent;
    private object _format = "";

    /// <summary>Creates a converter.</summary>
    /// <param name="cache">How much of the output is kept for late joiners; null for as much as is kept of the input.</param>
    protected Converter(GroupCacheOptions? cache = null)
        : base(cache ?? new GroupCacheOptions(), closesWhenEmpty: true) => _keepsLikeItsParent = cache is null;

    internal object Format => _format;

    /// <summary>Converts one packet, which is borrowed. Calls do not overlap.</summary>
    protected abstract void Convert(MediaPacket packet);

    /// <summary>
    /// Hands an output packet, which the caller keeps, to everyone below. It should start a group where its input did.
    /// </summary>
    protected void Emit(MediaPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        FanOut(packet);
    }

    /// <summary>What the consumers of a conversion are told that has failed.</summary>
    internal static CloseReason ReasonOf(Exception failure) => new(CloseCode.Fault, $"a conversion failed: {failure.Message}");

    /// <summary>Called once, before anyone sees the converter.</summary>
    internal void Prepare(object format, GroupCacheOptions? parentsCache)
    {
        _format = format;
        if (_keepsLikeItsParent)
            SetCache(parentsCache);
    }

    /// <summary>Converts before anyone sees the converter; what fails is told to whoever joins.</summary>
    internal void Fill(MediaPacket packet) => Convert(packet);

    internal override void Accept(MediaPacket packet)
    {
        if (IsClosed)
            return;
        try
        {
            Convert(packet);
        }
        catch (Exception e)
        {
            // What fails here is this converter's and its consumers' affair, not the publisher's. Not closed in the fan-out.
            ThreadPool.UnsafeQueueUserWorkItem(
                static state => state.Converter.Close(state.Reason), (Converter: this, Reason: ReasonOf(e)), preferLocal: false);
        }
    }
}
