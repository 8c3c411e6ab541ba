using System.Net;
using System.Runtime.CompilerServices;
using MediaGraph.Validation;

namespace MediaGraph.Rtsp.Transport;

/// <summary>The ports that may be used for media.</summary>
internal static class UdpPortRange
{
    private const int First = 1024; // those below are of the system's services

    /// <summary>A range must hold an even port and the next (RFC 3550 §11), and no port that needs rights; null is any.</summary>
    public static OptionErrors CheckPorts(
        this OptionErrors errors, (int First, int Last)? ports, [CallerArgumentExpression(nameof(ports))] string name = "") =>
        errors.Require(
            ports is not { } range
                || (range.First >= First && range.Last <= IPEndPoint.MaxPort && range.Last > range.First + (range.First & 1)),
            $"{name} is {ports?.First} to {ports?.Last}; it must hold an even port and the next, of {First} to {IPEndPoint.MaxPort}.");
}
