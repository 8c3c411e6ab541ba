using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace MediaGraph.Rtsp.Messages;

/// <summary>
/// Reads what comes off a connection: requests, responses, and interleaved frames between them. Lines end with CR LF or LF. How the
/// bytes are split into reads makes no difference. Never throws. Not thread-safe.
/// </summary>
/// <remarks>
/// An HTTP message ends with its header: what follows is a tunnel's, and not for this reader.
/// </remarks>
internal sealed class RtspReader(RtspLimits limits)
{
    private const byte Dollar = (byte)'$';
    private const int FrameHeaderLength = 4;
    private const int MaxMethodLength = 32;

    // Where a message or frame may begin, in garbage.
    private static readonly SearchValues<byte> Starts = SearchValues.Create("$ADGOPRST"u8);

    private static readonly byte[][] MessageStarts =
    [
        .. new[]
        {
            RtspMethods.Options, RtspMethods.Describe, RtspMethods.Announce, RtspMethods.Setup, RtspMethods.Play, RtspMethods.Pause,
            RtspMethods.Record, RtspMethods.GetParameter, RtspMethods.SetParameter, RtspMethods.Redirect, RtspMethods.Teardown,
        }.Select(method => Encoding.ASCII.GetBytes(method + ' ')),
        "RTSP/1."u8.ToArray(),
    ];

    private byte[] _lineBuffer = []; // for a line that lies in several pieces
    private StartLine? _start;
    private RtspHeaders _headers = [];
    private int _headerLines;
    private int _headerBytes;
    private int? _bodyLength;
    private (int Status, string Message)? _defect;
    private RtspReadError? _end;
    private bool _isLost;
    private int _passedOver;

    /// <summary>
    /// Whether bytes that begin neither a message nor a frame are passed over until one begins that looks sound: for connections with
    /// interleaved media, whose senders may have written a wrong length. Otherwise they are an error at once.
    /// </summary>
    public bool SkipsGarbage { get; set; }

    /// <summary>
    /// Channels below this are in use, 0 to 256: only those make a frame in garbage look sound. Frames elsewhere come on any channel.
    /// </summary>
    public int Channels { get; set; } = 256;

    /// <summary>How many bytes of garbage were passed over.</summary>
    public long GarbageBytes { get; private set; }

    /// <summary>Whether a message has begun, and not ended.</summary>
    public bool IsInMessage => _start is not null;

    /// <summary>Reads one item.</summary>
    /// <param name="buffer">The input; what has been read is cut off from its start. What is left must come again, with more.</param>
    /// <param name="item">What was read.</param>
    /// <returns>False when more bytes are needed.</returns>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out RtspItem item)
    {
        item = default;
        if (_end is not null)
        {
            item = RtspItem.Of(_end);
            return true;
        }

        while (_start is null)
        {
            if (buffer.IsEmpty || (_isLost && !TryFind(ref buffer, out item)))
                return item.Error is not null;
            if (Peek(buffer) == Dollar)
                return TryReadFrame(ref buffer, out item);
            if (Peek(buffer) is (byte)'\r' or (byte)'\n')
                PassOver(ref buffer, 1);
            else if (!TryReadStart(ref buffer))
                return false;
            if (_end is not null)
            {
                item = RtspItem.Of(_end);
                return true;
            }
        }

        if (TryReadMessage(ref buffer, out item))
            return true;
        if (_end is null)
            return false;
        item = RtspItem.Of(_end);
        return true;
    }

    private static byte Peek(in ReadOnlySequence<byte> buffer)
    {
        if (!buffer.FirstSpan.IsEmpty)
            return buffer.FirstSpan[0];
        Span<byte> first = stackalloc byte[1];
        buffer.Slice(0, 1).CopyTo(first);
        return first[0];
    }

    // As many bytes as there are, up to the scratch's length.
    private static ReadOnlySpan<byte> Peek(in ReadOnlySequence<byte> buffer, Span<byte> scratch)
    {
        if (buffer.FirstSpan.Length >= scratch.Length)
            return buffer.FirstSpan[..scratch.Length];
        var count = (int)Math.Min(buffer.Length, scratch.Length);
        buffer.Slice(0, count).CopyTo(scratch);
        return scratch[..count];
    }

    private bool TryReadFrame(ref ReadOnlySequence<byte> buffer, out RtspItem item)
    {
        item = default;
        var head = Peek(buffer, stackalloc byte[FrameHeaderLength]);
        if (head.Length < FrameHeaderLength)
            return false;
        var end = FrameHeaderLength + BinaryPrimitives.ReadUInt16BigEndian(head[2..]);
        if (buffer.Length < end)
            return false;
        item = RtspItem.Interleaved(head[1], buffer.Slice(FrameHeaderLength, end - FrameHeaderLength));
        buffer = buffer.Slice(end);
        _passedOver = 0;
        return true;
    }

    private void PassOver(ref ReadOnlySequence<byte> buffer, long count)
    {
        count = Math.Min(count, limits.MaxGarbageBytes - _passedOver + 1);
        buffer = buffer.Slice(count);
        _passedOver += (int)count;
        if (_isLost)
            GarbageBytes += count;
        if (_passedOver > limits.MaxGarbageBytes)
            End(RtspStatus.BadRequest, "too many bytes between messages");
    }

    // Ends the connection, or begins to look for where it goes on.
    private void Lose(ref ReadOnlySequence<byte> buffer, int status, string message)
    {
        if (!SkipsGarbage)
        {
            End(status, message);
            return;
        }

        _isLost = true;
        PassOver(ref buffer, 1);
    }

    private void End(int status, string message) => _end = new RtspReadError(status, message, CanContinue: false, KnownCSeq());

    private uint? KnownCSeq() => RtspMessage.ParseCSeq(_headers[RtspHeaderNames.CSeq]);

    // Goes to where a message or frame begins that looks sound.
    private bool TryFind(ref ReadOnlySequence<byte> buffer, out RtspItem item)
    {
        item = default;
        Span<byte> scratch = stackalloc byte[14]; // the longest of the starts
        while (!buffer.IsEmpty)
        {
            var isSplit = buffer.FirstSpan.IsEmpty;
            var start = isSplit ? (Starts.Contains(Peek(buffer)) ? 0 : -1) : buffer.FirstSpan.IndexOfAny(Starts);
            if (start == 0)
            {
                if (LooksSound(Peek(buffer, scratch)) is not { } isSound)
                    return false;
                if (isSound)
                {
                    _isLost = false;
                    return true;
                }
            }

            PassOver(ref buffer, start < 0 && !isSplit ? buffer.FirstSpan.Length : Math.Max(1, start));
            if (_end is not null)
            {
                item = RtspItem.Of(_end);
                return false;
            }
        }

        return false;
    }

    // Null when it takes more bytes to say.
    private bool? LooksSound(ReadOnlySpan<byte> head)
    {
        if (head[0] == Dollar)
        {
            if (head.Length > 1 && head[1] >= Channels)
                return false;
            if (head.Length <= FrameHeaderLength)
                return null;
            // RTP and RTCP have version 2, and at least 4 bytes.
            return BinaryPrimitives.ReadUInt16BigEndian(head[2..]) >= 4 && head[4] >> 6 == 2;
        }

        bool? result = false;
        foreach (var start in MessageStarts)
        {
            if (head.StartsWith(start))
                return true;
            if (start.AsSpan().StartsWith(head))
                result = null;
        }

        return result;
    }

    private bool TryReadStart(ref ReadOnlySequence<byte> buffer)
    {
        var head = Peek(buffer, stackalloc byte[MaxMethodLength + 1]);
        if (IsStartPossible(head) is not { } isPossible)
            return false;
        if (!isPossible)
        {
            Lose(ref buffer, RtspStatus.BadRequest, "neither a message nor an interleaved frame");
            return true;
        }

        var rest = buffer;
        if (!TryReadLine(ref rest, limits.MaxLineBytes, out var line, out var isTooLong))
        {
            if (isTooLong)
                Lose(ref buffer, RtspStatus.RequestUriTooLarge, "the start line is too long");
            return isTooLong;
        }

        if (StartLine.TryParse(Encoding.Latin1.GetString(line), out var start, out var error))
        {
            buffer = rest;
            _start = start;
            _passedOver = 0;
        }
        else
        {
            Lose(ref buffer, RtspStatus.BadRequest, error);
        }

        return true;
    }

    // A method and a blank, or a protocol; null when it takes more bytes to say.
    private static bool? IsStartPossible(ReadOnlySpan<byte> head)
    {
        for (var i = 0; i < head.Length; i++)
        {
            var c = (char)head[i];
            if (c == ' ')
                return i > 0;
            if (c == '/' && i == 4)
                return Ascii.EqualsIgnoreCase(head[..i], "RTSP"u8) || Ascii.EqualsIgnoreCase(head[..i], "HTTP"u8);
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-'))
                return false;
        }

        return head.Length > MaxMethodLength ? false : null;
    }

    // Too long is what would be too long with any end of the line.
    private bool TryReadLine(ref ReadOnlySequence<byte> buffer, int maxLength, out ReadOnlySpan<byte> line, out bool isTooLong)
    {
        line = default;
        isTooLong = false;
        var window = buffer.Length > maxLength + 2 ? buffer.Slice(0, maxLength + 2) : buffer;
        if (window.PositionOf((byte)'\n') is not { } position)
        {
            isTooLong = window.Length > maxLength + 1 ||
                (window.Length == maxLength + 1 && Peek(window.Slice(window.Length - 1)) != '\r');
            return false;
        }

        var content = window.Slice(0, position);
        buffer = buffer.Slice(buffer.GetPosition(1, position));
        if (content.IsSingleSegment)
        {
            line = content.FirstSpan;
        }
        else
        {
            if (_lineBuffer.Length < content.Length)
                _lineBuffer = new byte[maxLength + 2];
            content.CopyTo(_lineBuffer);
            line = _lineBuffer.AsSpan(0, (int)content.Length);
        }

        if (line is [.., (byte)'\r'])
            line = line[..^1];
        isTooLong = line.Length > maxLength;
        return !isTooLong;
    }

    private bool TryReadMessage(ref ReadOnlySequence<byte> buffer, out RtspItem item)
    {
        item = default;

        // RTP-Info has the address of every track in one line, with whatever tokens it was asked by.
        var maxLine = _start!.IsRequest ? limits.MaxLineBytes : limits.MaxHeaderBytes;
        while (_bodyLength is null)
        {
            if (!TryReadLine(ref buffer, maxLine, out var line, out var isTooLong))
            {
                if (isTooLong)
                    End(RtspStatus.BadRequest, "a header line is too long");
                return false;
            }

            if (line.IsEmpty)
                _bodyLength = FinishHeaders();
            else
                ReadHeader(line);
            if (_end is not null)
                return false;
        }

        if (buffer.Length < _bodyLength)
            return false;
        var body = _bodyLength == 0 ? [] : buffer.Slice(0, _bodyLength.Value).ToArray();
        buffer = buffer.Slice(_bodyLength.Value);
        item = _defect is { } defect
            ? RtspItem.Of(new RtspReadError(defect.Status, defect.Message, CanContinue: true, KnownCSeq()))
            : RtspItem.Of(_start!.ToMessage(_headers, body));
        (_start, _headers, _headerLines, _headerBytes, _bodyLength, _defect) = (null, [], 0, 0, null, null);
        return true;
    }

    private void ReadHeader(ReadOnlySpan<byte> line)
    {
        _headerLines++;
        _headerBytes += line.Length;
        if (_headerLines > limits.MaxHeaders)
        {
            End(RtspStatus.BadRequest, "too many headers");
            return;
        }

        if (_headerBytes > limits.MaxHeaderBytes)
        {
            End(RtspStatus.BadRequest, "the headers are too long");
            return;
        }

        var text = Encoding.Latin1.GetString(line);
        if (RtspText.HasControls(text))
        {
            _defect ??= (RtspStatus.BadRequest, "a control character in a header");
            return;
        }

        if (text[0] is ' ' or '\t')
        {
            if (_headers.Count > 0)
                _headers.Unfold(text.Trim());
            else
                _defect ??= (RtspStatus.BadRequest, "a folded line without a header");
            return;
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = colon < 0 ? "" : text[..colon].TrimEnd();
        if (RtspText.IsToken(name))
            _headers.Add(name, text[(colon + 1)..].Trim());
        else if (_start!.IsRequest)
            _defect ??= (RtspStatus.BadRequest, "a line that is no header"); // devices' answers have such lines
    }

    // How many bytes of body follow.
    private int FinishHeaders()
    {
        if (_start!.IsHttp)
            return 0;
        CheckIsSingle(RtspHeaderNames.CSeq);
        CheckIsSingle(RtspHeaderNames.Session);
        if (_start.IsRequest && KnownCSeq() is null)
            _defect ??= (RtspStatus.BadRequest, "no valid CSeq");
        if (!IsSingle(RtspHeaderNames.ContentLength))
        {
            End(RtspStatus.BadRequest, "several lengths of the body");
            return 0;
        }

        if (_headers[RtspHeaderNames.ContentLength] is not { } text)
            return 0;
        if (text.Length is 0 or > 19 || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
            End(RtspStatus.BadRequest, "no valid length of the body");
        else if (length > limits.MaxBodyBytes)
            End(RtspStatus.RequestEntityTooLarge, "the body is too long");
        else
            return (int)length;
        return 0;
    }

    private void CheckIsSingle(string name)
    {
        if (!IsSingle(name))
            _defect ??= (RtspStatus.BadRequest, $"several headers {name}");
    }

    // Devices repeat headers in their answers; that is no attack while they say the same.
    private bool IsSingle(string name)
    {
        string? first = null;
        foreach (var value in _headers.GetAll(name))
        {
            if (first is not null && (_start!.IsRequest || value != first))
                return false;
            first ??= value;
        }

        return true;
    }

    private sealed record StartLine(string Version, string? Method, string Uri, int Status, string Reason)
    {
        public bool IsRequest => Method is not null;

        public bool IsHttp => Version.StartsWith("HTTP/", StringComparison.Ordinal);

        public static bool TryParse(string line, out StartLine? start, out string error)
        {
            start = null;
            error = "a control character in the start line";
            if (RtspText.HasControls(line))
                return false;
            line = line.Trim();
            var first = line.IndexOf(' ', StringComparison.Ordinal);
            var word = first < 0 ? line : line[..first];
            if (IsVersion(word))
                return TryParseStatus(word.ToUpperInvariant(), first < 0 ? "" : line[first..].Trim(), out start, out error);

            error = "not a request line";
            var last = line.LastIndexOf(' ');
            if (last <= first || !RtspText.IsToken(word) || !IsVersion(line[(last + 1)..]))
                return false;
            var uri = line[first..last].Trim();
            if (!RtspText.IsWord(uri))
                return false;
            start = new StartLine(line[(last + 1)..].ToUpperInvariant(), word, uri, 0, "");
            return true;
        }

        public RtspMessage ToMessage(RtspHeaders headers, byte[] body) => Method is null
            ? new RtspResponse(Status, Reason) { Version = Version, Headers = headers, Body = body }
            : new RtspRequest(Method, Uri) { Version = Version, Headers = headers, Body = body };

        private static bool TryParseStatus(string version, string rest, out StartLine? start, out string error)
        {
            start = null;
            error = "not a status line";
            var code = rest.Length > 3 ? rest[..3] : rest;
            if (!int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status) || status < 100 ||
                (rest.Length > 3 && rest[3] is not (' ' or '\t')))
                return false;
            start = new StartLine(version, null, "", status, rest[code.Length..].Trim());
            return true;
        }

        private static bool IsVersion(string word) =>
            word.Length is >= 8 and <= 10 && word[4] == '/' && char.IsAsciiDigit(word[5]) &&
            (word.StartsWith("RTSP", StringComparison.OrdinalIgnoreCase) || word.StartsWith("HTTP", StringComparison.OrdinalIgnoreCase)) &&
            word.Skip(5).All(c => char.IsAsciiDigit(c) || c == '.');
    }
}
