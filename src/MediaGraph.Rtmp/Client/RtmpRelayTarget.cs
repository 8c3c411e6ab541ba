using MediaGraph.Graph;
using MediaGraph.Relays;

namespace MediaGraph.Rtmp.Client;

/// <summary>A stream's place on a server. Each session is a connection of its own, which follows the server where that leads elsewhere.</summary>
internal sealed class RtmpRelayTarget(RtmpClient client, RtmpUrl url) : IRelayTarget
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
        catch (RtmpClientException e)
        {
            return e.Reason;
        }
    }
}
