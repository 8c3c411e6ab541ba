using MediaGraph.Graph;
using MediaGraph.Relays;

namespace MediaGraph.Rtsp.Client;

/// <summary>A stream's place on a server. Each session is a connection of its own, which follows the server where that leads elsewhere.</summary>
internal sealed class RtspRelayTarget(RtspClient client, RtspUrl url) : IRelayTarget
{
    public string Name => url.ToString();

    public async Task<CloseReason> RunAsync(RelaySession session, CancellationToken cancellationToken)
    {
        try
        {
            var relay = await client.PushAsync(session, url, cancellationToken).ConfigureAwait(false);
            var stopping = cancellationToken.Register(() => relay.Close(CloseReason.Requested));
            await using (stopping.ConfigureAwait(false))
                return await relay.Completion.ConfigureAwait(false);
        }
        catch (RtspClientException e)
        {
            return e.Reason;
        }
    }
}
