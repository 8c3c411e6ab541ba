using MediaGraph.Graph;

namespace MediaGraph.Relays;

/// <summary>
/// A stream's place on a server. Each session is a <see cref="Transfer"/> of its own, which follows the server where that leads elsewhere.
/// </summary>
/// <param name="name">See <see cref="IRelayTarget.Name"/>.</param>
/// <param name="push">
/// Begins to push the session's stream, and returns when the server has agreed. A <see cref="TransferException"/> says why it has not come
/// to that.
/// </param>
public sealed class TransferTarget(string name, Func<RelaySession, CancellationToken, Task<Transfer>> push) : IRelayTarget
{
    private readonly Func<RelaySession, CancellationToken, Task<Transfer>> _push = push ?? throw new ArgumentNullException(nameof(push));

    /// <inheritdoc/>
    public string Name { get; } = name ?? throw new ArgumentNullException(nameof(name));

    /// <inheritdoc/>
    public async Task<CloseReason> RunAsync(RelaySession session, CancellationToken cancellationToken)
    {
        try
        {
            var transfer = await _push(session, cancellationToken).ConfigureAwait(false);
            var stopping = cancellationToken.Register(() => transfer.Close(CloseReason.Requested));
            await using (stopping.ConfigureAwait(false))
                return await transfer.Completion.ConfigureAwait(false);
        }
        catch (TransferException e)
        {
            return e.Reason;
        }
    }
}
