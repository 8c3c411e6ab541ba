namespace MediaGraph.Talk;

/// <summary>
/// What a talk session is doing: <c>Idle → Opening → Talking → Closing → Idle</c>, and <c>Ended</c> from each of them.
/// </summary>
public enum TalkState
{
    /// <summary>Silent. The device knows nothing of it, and others may talk.</summary>
    Idle,

    /// <summary>It has the place, and waits for the device; its newest packets wait with it.</summary>
    Opening,

    /// <summary>The device takes its packets.</summary>
    Talking,

    /// <summary>It gave the place back; the device is being told.</summary>
    Closing,

    /// <summary>Over, with a reason.</summary>
    Ended,
}
