using System.Globalization;
using System.Runtime.InteropServices;

namespace MediaGraph.LoadTest;

/// <summary>What Linux knows of a process and its children.</summary>
internal sealed class ServerProcess(int pid)
{
    /// <summary>CPU time in seconds of each process, by its id; it holds the threads that have ended.</summary>
    public Dictionary<int, double> GetSeconds()
    {
        var seconds = new Dictionary<int, double>();
        foreach (var process in Family())
        {
            // What clock_getcpuclockid(3) makes of a process: the scheduler's own count, in nanoseconds.
            if (GetClock((~process << 3) | 2, out var time) == 0)
                seconds[process] = time.Seconds + (time.Nanoseconds / 1e9);
        }

        return seconds;
    }

    public static double Difference(Dictionary<int, double> before, Dictionary<int, double> after) =>
        after.Sum(process => process.Value - before.GetValueOrDefault(process.Key));

    /// <exception cref="IOException">It has ended.</exception>
    public ServerSample GetSample()
    {
        if (!Directory.Exists($"/proc/{pid}"))
            throw new IOException($"There is no process {pid}: the server has ended, or --pid is wrong.");
        var family = Family();
        string[] descriptors = [.. family.SelectMany(Descriptors)];
        return new ServerSample
        {
            MemoryMb = family.Sum(ResidentMegabytes),
            Descriptors = descriptors.Length,
            Sockets = descriptors.Count(target => target.StartsWith("socket:", StringComparison.Ordinal)),
        };
    }

    private static double ResidentMegabytes(int process)
    {
        var line = Read($"/proc/{process}/status")?.Split('\n').FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024.0;
    }

    // What each of them is.
    private static string[] Descriptors(int process)
    {
        try
        {
            return [.. new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos().Select(entry => entry.LinkTarget ?? "")];
        }
        catch (DirectoryNotFoundException)
        {
            return []; // it has just ended
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"The descriptors of process {process} may not be read: run this as its user, or without --pid.");
        }
    }

    private List<int> Family()
    {
        var family = new List<int> { pid };
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
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

    [DllImport("libc", EntryPoint = "clock_gettime"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetClock(int clock, out Time time);

    private readonly struct Time
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
