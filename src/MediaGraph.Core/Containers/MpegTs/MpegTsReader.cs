using System.Buffers.Binary;
using System.Collections.Immutable;

namespace MediaGraph.Containers.MpegTs;

/// <summary>
/// Takes a transport stream with one program apart (ISO/IEC 13818-1): the bytes go in as they come, complete PES packets come out. What is
/// damaged is dropped and counted, and what is of no type that
/// <see cref="MpegTsStreamType"/> knows is passed over. Total: accepts any bytes. Not thread-safe.
/// </summary>
public sealed class MpegTsReader
{
    /// <summary>Bytes of a transport packet.</summary>
    public const int PacketLength = 188;

    /// <summary>The longest PES packet that is taken by default, in bytes: a keyframe of 4K video at a very high rate.</summary>
    public const int DefaultMaxUnitBytes = 4 << 20;

    internal const byte Sync = 0x47;

    private const int PatPid = 0;
    private const int MaxStreams = 8; // of a program; further ones are left out
    private const ulong TimeRange = 1UL << 33;

    private readonly int _maxUnitBytes;
    private readonly Func<ulong, long> _unwrap;
    private readonly byte[] _carried = new byte[PacketLength]; // the start of a packet whose rest is to come
    private readonly SectionAssembler _pat = new();
    private SectionAssembler _pmt = new();
    private ImmutableArray<PesAssembler> _assemblers = [];
    private int _carriedLength;
    private bool _isInDoubt; // whether what was taken for a packet's start may be none
    private int _pmtPid = -1;
    private long? _time; // the latest that was unwrapped: all streams of a program have one clock
    private long _droppedBefore; // by streams that are gone

    /// <summary>Creates a reader.</summary>
    /// <param name="maxUnitBytes">The longest PES packet that is taken, in bytes, 1 or more. Each stream holds at most one.</param>
    public MpegTsReader(int maxUnitBytes = DefaultMaxUnitBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxUnitBytes, 1);
        _maxUnitBytes = maxUnitBytes;
        _unwrap = Unwrap;
    }

    /// <summary>The streams of the program, in the order of its map; empty before it came.</summary>
    public ImmutableArray<MpegTsStream> Streams { get; private set; } = [];

    /// <summary>Bytes that were passed over because no packet starts with them.</summary>
    public long SkippedBytes { get; private set; }

    /// <summary>PES packets that were dropped because something of them was missing, or too long.</summary>
    public long DroppedUnits
    {
        get
        {
            var dropped = _droppedBefore;
            foreach (var assembler in _assemblers)
                dropped += assembler.Dropped;
            return dropped;
        }
    }

    /// <summary>Reads what came; packets may be cut anywhere between two calls.</summary>
    public void Read(ReadOnlySpan<byte> data, MpegTsUnitHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        while (_carriedLength > 0)
        {
            var taken = Math.Min(PacketLength - _carriedLength, data.Length);
            data[..taken].CopyTo(_carried.AsSpan(_carriedLength));
            _carriedLength += taken;
            data = data[taken..];
            if (_carriedLength < PacketLength)
                return;
            _carriedLength = 0;
            if (_isInDoubt && !data.IsEmpty && data[0] != Sync)
                Recarry();
            else
                ReadPacket(_carried, handler);
        }

        while (!data.IsEmpty)
        {
            if (data[0] != Sync)
            {
                data = Resynchronize(data);
            }
            else if (data.Length < PacketLength)
            {
                data.CopyTo(_carried);
                _carriedLength = data.Length;
                return;
            }
            else
            {
                ReadPacket(data[..PacketLength], handler);
                data = data[PacketLength..];
            }
        }
    }

    /// <summary>Nothing more comes: what has no length of its own is complete.</summary>
    public void Complete(MpegTsUnitHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        foreach (var assembler in _assemblers)
            Take(assembler, isAtEnd: true, handler);
    }

    // A sync byte with another one packet behind it, where that is there already: media have the value too.
    private ReadOnlySpan<byte> Resynchronize(ReadOnlySpan<byte> data)
    {
        var rest = data;
        do
        {
            var next = rest[1..].IndexOf(Sync);
            rest = next < 0 ? default : rest[(1 + next)..];
        }
        while (rest.Length > PacketLength && rest[PacketLength] != Sync);
        SkippedBytes += data.Length - rest.Length;
        _isInDoubt = rest.Length <= PacketLength;
        foreach (var assembler in _assemblers)
            assembler.Lose();
        return rest;
    }

    // What was carried is no packet: one may start behind its first byte.
    private void Recarry()
    {
        var next = _carried.AsSpan(1).IndexOf(Sync) + 1;
        var skipped = next == 0 ? PacketLength : next;
        SkippedBytes += skipped;
        _carried.AsSpan(skipped).CopyTo(_carried);
        _carriedLength = PacketLength - skipped;
    }

    private void ReadPacket(ReadOnlySpan<byte> packet, MpegTsUnitHandler handler)
    {
        _isInDoubt = false;
        var header = BinaryPrimitives.ReadUInt32BigEndian(packet);
        var pid = (int)(header >> 8) & 0x1FFF;
        var isStart = (header & 0x40_0000) != 0;
        var counter = (int)header & 0xF;
        var (hasAdaptation, hasPayload) = ((header & 0x20) != 0, (header & 0x10) != 0);
        if ((header & 0x80_0000) != 0 || (header & 0xC0) != 0 || !hasPayload)
            return; // damaged on its way, or scrambled: what is missing then is found by the counter
        var start = hasAdaptation ? 5 + packet[4] : 4;
        if (start > PacketLength)
            return;
        var isDiscontinuity = hasAdaptation && packet[4] > 0 && (packet[5] & 0x80) != 0;
        var payload = packet[start..];

        if (pid == PatPid)
        {
            if (_pat.TryAdd(payload, isStart, counter, out var section))
                ReadPat(section);
        }
        else if (pid == _pmtPid)
        {
            if (_pmt.TryAdd(payload, isStart, counter, out var section))
                ReadPmt(section);
        }
        else if (Find(pid) is { } assembler && !assembler.IsRepeated(counter))
        {
            assembler.Continue(counter, isDiscontinuity);
            if (isStart)
            {
                Take(assembler, isAtEnd: true, handler);
                assembler.Start(payload);
            }
            else
            {
                assembler.Add(payload);
            }

            Take(assembler, isAtEnd: false, handler);
        }
    }

    private PesAssembler? Find(int pid)
    {
        foreach (var assembler in _assemblers)
        {
            if (assembler.Stream.Pid == pid)
                return assembler;
        }

        return null;
    }

    private void Take(PesAssembler assembler, bool isAtEnd, MpegTsUnitHandler handler)
    {
        if (assembler.TryTake(isAtEnd, _unwrap, out var unit))
            handler(unit);
    }

    // §2.4.4.3. The first program counts: cameras have one.
    private void ReadPat(ReadOnlySpan<byte> section)
    {
        if (section[0] != 0)
            return;
        var programs = section[SectionAssembler.HeaderLength..^SectionAssembler.CrcLength];
        for (; programs.Length >= 4; programs = programs[4..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(programs) == 0)
                continue; // network information
            var pid = BinaryPrimitives.ReadUInt16BigEndian(programs[2..]) & 0x1FFF;
            if (pid != _pmtPid && pid != PatPid)
                (_pmtPid, _pmt) = (pid, new SectionAssembler());
            return;
        }
    }

    // §2.4.4.8. A stream that stays goes on with what is open of it.
    private void ReadPmt(ReadOnlySpan<byte> section)
    {
        if (section[0] != 2 || section.Length < 12 + SectionAssembler.CrcLength)
            return;
        var infoLength = BinaryPrimitives.ReadUInt16BigEndian(section[10..]) & 0xFFF;
        var rest = section[12..^SectionAssembler.CrcLength];
        if (infoLength > rest.Length)
            return;
        rest = rest[infoLength..];
        var streams = ImmutableArray.CreateBuilder<MpegTsStream>();
        while (rest.Length >= 5 && streams.Count < MaxStreams)
        {
            var stream = new MpegTsStream(BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) & 0x1FFF, rest[0]);
            if (!streams.Any(other => other.Pid == stream.Pid))
                streams.Add(stream);
            rest = rest[Math.Min(rest.Length, 5 + (BinaryPrimitives.ReadUInt16BigEndian(rest[3..]) & 0xFFF))..];
        }

        if (streams.SequenceEqual(Streams))
            return;
        var before = DroppedUnits;
        Streams = streams.ToImmutable();

        // Of the others nothing is kept: each may hold a whole PES packet.
        _assemblers = [.. Streams.Where(stream => MpegTsStreamType.NameOf(stream.Type) is not null)
            .Select(stream => Find(stream.Pid) is { } known && known.Stream == stream
            ? known
            : new PesAssembler(stream, _maxUnitBytes))];
        _droppedBefore = 0;
        _droppedBefore = before - DroppedUnits;
    }

    private long Unwrap(ulong time)
    {
        // The nearest to the one before.
        var step = _time is { } before ? (long)((time - (ulong)before) & (TimeRange - 1)) : (long)time;
        if (_time is not null && step >= (long)(TimeRange / 2))
            step -= (long)TimeRange;
        _time = (_time ?? 0) + step;
        return _time.Value;
    }
}
