using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace MediaGraph.Hosting;

/// <summary>
/// The streams of the configuration, which may change while the application runs: then those that changed are changed in the hub, and no
/// others; one with an error stays as it was. Owns the task that watches.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The source of the token has no timer, the semaphore no handle.")]
internal sealed class ConfiguredStreams(StreamHub hub, IConfigurationSection? configuration, ILogger logger, TimeProvider time) : IAsyncDisposable
{
    // Editors write a file in several steps.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _changed = new(0);
    private ImmutableDictionary<string, StreamDefinition> _current = ImmutableDictionary<string, StreamDefinition>.Empty;
    private IDisposable? _registration;
    private Task _watching = Task.CompletedTask;

    /// <summary>Adds the streams, and watches the configuration from now on.</summary>
    /// <exception cref="OptionsValidationException">One or several cannot be added; lists all that is wrong.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration is null)
            return;

        // Registered before it is read, so that no change is missed.
        _registration = ChangeToken.OnChange(configuration.GetReloadToken, () => _changed.Release());
        var errors = await ReadAsync(configuration, cancellationToken).ConfigureAwait(false);
        if (errors.Count > 0)
            throw new OptionsValidationException("MediaGraph", typeof(MediaGraphSettings), errors);
        _watching = WatchAsync(configuration, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        _registration?.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WatchAsync(IConfigurationSection section, CancellationToken cancellationToken)
    {
        while (true)
        {
            await _changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(Quiet, time, cancellationToken).ConfigureAwait(false);
            while (_changed.Wait(0, CancellationToken.None))
            {
                // All that came meanwhile is read at once.
            }

            try
            {
                foreach (var error in await ReadAsync(section, cancellationToken).ConfigureAwait(false))
                    Log.StreamNotChanged(logger, error);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                Log.ReloadFailed(logger, e); // of a provider of others, say; the next change may do
            }
        }
    }

    // Returns what is wrong.
    private async Task<IReadOnlyList<string>> ReadAsync(IConfigurationSection section, CancellationToken cancellationToken)
    {
        var (errors, wrong) = (new List<string>(), new List<string>());
        var definitions = StreamSettings.Read(section, section.Path + ":", errors, wrong);
        errors.AddRange(await ApplyAsync(definitions, wrong, cancellationToken).ConfigureAwait(false));
        return errors;
    }

    // Each stream for itself: one that is wrong stays as it was.
    private async Task<IReadOnlyList<string>> ApplyAsync(
        IReadOnlyList<StreamDefinition> definitions, IReadOnlyList<string> wrong, CancellationToken cancellationToken)
    {
        foreach (var gone in _current.Keys.Except(definitions.Select(definition => definition.Name)).Except(wrong).ToList())
        {
            await hub.RemoveStreamAsync(gone, cancellationToken).ConfigureAwait(false);
            _current = _current.Remove(gone);
        }

        // One that is taken from another may be refused only until the other was changed.
        var rest = definitions.Where(definition => !IsSame(definition, _current.GetValueOrDefault(definition.Name))).ToList();
        while (true)
        {
            var failed = new List<(StreamDefinition Definition, string Error)>();
            foreach (var definition in rest)
            {
                if (await TrySetAsync(definition, cancellationToken).ConfigureAwait(false) is { } error)
                    failed.Add((definition, error));
            }

            if (failed.Count == 0 || failed.Count == rest.Count)
                return [.. failed.Select(failure => failure.Error)];
            rest = [.. failed.Select(failure => failure.Definition)];
        }
    }

    // Null, or what is wrong.
    private async Task<string?> TrySetAsync(StreamDefinition definition, CancellationToken cancellationToken)
    {
        try
        {
            await hub.SetStreamAsync(definition, cancellationToken).ConfigureAwait(false);
            _current = _current.SetItem(definition.Name, definition);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message.Split(" (Parameter", 2)[0];
        }
        catch (StreamException e)
        {
            return $"{definition.Name}: {e.Message}.";
        }
    }

    // Records compare arrays by reference.
    private static bool IsSame(StreamDefinition one, StreamDefinition? other) =>
        other is not null
        && one with { Sources = [], PushTo = [] } == other with { Sources = [], PushTo = [] }
        && one.Sources.SequenceEqual(other.Sources) && one.PushTo.SequenceEqual(other.PushTo);
}
