using System.Net;

namespace MediaGraph.Rtsp.Transport;

/// <summary>
/// The peer's port for RTP, or that for RTCP: the one that it announced, until its first datagram shows that a network address translator
/// made another of it. From then on only a datagram from the announced port, which is always right, changes it. Thread-safe.
/// </summary>
internal sealed class UdpPeerPort
{
    private readonly Lock _change = new();
    private readonly IPAddress _address;
    private volatile SocketAddress? _target;
    private volatile int _number;
    private volatile int _announced;
    private volatile bool _isHeard; // a datagram came from this port

    /// <summary>Creates one.</summary>
    /// <param name="address">The peer's address.</param>
    /// <param name="number">What it announced; null when it did not yet.</param>
    public UdpPeerPort(IPAddress address, int? number)
    {
        _address = address;
        Announce(number ?? 0);
    }

    /// <summary>Its number; 0 while it is unknown.</summary>
    public int Number => _number;

    /// <summary>What the peer said that it is; 0 while it did not.</summary>
    public int Announced => _announced;

    /// <summary>Where to send; null while that is unknown.</summary>
    public SocketAddress? Target => _target;

    /// <summary>What the peer says is right, whatever came before from elsewhere. No port leaves all as it is.</summary>
    public void Announce(int number)
    {
        if (number is <= 0 or > IPEndPoint.MaxPort)
            return;
        lock (_change)
        {
            _announced = number;
            if (number == _number)
                return;
            SetLocked(number);
            _isHeard = false;
        }
    }

    /// <summary>Whether a datagram that came from the peer's address is the peer's.</summary>
    /// <param name="number">The port it came from.</param>
    /// <param name="mayLearn">Whether another port than the announced one can only be this peer's.</param>
    public bool Accepts(int number, bool mayLearn)
    {
        if (_isHeard && number == _number)
            return true;
        lock (_change)
        {
            if (number != _number)
            {
                if (number != _announced && (_isHeard || !mayLearn))
                    return false;
                SetLocked(number);
            }

            _isHeard = true;
            return true;
        }
    }

    private void SetLocked(int number)
    {
        _target = new IPEndPoint(_address, number).Serialize();
        _number = number;
    }
}
