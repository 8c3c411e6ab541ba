namespace MediaGraph.Testing.Tapo;

/// <summary>What kind of camera the emulator is.</summary>
public sealed record TapoEmulatorOptions
{
    public string Password { get; init; } = "Cam-Pass-2024!";

    /// <summary>A VIGI camera: it wants the password encoded by securityEncode.</summary>
    public bool IsVigi { get; init; }

    /// <summary>False for a camera that is not set up: it lets everybody in, as <c>none</c>.</summary>
    public bool AsksForPassword { get; init; } = true;

    /// <summary>Of the digest: <c>MD5</c> or <c>SHA-256</c>.</summary>
    public string DigestAlgorithm { get; init; } = "MD5";

    /// <summary>Whether it says that it takes the password's SHA-256 (<c>encrypt_type="3"</c>).</summary>
    public bool SaysSha256 { get; init; } = true;

    /// <summary>Whether it takes the password's SHA-256, and not its MD5.</summary>
    public bool TakesSha256 { get; init; } = true;

    public TapoKeys Keys { get; init; }

    public bool IsH265 { get; init; }

    public TapoSound Sound { get; init; }

    /// <summary>The child behind a hub that has to be asked for.</summary>
    public string? DeviceId { get; init; }

    /// <summary>Closes the connection with its 401, as hubs do.</summary>
    public bool ClosesAfter401 { get; init; }

    /// <summary>Never answers a second request on the same connection.</summary>
    public bool IgnoresSecondRequest { get; init; }

    /// <summary>Says how long the body of its 401 is.</summary>
    public bool DeclaresBody { get; init; } = true;

    /// <summary>Answers a login only when the first part has come.</summary>
    public bool HoldsAnswerBack { get; init; }

    /// <summary>Sends some media before its answer to the request.</summary>
    public bool SendsMediaFirst { get; init; }

    /// <summary>A body of the answer, before the first part, as hubs have it.</summary>
    public string? AnswerBody { get; init; }

    /// <summary>Bytes of a part of media; 0 for a part per frame. Packets are cut anywhere.</summary>
    public int PartLength { get; init; }

    /// <summary>Between two frames.</summary>
    public TimeSpan FrameInterval { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>A keyframe and those that need it.</summary>
    public int FramesPerGroup { get; init; } = 25;

    /// <summary>Bytes of a keyframe; other frames have a tenth.</summary>
    public int KeyframeLength { get; init; } = 20_000;

    /// <summary>With what it refuses to send; 0 to send.</summary>
    public int PreviewError { get; init; }

    /// <summary>With what it refuses to listen; 0 to listen.</summary>
    public int TalkError { get; init; }

    /// <summary>With what it refuses full duplex; 0 to take it.</summary>
    public int AecError { get; init; }

    /// <summary>Drives the frames.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
