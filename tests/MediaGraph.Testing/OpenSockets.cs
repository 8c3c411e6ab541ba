namespace MediaGraph.Testing;

/// <summary>The process's sockets. Of its descriptors they alone are counted: the runtime opens and closes others as it likes.</summary>
public static class OpenSockets
{
    public static int Count() => Directory.GetFileSystemEntries("/proc/self/fd").Count(descriptor =>
    {
        try
        {
            var target = File.ResolveLinkTarget(descriptor, returnFinalTarget: false);
            return target?.Name.StartsWith("socket:", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false; // closed meanwhile
        }
    });
}
