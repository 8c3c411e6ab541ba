using MediaGraph.Media;

namespace MediaGraph.Talk;

/// <summary>
/// The loudspeaker of a device, offered with a feed (<see cref="Streams.Feed.OfferSpeaker"/>). Protocols implement it, and so may your
/// code. It is called by one task, under no lock and never on a socket's thread, and has one line at a time: the next is opened when
/// the one before has been disposed. No call may block its thread.
/// </summary>
public interface ISpeaker
{
    /// <summary>What it takes: an audio track to be received, its codecs in order of preference. Asked for once.</summary>
    Track Track { get; }

    /// <summary>
    /// Tells the device that somebody talks. To throw means that this talk fails, and nothing else; the text of a
    /// <see cref="Streams.StreamException"/> is told to the talker, that of others is not. The next attempt comes 1 to 30 s later.
    /// </summary>
    /// <param name="codec">One of the track's codecs, which all packets of the line have.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the talker left meanwhile, and after <see cref="TalkOptions.OpenLimit"/>. A call that goes on for 5 s more is left
    /// behind; a line that it returns later is disposed, and none is opened before.
    /// </param>
    ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken);
}
