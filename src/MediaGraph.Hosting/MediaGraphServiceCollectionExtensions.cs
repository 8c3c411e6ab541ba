using System.Diagnostics.Metrics;
using MediaGraph.Hosting;
using MediaGraph.Relays;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Streams;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds MediaGraph to an application.</summary>
public static class MediaGraphServiceCollectionExtensions
{
    /// <summary>
    /// Registers the <see cref="StreamHub"/>, as a singleton, and a hosted service that runs what is added to the builder. An
    /// <see cref="IStreamAuthorizer"/>, <see cref="TimeProvider"/>, <see cref="ILoggerFactory"/> or <see cref="IMeterFactory"/>
    /// among the services is used, and so is each <see cref="ISourceProtocol"/>: the streams of the configuration can be taken from it; and each
    /// <see cref="IRelayProtocol"/>: they can be pushed by it.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">
    /// The settings, as a rule the section <c>MediaGraph</c>; null for the defaults. It is read when the application starts; the
    /// start fails with an <see cref="Options.OptionsValidationException"/> that lists every error.
    /// </param>
    /// <returns>Adds protocols.</returns>
    /// <exception cref="InvalidOperationException">MediaGraph was added before.</exception>
    public static MediaGraphBuilder AddMediaGraph(this IServiceCollection services, IConfigurationSection? configuration = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.Any(service => service.ServiceType == typeof(MediaGraphBuilder)))
            throw new InvalidOperationException("MediaGraph was added before.");
        var builder = new MediaGraphBuilder(services, configuration);
        services.AddSingleton(builder);
        services.AddSingleton(static provider => new MediaGraphSettings(
            provider.GetRequiredService<MediaGraphBuilder>(), provider.GetService<IStreamAuthorizer>()));
        services.AddSingleton(static provider => new StreamHub(
            provider.GetRequiredService<MediaGraphSettings>().Hub,
            provider.GetService<ILoggerFactory>(),
            provider.GetService<TimeProvider>(),
            provider.GetService<IMeterFactory>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, MediaGraphService>());
        return builder;
    }
}
