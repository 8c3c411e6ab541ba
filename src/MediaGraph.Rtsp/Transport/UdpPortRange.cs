using System.Net;
using System.Runtime.CompilerServices;
using MediaGraph.Validation;

namespace MediaGraph.Rtsp.Transport;

/// <summary>The ports that may be used for media.</summary>
internal static class UdpPortRange
{
    private const int First = 1024; // those below are of the system's services

    /// <summary>A range must hold a pair, and no port that needs rights; null is any.</summary>
    public static OptionErrors CheckPorts(
        this OptionErrors errors, (int First, int Last)? ports, [CallerArgumentExpression(nameof(ports))] string name = "") =>
        errors.Require(
            ports is null || (ports.Value.First >= First && ports.Value.Last <= IPEndPoint.MaxPort && ports.Value.Last > ports.Value.First),
            $"{name} is {ports?.First} to {ports?.Last}; it must be two ports or more of {First} to {IPEndPoint.MaxPort}.");
}
