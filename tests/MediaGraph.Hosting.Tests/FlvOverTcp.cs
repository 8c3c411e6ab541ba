using System.Collections.Immutable;
using System.Net.Sockets;
using MediaGraph.Containers.Flv;
using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Streams;

namespace MediaGraph.Hosting.Tests;

/// <summary>The protocol of docs/relays.md.</summary>
internal sealed class FlvOverTcp : IRelayProtocol
{
    public ImmutableArray<string> Schemes => ["flv+tcp"];

    public IRelayTarget CreateTarget(string url) =>                  // only reads the address
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Port > 0
            ? new Target(address.DnsSafeHost, address.Port)
            : throw new FormatException("It must be flv+tcp://HOST:PORT.");

    private sealed class Target(string host, int port) : IRelayTarget
    {
        public string Name => $"flv+tcp://{host}:{port}";            // for logs and snapshots: no secrets

        public async Task<CloseReason> RunAsync(RelaySession session, CancellationToken cancellationToken)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, cancellationToken);
            var writer = new FlvWriter(client.GetStream());
            await foreach (var batch in session.Subscribe(new SubscribeRequest(session.StreamName), cancellationToken))
            {
                using (batch)
                {
                    foreach (var (packet, track) in batch.Zip(batch.Tracks))
                        await writer.WriteAsync(packet, track, cancellationToken);
                }
            }

            return CloseReason.Requested;                            // the stream has ended
        }
    }
}
