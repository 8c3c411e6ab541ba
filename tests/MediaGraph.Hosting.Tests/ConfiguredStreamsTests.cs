using MediaGraph.Sources;
using MediaGraph.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

// Rows: S18.

[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class ConfiguredStreamsTests
{
    [Test]
    public async Task Streams_of_the_configuration_are_there_from_the_start()
    {
        await using var host = new TestHost(new() { ["MediaGraph:Streams:copy"] = "stream:live/cam" });
        await host.StartAsync();
        Assert.That(host.Hub.GetSnapshot().Streams.Single().Sources.Single().Name, Is.EqualTo("stream:live/cam"));
    }

    [Test]
    public async Task A_host_with_streams_that_cannot_be_added_does_not_start_and_says_all_that_is_wrong()
    {
        await using var host = new TestHost(new()
        {
            ["MediaGraph:Streams:a"] = "stream:a",
            ["MediaGraph:Streams:b"] = "nothing:here",
        });
        var failures = (await Assert.ThrowsAsync<OptionsValidationException>(host.StartAsync))!.Failures.ToList();
        Assert.That(failures, Has.Some.Contains("a: It would be taken from itself: a from a."));
        Assert.That(failures, Has.Some.Contains("b: Source 1: no protocol has the scheme nothing."));
    }

    [Test]
    public async Task S18_A_changed_configuration_changes_the_streams_that_changed()
    {
        var provider = new Settings();
        foreach (var name in new[] { "stays", "changes", "goes" })
            provider.Set($"MediaGraph:Streams:{name}", "stream:live/cam");
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        ((IConfigurationBuilder)builder.Configuration).Add(provider);
        using var log = new TestLog();
        var time = new FakeTimeProvider();
        builder.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(log).AddSingleton<TimeProvider>(time);
        builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"));
        using var host = builder.Build();
        await host.StartAsync();
        var hub = host.Services.GetRequiredService<MediaGraph.Streams.StreamHub>();
        await hub.SetStreamAsync(new StreamDefinition("by-code") { Sources = ["stream:live/cam"] });

        provider.Set("MediaGraph:Streams:changes", "stream:live/other");
        provider.Set("MediaGraph:Streams:goes", null);
        provider.Set("MediaGraph:Streams:comes", "stream:live/cam");
        provider.Set("MediaGraph:Streams:wrong", "nothing:here");
        provider.Reload();
        await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return log.Of(5005).Count > 0;
            },
            "the new configuration is read");
        Assert.That(
            hub.GetSnapshot().Streams.Select(stream => $"{stream.Name} {stream.Sources[0].Name}"),
            Is.EqualTo(new[]
            {
                "by-code stream:live/cam", "changes stream:live/other", "comes stream:live/cam", "stays stream:live/cam",
            }));
        await host.StopAsync();
    }

    private sealed class Settings : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Reload() => OnReload();
    }
}
