namespace MediaGraph.Streams;

/// <summary>Why a stream cannot be published, played or talked to.</summary>
public enum StreamError
{
    /// <summary>Nobody publishes it and nothing configures it.</summary>
    NotFound,

    /// <summary>It has a publisher that may not be replaced.</summary>
    AlreadyPublished,

    /// <summary>Its name is not one: see <see cref="StreamName"/>.</summary>
    InvalidName,

    /// <summary>The authorizer said no.</summary>
    Unauthorized,

    /// <summary>Nothing of it can be played in the codecs that were asked for.</summary>
    CodecsNotMatched,

    /// <summary>Its source has no loudspeaker to talk through.</summary>
    NoSpeaker,

    /// <summary>Another talks through its source's loudspeaker.</summary>
    Busy,

    /// <summary>None of its sources delivers, or it is disabled.</summary>
    Unavailable,

    /// <summary>The hub stops.</summary>
    Stopping,

    /// <summary>It ended for a reason that its consumer should know of.</summary>
    Ended,
}
