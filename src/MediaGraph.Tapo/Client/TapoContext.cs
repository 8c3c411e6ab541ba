using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Transport;
using Microsoft.Extensions.Logging;

namespace MediaGraph.Tapo.Client;

/// <summary>What all sources of one protocol share.</summary>
internal sealed record TapoContext(
    TapoOptions Options, TimeProvider Time, ILogger Logger, TapoMetrics Metrics,
    Func<TapoUrl, CancellationToken, ValueTask<ITransport>> Dial, Func<string>? NewClientNonce);
