using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace MediaGraph.Testing;

// Rows: I11.

/// <summary>What holds for every library; a test project per library inherits it and names the library.</summary>
[TestFixture]
public abstract partial class LibraryRules(string libraryName)
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private Assembly Library { get; } = Assembly.Load(libraryName);

    [Test]
    public void The_public_api_is_what_the_committed_text_says()
    {
        var path = RepositoryRoot.Combine("src", libraryName, "PublicAPI.txt");
        var actual = PublicApi.Describe(Library);
        if (Environment.GetEnvironmentVariable("MEDIAGRAPH_UPDATE_API") == "1")
            File.WriteAllText(path, actual);

        var committed = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        if (committed == actual)
            return;
        var difference = PublicApi.Difference(committed, actual);
        Assert.Fail(
            $"The public API of {libraryName} has changed:\n\n{(difference.Length == 0 ? "(only the order of lines)" : difference)}\n\n"
            + $"If that is intended, update src/{libraryName}/PublicAPI.txt: MEDIAGRAPH_UPDATE_API=1 ./test.sh --filter Name~public_api");
    }

    [Test]
    public void I11_no_public_type_is_without_a_user()
    {
        var sources = SourceFiles().Select(path => (Path: path, Text: WithoutComments(path))).ToArray();
        var unused = Library.GetTypes()
            .Where(type => type.IsPublic)
            .Where(type => !sources.Any(source => !Declares(source.Text, type) && Uses(source.Text, type)))
            .Select(type => type.FullName);
        Assert.That(unused, Is.Empty, "public types that no other source file, test, sample or page uses");
    }

    [Test]
    public void No_method_is_async_void()
    {
        var found = new[] { Library, GetType().Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(All))
            .Where(method => method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute)))
            .Select(method => $"{method.DeclaringType}.{method.Name}");
        Assert.That(found, Is.Empty, "async void loses its exceptions and nobody can await it: return a Task");
    }

    [Test]
    public void No_static_state_is_mutable()
    {
        var found = Library.GetTypes()
            .Where(type => !IsGenerated(type))
            .SelectMany(type => type.GetFields(All))
            .Where(field => field is { IsStatic: true, IsLiteral: false } && !field.IsDefined(typeof(ThreadStaticAttribute)))
            .Where(field => !IsGenerated(field) || field.Name.EndsWith("k__BackingField", StringComparison.Ordinal))
            .Where(field => !field.IsInitOnly || IsMutableCollection(field.FieldType))
            .Select(field => $"{field.DeclaringType}.{field.Name}");
        Assert.That(found, Is.Empty, "two servers in one process must not share state");
    }

    private static bool IsGenerated(MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) || (member.DeclaringType is { } outer && IsGenerated(outer));

    private static bool IsMutableCollection(Type type) =>
        type is { IsInterface: false, Namespace: "System.Collections.Generic" or "System.Collections.Concurrent" };

    private static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(RepositoryRoot.Path, "*.*", SearchOption.AllDirectories)
            .Where(path => path.EndsWith(".cs", StringComparison.Ordinal) || path.EndsWith(".md", StringComparison.Ordinal))
            .Where(path => !BuildOutput().IsMatch(Path.GetRelativePath(RepositoryRoot.Path, path)));

    private static string WithoutComments(string path) => CommentLine().Replace(File.ReadAllText(path), "");

    private static bool Declares(string text, Type type) =>
        Regex.IsMatch(text, $@"\b(class|struct|record|interface|enum|delegate [^;(]*?)\s+{BareName(type)}\b");

    // Nobody writes the name of a class of extension methods, or the end of an attribute's.
    private static bool Uses(string text, Type type)
    {
        var names = type.IsDefined(typeof(ExtensionAttribute))
            ? type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Select(method => method.Name)
            : [];
        var shortName = type.IsSubclassOf(typeof(Attribute)) ? Regex.Replace(BareName(type), "Attribute$", "") : BareName(type);
        return names.Append(BareName(type)).Append(shortName).Any(name => Regex.IsMatch(text, $@"\b{name}\b"));
    }

    private static string BareName(Type type) => type.Name.Split('`')[0];

    [GeneratedRegex(@"(^|[\\/])(bin|obj|artifacts|\.git)[\\/]")]
    private static partial Regex BuildOutput();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex CommentLine();
}
