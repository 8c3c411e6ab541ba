using System.Globalization;
using System.Text.Json.Serialization;

namespace MediaGraph.LoadTest;

/// <summary>What the command line asks for.</summary>
internal sealed record LoadOptions
{
    public const string Usage = """
        MediaGraph.LoadTest: publishes streams to a server, plays each of them many times, and checks what comes.

        Usage: LoadTest [PROTOCOL://HOST[:PORT]/APP[/NAME]] [options]     (rtmp://127.0.0.1:1935/live/load)
               PROTOCOL is rtmp or rtsp
               LoadTest compare FILE ...     medians, least and most of what --json has written, side by side

        How it comes
          --transport T      tcp or udp: how viewers get RTP from rtsp:// (tcp); it is always published over TCP
          --publish URL      publish there, with rtmp:// or rtsp://, and not where viewers play

        What is published
          --streams P        streams, NAME-1 to NAME-P (1)
          --bitrate MBIT     of a stream's video, in Mbit/s (4)
          --fps N            frames per second (30)
          --gop N            frames from one keyframe to the next (two seconds of them)
          --audio            AAC of 128 kbit/s beside the video
          --flood            as fast as the server takes it; viewers may then miss frames, but only up to a keyframe

        Who watches
          --viewers N        of each stream (50)
          --slow N           so many of all viewers read less than comes while it is measured, and then all (0)
          --slow-rate MBIT   how much these read (a quarter of --bitrate)
          --stalled N        so many of all viewers stop reading while it is measured, and then go on (0); below 25 s
                             of 4 Mbit/s buffers hide it
          --idle N           further viewers of a stream that sends nothing, for the memory of one (0)
          --churn N          while it is measured, N connections come and go: players and publishers in turn, which
                             leave by FIN, by RST and half-closed in turn (0); a tenth as many go ahead uncounted
          --at-once N        viewers that connect at the same time (32)
          --verify N         every byte is compared for each Nth viewer (10); sequence and heads are for all

        What is measured
          --warmup SECONDS   after the last viewer has joined (15: until a JIT has made its last version)
          --seconds SECONDS  measured (10), or until the churn is over
          --pid PID          the server's process, for its CPU time, memory and descriptors; its children's count too (Linux)

        What is written
          --label TEXT       what the server is called (server)
          --json FILE        all figures; docs/performance.md explains the fields

        Exit code: 0 when every viewer got what it should, 1 when not, 2 when the arguments make no sense.
        """;

    /// <summary>rtmp or rtsp.</summary>
    public string Protocol { get; init; } = "rtmp";

    /// <summary>Of viewers' RTP: tcp or udp.</summary>
    public string Transport { get; init; } = "tcp";

    /// <summary>Where it is published, if not where it is played.</summary>
    public string? Publish { get; init; }

    public string Host { get; init; } = "127.0.0.1";

    public int Port { get; init; } = 1935;

    public string App { get; init; } = "live";

    public string Name { get; init; } = "load";

    public int Streams { get; init; } = 1;

    /// <summary>Of a stream's video, in Mbit/s.</summary>
    public double Bitrate { get; init; } = 4;

    public int Fps { get; init; } = 30;

    /// <summary>Frames from one keyframe to the next.</summary>
    public int Gop { get; init; } = 60;

    public bool Audio { get; init; }

    public bool Flood { get; init; }

    /// <summary>Of each stream.</summary>
    public int Viewers { get; init; } = 50;

    /// <summary>Of all viewers.</summary>
    public int Slow { get; init; }

    /// <summary>In Mbit/s.</summary>
    public double SlowRate { get; init; } = 1;

    /// <summary>Of all viewers.</summary>
    public int Stalled { get; init; }

    public int Idle { get; init; }

    public int Churn { get; init; }

    public int AtOnce { get; init; } = 32;

    /// <summary>The content is compared for each so-manieth viewer.</summary>
    public int Verify { get; init; } = 10;

    /// <summary>In seconds.</summary>
    public int Warmup { get; init; } = 15;

    public int Seconds { get; init; } = 10;

    public int? Pid { get; init; }

    public string Label { get; init; } = "server";

    public string? Json { get; init; }

    [JsonIgnore]
    public bool IsRtsp => Protocol == "rtsp";

    [JsonIgnore]
    public bool IsUdp => Transport == "udp";

    /// <summary>Without the stream's name.</summary>
    [JsonIgnore]
    public string Url => $"{Protocol}://{Host}:{Port}/{App}";

    /// <summary>These, with the address of those who publish.</summary>
    [JsonIgnore]
    public LoadOptions Publishing => Publish is null ? this : At(Publish);

    [JsonIgnore]
    public bool Publishes => Viewers > 0 || Flood || Churn > 0;

    /// <summary>One line that says what is asked of a server.</summary>
    public string Describe()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{Streams} × {Bitrate} Mbit/s, {Viewers} viewers each");
        if (!Publishes)
            text = "nothing published";
        if (IsRtsp)
            text += $", RTSP over {Transport.ToUpperInvariant()}";
        if (Publishing.Protocol != Protocol)
            text += $", published over {Publishing.Protocol.ToUpperInvariant()}";
        if (Audio)
            text += ", audio";
        if (Flood)
            text += ", flood";
        if (Slow > 0)
            text += string.Create(CultureInfo.InvariantCulture, $", {Slow} slow ({SlowRate} Mbit/s)");
        if (Stalled > 0)
            text += $", {Stalled} stalled";
        if (Idle > 0)
            text += $", {Idle} idle";
        return Churn > 0 ? text + $", {Churn} come and go" : text;
    }

    /// <summary>Null when only help is asked for.</summary>
    /// <exception cref="FormatException">The arguments make no sense; the message says which.</exception>
    public static LoadOptions? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new LoadOptions();
        int? gop = null;
        double? slowRate = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            switch (name)
            {
                case "--help" or "-h" or "-?":
                    return null;
                case "--audio":
                    options = options with { Audio = true };
                    continue;
                case "--flood":
                    options = options with { Flood = true };
                    continue;
            }

            if (!name.StartsWith('-'))
            {
                options = options.At(name);
                continue;
            }

            var value = ++i < arguments.Length ? arguments[i] : "";
            switch (name)
            {
                case "--gop":
                    gop = Number(1, 10_000);
                    continue;
                case "--slow-rate":
                    slowRate = Megabits();
                    continue;
            }

            options = name switch
            {
                "--transport" => options with { Transport = TcpOrUdp() },
                "--publish" => options with { Publish = Text() },
                "--streams" => options with { Streams = Number(1, 1_000) },
                "--bitrate" => options with { Bitrate = Megabits() },
                "--fps" => options with { Fps = Number(1, 1_000) },
                "--viewers" => options with { Viewers = Number(0, 20_000) },
                "--slow" => options with { Slow = Number(0, 20_000) },
                "--stalled" => options with { Stalled = Number(0, 20_000) },
                "--idle" => options with { Idle = Number(0, 20_000) },
                "--churn" => options with { Churn = Number(0, 1_000_000) },
                "--at-once" => options with { AtOnce = Number(1, 1_000) },
                "--verify" => options with { Verify = Number(1, 20_000) },
                "--warmup" => options with { Warmup = Number(0, 600) },
                "--seconds" => options with { Seconds = Number(1, 3_600) },
                "--pid" => options with { Pid = Number(1, int.MaxValue) },
                "--label" => options with { Label = Text() },
                "--json" => options with { Json = Text() },
                _ => throw new FormatException($"{name} is no option."),
            };

            int Number(int least, int most) =>
                int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
                    ? number
                    : throw new FormatException($"{name} must be {least} to {most}, not '{value}'.");

            double Megabits() =>
                double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is >= 0.01 and <= 1000
                    ? number
                    : throw new FormatException($"{name} must be 0.01 to 1000 Mbit/s, not '{value}'.");

            string TcpOrUdp() =>
                value is "tcp" or "udp" ? value : throw new FormatException($"{name} must be tcp or udp, not '{value}'.");

            string Text() => value.Length > 0 ? value : throw new FormatException($"{name} needs a value.");
        }

        return (options with { Gop = gop ?? options.Fps * 2, SlowRate = slowRate ?? options.Bitrate / 4 }).Validate();
    }

    private LoadOptions At(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("rtmp" or "rtsp") || uri.Host.Length == 0)
            throw new FormatException($"'{url}' is no address of the form rtmp://HOST[:PORT]/APP[/NAME] or rtsp://HOST[:PORT]/APP[/NAME].");
        var path = uri.AbsolutePath.Trim('/').Split('/', 2);
        return this with
        {
            Protocol = uri.Scheme,
            Host = uri.DnsSafeHost,
            Port = uri.Port > 0 ? uri.Port : uri.Scheme == "rtsp" ? 554 : 1935,
            App = path[0].Length > 0
                ? path[0]
                : throw new FormatException($"'{url}' names no application, such as {uri.Scheme}://{uri.Authority}/live."),
            Name = path.Length > 1 ? path[1] : Name,
        };
    }

    private LoadOptions Validate()
    {
        if (Slow + Stalled > Streams * Viewers)
            throw new FormatException("More viewers are slow or stalled than there are.");
        if (!Publishes && Idle == 0)
            throw new FormatException("There is nothing to do: no viewers, no flood, no churn, nobody idle.");
        if (IsUdp && !IsRtsp)
            throw new FormatException("--transport udp needs rtsp://.");
        if (IsUdp && Slow + Stalled > 0)
            throw new FormatException("Over UDP nobody is slow or stalled: the server does not see it.");
        _ = Publishing;
        if (Pid is not null && !OperatingSystem.IsLinux())
            throw new FormatException("--pid needs Linux.");
        var (keyframe, frame) = SyntheticTrack.VideoLengths(this);
        if (frame < 64)
            throw new FormatException("So many frames of so few bits have no room for their numbers: more --bitrate or less --fps.");
        return keyframe <= SyntheticTrack.MaxFrameBytes
            ? this
            : throw new FormatException("A keyframe would be larger than 4 MiB: less --bitrate, more --fps or a smaller --gop.");
    }
}
