using MediaGraph.Containers.MpegTs;
using MediaGraph.Transport;
using MediaGraph.Validation;

namespace MediaGraph.Tapo;

/// <summary>Settings of a <see cref="TapoSourceProtocol"/>. Times are 1 s to 1 day, unless said otherwise.</summary>
public sealed record TapoOptions : IValidatedOptions
{
    /// <summary>For finding a camera's address and connecting to it. Default 5 s: a camera that needs longer is not there.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the answer to a request. Default 10 s: battery models wake up slowly.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a camera may send no media. Default 10 s: it sends several times in each second.</summary>
    public TimeSpan MediaTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a camera may take nothing although something waits for it. Default 5 s: a talk sends 10 kB/s.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether cameras' loudspeakers are offered to those who want to talk. Default true: nothing is opened before somebody does.
    /// </summary>
    public bool Talk { get; init; } = true;

    /// <summary>How to talk to cameras whose address does not say. Default full duplex, and half where a camera refuses that.</summary>
    public TapoTalkMode? TalkMode { get; init; }

    /// <summary>
    /// How much sound each part of a talk holds, 20 to 200 ms, for cameras whose address does not say. Default 20 ms: the least delay.
    /// Battery models play such parts as separate beeps, and need 100 ms.
    /// </summary>
    public TimeSpan TalkPart { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Bytes of a part of a stream, 16 KiB to 64 MiB. Default 1 MiB: cameras send some 10 kB. Beyond: the session ends.</summary>
    public int MaxPartBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Bytes of a frame, 64 KiB to 16 MiB. Default 4 MiB: a keyframe of 4K video at a very high rate. Beyond: the frame is dropped.
    /// </summary>
    public int MaxFrameBytes { get; init; } = MpegTsReader.DefaultMaxUnitBytes;

    /// <summary>
    /// Whose certificate is trusted at a <c>kasa</c> address. Default anybody's: these cameras sign their certificates themselves. To be
    /// sure, list the camera's certificate.
    /// </summary>
    public TlsClientOptions KasaTls { get; init; } = new() { AllowUntrusted = true };

    /// <inheritdoc/>
    public IEnumerable<string> Validate(string prefix = "") => new OptionErrors(prefix)
        .Check(DialTimeout)
        .Check(RequestTimeout)
        .Check(MediaTimeout)
        .Check(WriteTimeout)
        .Check(TalkMode)
        .Check(TalkPart, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200))
        .Check(MaxPartBytes, 16 << 10, 64 << 20)
        .Check(MaxFrameBytes, 64 << 10, 16 << 20);
}
