namespace MediaGraph.Tapo;

/// <summary>How a camera's microphone and loudspeaker share the room.</summary>
public enum TapoTalkMode
{
    /// <summary><c>aec</c>: both at once; the camera takes its own sound out of what its microphone hears.</summary>
    Aec,

    /// <summary><c>half_duplex</c>: the microphone is off while somebody talks.</summary>
    HalfDuplex,
}
