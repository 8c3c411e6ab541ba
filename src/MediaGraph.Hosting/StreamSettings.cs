using System.Collections.Immutable;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.Configuration;

namespace MediaGraph.Hosting;

/// <summary>
/// The section <c>Streams</c>: a key per stream, whose value is an address, or a list of them, or a section that says more.
/// </summary>
internal static class StreamSettings
{
    private const string Key = "Streams";

    /// <summary>Reads the definitions. What is wrong with one is added to the errors, and it is left out.</summary>
    /// <param name="root">What the section is in.</param>
    /// <param name="prefix">What precedes the keys in messages.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <param name="wrong">Takes the names of those that were left out.</param>
    public static ImmutableArray<StreamDefinition> Read(
        IConfiguration? root, string prefix, List<string> errors, ICollection<string>? wrong = null)
    {
        var definitions = ImmutableArray.CreateBuilder<StreamDefinition>();
        foreach (var section in root?.GetSection(Key).GetChildren() ?? [])
        {
            var path = $"{prefix}{Key}:{section.Key}";
            if (string.IsNullOrWhiteSpace(section.Value) && !section.GetChildren().Any())
                continue; // so that one place can take out what another has set
            if (!StreamName.IsValid(section.Key))
            {
                errors.Add($"{path}: the key is no stream name: A-Z a-z 0-9 _ . ~ - and / between parts, 128 characters at most.");
                continue;
            }

            var before = errors.Count;
            var definition = Read(section, path, errors);
            if (errors.Count == before)
                definitions.Add(definition);
            else
                wrong?.Add(section.Key);
        }

        return definitions.ToImmutable();
    }

    private static StreamDefinition Read(IConfigurationSection section, string path, List<string> errors)
    {
        var definition = new StreamDefinition(section.Key);
        var children = section.GetChildren().ToList();
        if (!string.IsNullOrWhiteSpace(section.Value))
        {
            errors.AddRange(children.Select(
                child => $"{path}:{child.Key} is set beside an address; the address belongs into {path}:Sources then."));
            return definition with { Sources = [section.Value.Trim()] };
        }

        if (children.All(child => int.TryParse(child.Key, out _)))
            return definition with { Sources = SettingsReader.Texts(section, path, errors) };

        var reader = new SettingsReader(section, path, errors);
        definition = definition with
        {
            Sources = reader.Texts("Sources"),
            Mode = reader.Choice("Mode", SourceMode.Complementary),
            Preload = reader.Flag("Preload", false),
            IsEnabled = reader.Flag("Enabled", true),
            Linger = reader.Text("Linger") is null ? null : reader.Time("Linger", TimeSpan.Zero),
            PushTo = reader.Texts("PushTo"),
        };
        reader.RejectUnknown();
        return definition;
    }
}
