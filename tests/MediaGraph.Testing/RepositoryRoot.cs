namespace MediaGraph.Testing;

/// <summary>The folder that holds the solution, for tests that read the repository's files.</summary>
public static class RepositoryRoot
{
    /// <summary>The absolute path, found by walking up from the test's own folder.</summary>
    public static string Path { get; } = Find();

    /// <summary>The absolute path of a file or folder inside the repository.</summary>
    public static string Combine(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "MediaGraph.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"MediaGraph.sln is in no folder above {AppContext.BaseDirectory}");
    }
}
