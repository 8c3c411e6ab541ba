using System.Net;

namespace MediaGraph.Transport;

/// <summary>Counts a server's connections against its <see cref="ConnectionLimits"/>. Thread-safe.</summary>
public sealed class ConnectionGuard(ConnectionLimits limits)
{
    private readonly Dictionary<IPAddress, (int All, int HalfOpen)> _perAddress = [];
    private readonly Lock _countsLock = new();
    private int _connections;
    private int _halfOpen;
    private long _refused;

    /// <summary>Connections now.</summary>
    public int Connections
    {
        get
        {
            lock (_countsLock)
                return _connections;
        }
    }

    /// <summary>Connections that have not completed their handshake.</summary>
    public int HalfOpen
    {
        get
        {
            lock (_countsLock)
                return _halfOpen;
        }
    }

    /// <summary>Connections that were refused, since the start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Takes a new connection in, or says which limit forbids it.</summary>
    /// <param name="remoteEndPoint">Where it comes from.</param>
    /// <param name="refusal">The limit that forbids it.</param>
    /// <returns>To be disposed when the connection has ended; null when it is refused.</returns>
    public Place? TryEnter(EndPoint? remoteEndPoint, out string? refusal)
    {
        var address = (remoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        lock (_countsLock)
        {
            var sameAddress = _perAddress.GetValueOrDefault(address);
            refusal = _connections >= limits.MaxConnections ? "too many connections"
                : sameAddress.All >= limits.MaxPerAddress ? "too many connections from one address"
                : sameAddress.HalfOpen >= limits.MaxHalfOpenPerAddress ? "too many connections from one address in their handshake"
                : _halfOpen >= limits.MaxHalfOpen ? "too many connections in their handshake"
                : null;
            if (refusal is not null)
            {
                _refused++;
                return null;
            }

            _connections++;
            _halfOpen++;
            _perAddress[address] = (sameAddress.All + 1, sameAddress.HalfOpen + 1);
            return new Place(this, address);
        }
    }

    /// <summary>A connection's place; disposing it gives the place up.</summary>
    public sealed class Place : IDisposable
    {
        private readonly ConnectionGuard _guard;
        private readonly IPAddress _address;
        private bool _isHalfOpen = true;
        private bool _left;

        internal Place(ConnectionGuard guard, IPAddress address)
        {
            _guard = guard;
            _address = address;
        }

        /// <summary>The handshake is complete.</summary>
        public void Established()
        {
            lock (_guard._countsLock)
                EstablishedLocked();
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_guard._countsLock)
            {
                if (_left)
                    return;
                _left = true;
                EstablishedLocked();
                _guard._connections--;
                var sameAddress = _guard._perAddress[_address];
                if (sameAddress.All == 1)
                    _guard._perAddress.Remove(_address);
                else
                    _guard._perAddress[_address] = sameAddress with { All = sameAddress.All - 1 };
            }
        }

        private void EstablishedLocked()
        {
            if (!_isHalfOpen)
                return;
            _isHalfOpen = false;
            _guard._halfOpen--;
            var sameAddress = _guard._perAddress[_address];
            _guard._perAddress[_address] = sameAddress with { HalfOpen = sameAddress.HalfOpen - 1 };
        }
    }
}
