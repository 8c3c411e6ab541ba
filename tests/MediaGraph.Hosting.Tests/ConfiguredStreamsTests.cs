using System.Collections.Immutable;
using System.Net;
using MediaGraph.Sources;
using MediaGraph.Streams;
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
        var hub = host.Services.GetRequiredService<StreamHub>();
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

    [Test]
    public async Task S18_Streams_that_are_taken_from_each_other_are_changed_in_the_order_that_works()
    {
        await using var f = await ReloadingHost.StartAsync(("a", "stream:b"), ("b", "stream:live/cam"));
        f.Provider.Set("MediaGraph:Streams:a", "stream:live/cam");
        f.Provider.Set("MediaGraph:Streams:b", "stream:a");
        f.Provider.Reload();
        await f.BecomesAsync("a stream:live/cam", "b stream:a");
        f.Provider.Set("MediaGraph:Streams:a", "stream:b");
        f.Provider.Set("MediaGraph:Streams:b", "stream:live/cam");
        f.Provider.Reload();
        await f.BecomesAsync("a stream:b", "b stream:live/cam");
        Assert.That(f.Log.Of(5005), Is.Empty);
    }

    [Test]
    public async Task S18_A_misspelt_key_leaves_its_stream_as_it_is_and_the_others_are_changed()
    {
        await using var f = await ReloadingHost.StartAsync(("changes", "stream:live/cam"), ("stays", "stream:live/cam"));
        f.Provider.Set("MediaGraph:Streams:changes", "stream:live/other");
        f.Provider.Set("MediaGraph:Streams:stays", null);
        f.Provider.Set("MediaGraph:Streams:stays:Source", "stream:live/other");
        f.Provider.Reload();
        await f.BecomesAsync("changes stream:live/other", "stays stream:live/cam");
        await Eventually.Async(() => f.Log.Of(5005).Count > 0, "what is wrong");
        Assert.That(f.Log.Of(5005).Single().Message, Does.Contain("Streams:stays:Source is not known"));
    }

    [Test]
    public async Task S18_A_provider_that_fails_is_logged_and_the_next_change_is_read()
    {
        await using var f = await ReloadingHost.StartAsync(("a", "stream:live/cam"));
        f.Provider.IsBroken = true;
        f.Provider.Reload();
        await f.AdvanceUntilAsync(() => f.Log.Of(5006).Count > 0, "the failure is told");
        f.Provider.IsBroken = false;
        f.Provider.Set("MediaGraph:Streams:a", "stream:live/other");
        f.Provider.Reload();
        await f.BecomesAsync("a stream:live/other");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task S18_A_configuration_that_changes_during_the_start_is_read(bool beforeStreams)
    {
        var provider = new Settings();
        provider.Set("MediaGraph:Streams:a", "test:a");
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        ((IConfigurationBuilder)builder.Configuration).Add(provider);
        var time = new FakeTimeProvider();
        builder.Services.AddSingleton<TimeProvider>(time).AddSingleton<ISourceProtocol>(new Hook(beforeStreams, () =>
        {
            provider.Set("MediaGraph:Streams:b", "stream:live/cam");
            provider.Reload();
        }));
        builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph"));
        using var host = builder.Build();
        await host.StartAsync();
        var hub = host.Services.GetRequiredService<StreamHub>();
        await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return hub.GetSnapshot().Streams.Select(stream => stream.Name).SequenceEqual(["a", "b"]);
            },
            "the new configuration is read");
        await host.StopAsync();
    }

    [Test]
    public async Task Destinations_alone_leave_the_name_to_a_publisher()
    {
        await using var f = await ReloadingHost.StartAsync(("a:PushTo", "rtmp://127.0.0.1:1/live/a"));
        Assert.That(f.Hub.GetSnapshot().Streams, Is.Empty);
        Assert.That(f.Hub.GetSnapshot().Relays.Single().Stream, Is.EqualTo("a"));
        f.Provider.Remove("MediaGraph:Streams:a:PushTo");
        f.Provider.Reload();
        await f.AdvanceUntilAsync(() => f.Hub.GetSnapshot().Relays.IsEmpty, "the relay's end");
    }

    private sealed class ReloadingHost : IAsyncDisposable
    {
        private readonly FakeTimeProvider _time = new();
        private IHost _host = null!;

        public Settings Provider { get; } = new();

        public TestLog Log { get; } = new();

        public StreamHub Hub => _host.Services.GetRequiredService<StreamHub>();

        public static async Task<ReloadingHost> StartAsync(params (string Key, string Value)[] streams)
        {
            var f = new ReloadingHost();
            foreach (var (key, value) in streams)
                f.Provider.Set($"MediaGraph:Streams:{key}", value);
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            ((IConfigurationBuilder)builder.Configuration).Add(f.Provider);
            builder.Services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(f.Log).AddSingleton<TimeProvider>(f._time);
            builder.Services.AddMediaGraph(builder.Configuration.GetSection("MediaGraph")).AddRtmp(options => options with
            {
                EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            });
            f._host = builder.Build();
            await f._host.StartAsync();
            return f;
        }

        public Task BecomesAsync(params string[] streams) => AdvanceUntilAsync(
            () => Hub.GetSnapshot().Streams.Select(stream => $"{stream.Name} {stream.Sources[0].Name}").SequenceEqual(streams),
            "the new configuration is read");

        public Task AdvanceUntilAsync(Func<bool> condition, string what) =>
            _time.AdvanceUntilAsync(condition, TimeSpan.FromMilliseconds(100), what);

        public async ValueTask DisposeAsync()
        {
            await _host.StopAsync();
            _host.Dispose();
            Log.Dispose();
        }
    }

    // A protocol that does something once, when the hub learns of it or when a stream is added.
    private sealed class Hook(bool whenRegistered, Action action) : ISourceProtocol
    {
        private Action? _action = action;

        public ImmutableArray<string> Schemes
        {
            get
            {
                if (whenRegistered)
                    Interlocked.Exchange(ref _action, null)?.Invoke();
                return ["test"];
            }
        }

        public ISource CreateSource(string url)
        {
            Interlocked.Exchange(ref _action, null)?.Invoke();
            return new Nothing();
        }
    }

    private sealed class Nothing : ISource
    {
        public string Name => "test:a";

        public Task RunAsync(SourceSession session, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Settings : ConfigurationProvider, IConfigurationSource
    {
        public bool IsBroken { get; set; }

        public void Remove(string key) => Data.Remove(key);

        public override bool TryGet(string key, out string? value) =>
            IsBroken ? throw new InvalidOperationException("It is broken.") : base.TryGet(key, out value);

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Reload() => OnReload();
    }
}
