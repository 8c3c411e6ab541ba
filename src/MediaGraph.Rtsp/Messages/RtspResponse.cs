using System.Globalization;

namespace MediaGraph.Rtsp.Messages;

/// <summary>A response (RFC 2326 §7).</summary>
internal sealed class RtspResponse : RtspMessage
{
    /// <summary>Creates a response.</summary>
    /// <param name="status">100 to 999.</param>
    /// <param name="reason">The reason phrase; null for the usual one.</param>
    /// <exception cref="ArgumentException">The reason has a control character.</exception>
    public RtspResponse(int status, string? reason = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 999);
        Status = status;
        Reason = reason ?? RtspStatus.ReasonOf(status);
        if (!RtspText.IsValue(Reason))
            throw new ArgumentException("Not a reason phrase.", nameof(reason));
    }

    /// <summary>See <see cref="RtspStatus"/>.</summary>
    public int Status { get; }

    /// <summary>The reason phrase; may be empty.</summary>
    public string Reason { get; }

    private protected override string StartLine =>
        string.Create(CultureInfo.InvariantCulture, $"{Version} {Status} {Reason}").TrimEnd();
}
