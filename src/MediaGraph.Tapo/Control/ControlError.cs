using System.Globalization;
using MediaGraph.Graph;

namespace MediaGraph.Tapo.Control;

/// <summary>The codes with which cameras refuse.</summary>
internal static class ControlError
{
    public const int TalkInUse = -52411;
    public const int AudioParameters = -52423;
    public const int NotSupported = -40106;

    /// <summary>Why a request was refused, in words.</summary>
    public static CloseReason Explain(int code) => Known(code)
        ?? new(CloseCode.Refused, string.Create(CultureInfo.InvariantCulture, $"the camera refuses with the code {code}"));

    /// <summary>Whether it may be the mode of a talk that was refused, and not the talk.</summary>
    public static bool MayBeMode(int code) => code is AudioParameters or NotSupported || (code != 0 && Known(code) is null);

    private static CloseReason? Known(int code) => code switch
    {
        TalkInUse => new(CloseCode.Refused, "the camera's speaker is in use"),
        -52407 => new(CloseCode.LimitExceeded, "the camera has too many clients"),
        -52405 => new(CloseCode.LimitExceeded, "the camera has too many viewers, or was asked too often"),
        -52417 or -52435 => new(CloseCode.Refused, "the camera is busy with a playback"),
        AudioParameters => new(CloseCode.Refused, "the camera does not take this kind of sound"),
        -64324 => new(CloseCode.Refused, "the camera is in privacy mode"),
        NotSupported => new(CloseCode.Refused, "the camera does not support this"),
        -69096 => new(CloseCode.LimitExceeded, "the camera sends all the streams that it can"),
        -90404 => new(CloseCode.Refused, "the camera's battery is low"),
        -1007 => new(CloseCode.Refused, "the camera is offline at its hub"),
        -3 => new(CloseCode.Refused, "the camera refuses the password"),
        _ => null,
    };
}
