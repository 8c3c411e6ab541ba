using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MediaGraph.RtspRelay;

/// <summary>What is published under one path, and who watches it.</summary>
internal sealed class Broadcast(Relay relay, string path, string description)
{
    // linux/udp.h; a send has up to 64 segments, and no more bytes than an IP packet.
    private const int Udp = 17;
    private const int UdpSegment = 103;
    private const int MostSegments = 64;
    private const int MostBytes = 65_000;

    // The tracks' URLs, as far as they are said, and which is H264.
    private readonly string[] _controls = [.. description.Split("\nm=").Skip(1).Select(media => Line(media, "a=control:"))];
    private readonly int _h264 = Array.FindIndex(
        description.Split("\nm=")[1..], media => media.Contains(" H264/", StringComparison.OrdinalIgnoreCase));
    private readonly Lock _lock = new();
    private readonly byte[] _datagrams = new byte[MostBytes];
    private volatile Session[] _viewers = [];
    private Socket? _packets;
    private Socket? _reports;
    private int _segment;

    public string Description => description;

    /// <summary>Of each track, for RTP and RTCP.</summary>
    public (int Rtp, int Rtcp)[] Channels { get; } = new (int, int)[Math.Max(description.Split("\nm=").Length - 1, 1)];

    public int IndexOf(Uri track) => Math.Max(
        Array.FindIndex(_controls, control => control.Length > 0 && track.AbsoluteUri.EndsWith(control, StringComparison.Ordinal)), 0);

    /// <summary>Whether a viewer may start where this is the first payload: H264 must begin with an IDR slice or an SPS.</summary>
    public bool StartsAt(int channel, ReadOnlySpan<byte> payload)
    {
        if (_h264 < 0)
            return true;
        return channel == Channels[_h264].Rtp && payload.Length > 4 && (payload[0] & 0x1F) switch
        {
            24 => (payload[3] & 0x1F) is 5 or 7, // STAP-A
            28 => (payload[1] & 0x9F) is 0x85 or 0x87, // the first of FU-A
            var type => type is 5 or 7,
        };
    }

    public void Add(Session viewer)
    {
        lock (_lock)
            _viewers = [.. _viewers, viewer];
    }

    public void Remove(Session viewer)
    {
        lock (_lock)
            _viewers = [.. _viewers.Where(other => other != viewer)];
    }

    public void End()
    {
        relay.Broadcasts.TryRemove(path, out _);
        foreach (var viewer in _viewers)
            viewer.Dispose();
        _packets?.Dispose();
        _reports?.Dispose();
    }

    /// <summary>Those that datagrams come from.</summary>
    public string OpenPorts()
    {
        lock (_lock)
        {
            _packets ??= Open();
            _reports ??= Open();
        }

        return $"{((IPEndPoint)_packets.LocalEndPoint!).Port}-{((IPEndPoint)_reports.LocalEndPoint!).Port}";

        Socket Open()
        {
            var socket = new Socket(relay.EndPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
            socket.Bind(new IPEndPoint(relay.EndPoint.Address, 0));
            return socket;
        }
    }

    /// <summary>Sends an access unit to all who watch.</summary>
    public void Send(ReadOnlySpan<byte> unit, bool isKeyframe)
    {
        var viewers = _viewers;
        var hasUdp = false;
        foreach (var viewer in viewers)
        {
            viewer.HasStarted |= isKeyframe;
            if (viewer.Addresses is not null)
                hasUdp = true;
            else if (viewer.HasStarted)
                viewer.Send(unit);
        }

        if (hasUdp)
            SendDatagrams(viewers, unit);
    }

    // A run is of one channel, and all its packets are as long as the first, but for the last.
    private void SendDatagrams(Session[] viewers, ReadOnlySpan<byte> unit)
    {
        var (channel, size, count, length) = (-1, 0, 0, 0);
        while (unit.Length >= 4)
        {
            var packet = unit.Slice(4, BinaryPrimitives.ReadUInt16BigEndian(unit[2..]));
            if (unit[1] != channel || packet.Length > size || length != count * size
                || count == MostSegments || length + packet.Length > MostBytes)
            {
                SendRun(viewers, channel, size, length);
                (channel, size, count, length) = (unit[1], packet.Length, 0, 0);
            }

            packet.CopyTo(_datagrams.AsSpan(length));
            length += packet.Length;
            count++;
            unit = unit[(4 + packet.Length)..];
        }

        SendRun(viewers, channel, size, length);
    }

    private void SendRun(Session[] viewers, int channel, int size, int length)
    {
        if (length == 0)
            return;
        var socket = channel % 2 == 0 ? _packets! : _reports!;
        // One packet alone goes with any size that is not less.
        if (channel % 2 == 0 && (length > size ? size != _segment : size > _segment))
            socket.SetRawSocketOption(Udp, UdpSegment, BitConverter.GetBytes(_segment = size));
        foreach (var viewer in viewers)
        {
            if (!viewer.HasStarted || viewer.Addresses?[channel] is not { } address)
                continue;
            try
            {
                socket.SendTo(_datagrams.AsSpan(0, length), SocketFlags.None, address);
            }
            catch (SocketException)
            {
                // This viewer loses it.
            }
        }
    }

    private static string Line(string media, string name) => Array.Find(
        media.Split('\n', StringSplitOptions.TrimEntries), line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..] ?? "";
}
