namespace MediaGraph.Media;

/// <summary>Which way a track's media flow, seen from the peer whose track it is (the words of SDP, RFC 8866 §6.7).</summary>
public enum TrackDirection
{
    /// <summary>The peer sends: a camera's picture, a publisher's sound, a viewer's microphone.</summary>
    SendOnly,

    /// <summary>The peer receives: what a viewer watches, a camera's speaker.</summary>
    ReceiveOnly,
}
