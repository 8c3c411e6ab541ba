using System.Collections.Concurrent;
using MediaGraph.Containers.Flv;

namespace MediaGraph.Rtmp.Messages;

/// <summary>
/// The forms of messages of one message stream id, each made once, so that all viewers who take the same bytes share them.
/// Thread-safe.
/// </summary>
/// <param name="messageStreamId">Of the messages.</param>
/// <param name="chunkSize">Of their chunks.</param>
/// <param name="isPublished">Whether metadata goes to a server, which is to keep it (<c>@setDataFrame</c>), or to a player.</param>
internal sealed class RtmpImages(uint messageStreamId, int chunkSize, bool isPublished = false)
{
    private readonly ConcurrentDictionary<FlvForm, Pair> _pairs = new();

    /// <summary>The images of a form.</summary>
    public Pair this[FlvForm form] => _pairs.GetOrAdd(form, static (form, of) => of.Make(form), this);

    private Pair Make(FlvForm form) => new(
        new RtmpImageFormat(messageStreamId, chunkSize, form, isPublished, withParameters: false),
        new RtmpImageFormat(messageStreamId, chunkSize, form, isPublished, withParameters: true));

    /// <summary>A packet's message alone, and behind the message with its codec's parameters.</summary>
    internal sealed record Pair(RtmpImageFormat Alone, RtmpImageFormat WithParameters);
}
