namespace MediaGraph.Testing.Tapo;

/// <summary>
/// What a camera of the emulator does wrong. It counts for what begins from then on, and for media that are sent from then on.
/// </summary>
public enum TapoBehaviour
{
    Normal,

    /// <summary>Takes connections, and says nothing.</summary>
    SaysNothing,

    /// <summary>Asks who we are, whatever it is told.</summary>
    RefusesLogins,

    /// <summary>Agrees to the login, and says nothing more.</summary>
    SilentAfterLogin,

    /// <summary>Agrees to the request, and sends no media.</summary>
    SendsNoMedia,

    /// <summary>Sends the first half of a part, and nothing more.</summary>
    StallsInMidPart,

    /// <summary>Sends bytes that are no parts.</summary>
    SendsGarbage,

    /// <summary>Closes its side in an orderly way, and goes on to listen.</summary>
    HalfCloses,

    /// <summary>Closes its side in the middle of a part.</summary>
    ClosesInMidPart,

    /// <summary>Breaks the connection.</summary>
    Resets,

    /// <summary>Sends the answer 401 where a part should be.</summary>
    Answers401InTheMiddle,

    /// <summary>Says that the stream has finished, and leaves the connection open.</summary>
    SaysFinished,

    /// <summary>Sends an encrypted part without a byte.</summary>
    SendsEmptyPart,

    /// <summary>Sends an encrypted part whose length is no multiple of 16.</summary>
    SendsOddPart,

    /// <summary>Sends a part that is padded wrongly.</summary>
    SendsBadPadding,

    /// <summary>Encrypts with another key than it says.</summary>
    UsesAnotherKey,

    /// <summary>Announces a part of 2 GB.</summary>
    AnnouncesHugePart,

    /// <summary>Announces a part of a negative length.</summary>
    AnnouncesNegativePart,

    /// <summary>
    /// Cuts a header, puts the next delimiter right behind it, and sends more than a part has announced; all else is well.
    /// </summary>
    DamagesFraming,

    /// <summary>Sends the message of a fault in place of JSON.</summary>
    SendsBadMessage,

    /// <summary>Signs parts wrongly, where they are signed.</summary>
    SignsWrongly,

    /// <summary>Leaves out signatures, where parts are signed.</summary>
    SignsNothing,

    /// <summary>Begins its media with a part without a byte, and one of the end of a packet; neither is encrypted.</summary>
    BeginsWithScraps,

    /// <summary>Sends null packets alone.</summary>
    SendsNullPackets,
}
