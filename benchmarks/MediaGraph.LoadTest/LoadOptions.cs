using System.Globalization;

namespace MediaGraph.LoadTest;

/// <summary>What the command line asks for.</summary>
internal sealed record LoadOptions
{
    public const string Usage = """
        MediaGraph.LoadTest: publishes one stream to an RTMP server and plays it many times.

          --host ADDRESS     IPv4 address of the server (127.0.0.1)
          --port PORT        (1935)
          --app NAME         application (live)
          --viewers N        (50)
          --stalled N        how many of the viewers stop reading while it is measured, and then go on (0); below
                             25 seconds the server's buffers hide it
          --verify N         the content is compared for each Nth viewer; the sequence for all (10)
          --warmup SECONDS   after the last viewer has joined (15: until a JIT has made its last version)
          --seconds SECONDS  measured (10)
          --pid PID          the server's process, for its CPU time and memory; its children count too
          --label TEXT       what the result line calls the server

        MediaGraph.LoadTest serve [--port PORT] [--inline 0|1]: a MediaGraph server, until SIGTERM or SIGINT.
        """;

    public string Host { get; init; } = "127.0.0.1";

    public int Port { get; init; } = 1935;

    public string App { get; init; } = "live";

    public int Viewers { get; init; } = 50;

    public int Stalled { get; init; }

    public int VerifyEach { get; init; } = 10;

    public int Warmup { get; init; } = 15;

    public int Seconds { get; init; } = 10;

    public int? ServerPid { get; init; }

    public string Label { get; init; } = "server";

    public bool InlineCompletions { get; init; } = true;

    /// <exception cref="FormatException">The arguments make no sense; the message says which.</exception>
    public static LoadOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new LoadOptions();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var name = arguments[i];
            var value = i + 1 < arguments.Length ? arguments[i + 1] : throw new FormatException($"{name} needs a value.");
            options = name switch
            {
                "--host" => options with { Host = value },
                "--port" => options with { Port = Number(name, value, 1, 65_535) },
                "--app" => options with { App = value },
                "--viewers" => options with { Viewers = Number(name, value, 1, 1_000) },
                "--stalled" => options with { Stalled = Number(name, value, 0, 1_000) },
                "--verify" => options with { VerifyEach = Number(name, value, 1, 1_000) },
                "--warmup" => options with { Warmup = Number(name, value, 0, 600) },
                "--seconds" => options with { Seconds = Number(name, value, 1, 3_600) },
                "--pid" => options with { ServerPid = Number(name, value, 1, int.MaxValue) },
                "--label" => options with { Label = value },
                "--inline" => options with { InlineCompletions = Number(name, value, 0, 1) == 1 },
                _ => throw new FormatException($"{name} is no option."),
            };
        }

        return options.Stalled <= options.Viewers ? options : throw new FormatException("More viewers stall than there are.");
    }

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException($"{name} must be {least} to {most}, not '{value}'.");
}
