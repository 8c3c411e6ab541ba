using MediaGraph.Media;
using MediaGraph.Packets;
using MediaGraph.Talk;
using MediaGraph.Tests.Kit;

namespace MediaGraph.Tests.Talk;

/// <summary>A device that writes down what it is told and given, and does what a test says.</summary>
internal sealed class TestSpeaker(params Codec[] codecs) : ISpeaker
{
    private readonly Lock _lock = new();
    private readonly List<string> _heard = [];
    private int _openLines;

    public static Codec Pcma { get; } = new(MediaKind.Audio, CodecNames.Pcma, 8000, 1);

    public static Codec Pcmu { get; } = new(MediaKind.Audio, CodecNames.Pcmu, 8000, 1);

    public Track Track { get; init; } = new(MediaKind.Audio, TrackDirection.ReceiveOnly, codecs is [] ? [Pcma] : [.. codecs]);

    public Func<CancellationToken, ValueTask> OnOpen { get; set; } = _ => default;

    public Func<CancellationToken, ValueTask> OnWrite { get; set; } = _ => default;

    public Func<ValueTask> OnClose { get; set; } = () => default;

    public int Opens { get; private set; }

    public int OpenLines
    {
        get
        {
            lock (_lock)
                return _openLines;
        }
    }

    /// <summary>Whether two lines were ever open, or being opened, at once.</summary>
    public bool HadTwoLines { get; private set; }

    /// <summary><c>open PCMA</c>, numbers of packets, <c>close</c>.</summary>
    public string Heard
    {
        get
        {
            lock (_lock)
                return string.Join(' ', _heard);
        }
    }

    public async ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Opens++;
            HadTwoLines |= ++_openLines > 1;
        }

        try
        {
            await OnOpen(cancellationToken);
        }
        catch
        {
            lock (_lock)
                _openLines--;
            throw;
        }

        Note($"open {codec.Name}");
        return new Line(this);
    }

    private void Note(string what)
    {
        lock (_lock)
            _heard.Add(what);
    }

    private sealed class Line(TestSpeaker speaker) : ITalkLine
    {
        public async ValueTask WriteAsync(MediaPacket packet, CancellationToken cancellationToken)
        {
            await speaker.OnWrite(cancellationToken);
            speaker.Note($"{TestMedia.NumberOf(packet)}");
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                await speaker.OnClose();
            }
            finally
            {
                speaker.Note("close");
                lock (speaker._lock)
                    speaker._openLines--;
            }
        }
    }
}
