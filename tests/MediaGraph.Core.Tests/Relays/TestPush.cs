using MediaGraph.Graph;
using MediaGraph.Relays;
using MediaGraph.Streams;
using MediaGraph.Tests.Kit;

namespace MediaGraph.Tests.Relays;

/// <summary>One session of a <see cref="TestTarget"/>.</summary>
internal sealed class TestPush(RelaySession session, CancellationToken cancellationToken)
{
    public TaskCompletionSource<CloseReason> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CancellationToken Token => cancellationToken;

    /// <summary>The destination agrees: what it gets arrives at the consumer.</summary>
    public Subscription Agree(WireConsumer consumer)
    {
        var subscription = session.Subscribe(
            new SubscribeRequest(session.StreamName)
            {
                OnStateChanged = (state, reason) =>
                {
                    if (state == SubscriptionState.Ended && reason is { Code: not CloseCode.Requested })
                        Ended.TrySetResult(reason); // as the clients do
                },
            },
            consumer.Writer, WireConsumer.Format);
        subscription.Start();
        return subscription;
    }

    public void End(CloseCode code = CloseCode.ConnectionLost, string why = "it broke") => Ended.TrySetResult(new CloseReason(code, why));
}
