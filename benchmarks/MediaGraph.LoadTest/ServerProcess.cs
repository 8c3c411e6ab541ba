using System.Globalization;

namespace MediaGraph.LoadTest;

/// <summary>What the scheduler and the memory manager know of a process and its children.</summary>
internal sealed class ServerProcess(int pid)
{
    /// <summary>CPU time in seconds of all threads that live now, by thread id: what a thread did before it ended is lost.</summary>
    public Dictionary<string, double> GetThreadSeconds()
    {
        var seconds = new Dictionary<string, double>();
        foreach (var process in Family())
        {
            foreach (var thread in Directories($"/proc/{process}/task"))
            {
                if (Read($"{thread}/schedstat") is { } text)
                    seconds[thread] = long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture) / 1e9;
            }
        }

        return seconds;
    }

    public static double Difference(Dictionary<string, double> before, Dictionary<string, double> after) =>
        after.Sum(thread => thread.Value - before.GetValueOrDefault(thread.Key));

    /// <summary>Resident memory in MB.</summary>
    public double GetResidentMegabytes() => Family().Sum(ResidentMegabytes);

    private static double ResidentMegabytes(int process)
    {
        var line = Read($"/proc/{process}/status")?.Split('\n').FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024.0;
    }

    private List<int> Family()
    {
        var family = new List<int> { pid };
        foreach (var directory in Directories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var process))
                continue;
            // pid (name) state parent …; the name may hold anything, a parenthesis too.
            var text = Read($"{directory}/stat");
            var parent = text?[(text.LastIndexOf(')') + 2)..].Split(' ')[1];
            if (parent == pid.ToString(CultureInfo.InvariantCulture))
                family.Add(process);
        }

        return family;
    }

    private static IEnumerable<string> Directories(string path) => Directory.Exists(path) ? Directory.EnumerateDirectories(path) : [];

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null; // it has just ended
        }
    }
}
