using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MediaGraph.Graph;
using MediaGraph.Security;
using MediaGraph.Sources;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Http;
using MediaGraph.Tapo.Multipart;
using MediaGraph.Tapo.Security;

namespace MediaGraph.Tapo.Client;

/// <summary>
/// Logs in to one camera, and remembers between two logins what it found out about it, so that it does not try again what the camera
/// refused: after some failures, cameras suspend logins.
/// </summary>
internal sealed class TapoClient(TapoContext context, TapoUrl url)
{
    private const string User = "admin";
    private const string Md5 = "MD5";
    private const string Sha256 = "SHA-256";

    // Some cameras answer a second request on the same connection only after seconds, and on a new one at once.
    private static readonly TimeSpan SameConnectionLimit = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(5);

    private volatile bool _needsNewConnection;
    private volatile string? _learned; // the hash that the camera took against what it says
    private volatile Refusal? _refusal; // the last login's; null after one that succeeded

    public TapoContext Context => context;

    public TapoUrl Url => url;

    /// <summary>
    /// Connects, logs in and sends the first request. A failure leaves nothing behind.
    /// </summary>
    /// <param name="request">The first part; its answer is the caller's to await.</param>
    /// <param name="cancellationToken">Ends the session when cancelled.</param>
    public async Task<TapoSession> OpenAsync(byte[] request, CancellationToken cancellationToken)
    {
        var refusal = _refusal;
        if (refusal is not null && refusal.Pause - context.Time.GetElapsedTime(refusal.Since) is var rest && rest > TimeSpan.Zero)
        {
            throw Failure.Refused(string.Create(
                CultureInfo.InvariantCulture,
                $"the camera refused the password; the next login is in {Math.Ceiling(rest.TotalSeconds)} s"));
        }

        var camera = await CameraConnection.OpenAsync(context, url, cancellationToken).ConfigureAwait(false);
        try
        {
            var response = await AskAsync(camera, Request(null, []), context.Options.RequestTimeout).ConfigureAwait(false);
            var secret = default(Secret);
            var isSent = false;
            for (var attempt = 0; response.Status == 401;)
            {
                var challenge = DigestChallenge.Parse(response.Headers["WWW-Authenticate"])
                    ?? throw Failure.Refused("the camera asks who we are in a way that is not known");
                secret = Choose(challenge, attempt, refusal, out var other);
                var authorization = challenge.Answer(User, secret, "POST", url.RequestUri, NewClientNonce());
                var login = Request(authorization, request); // in one piece: some cameras answer only when they have both
                var answer = _needsNewConnection ? null : await AskAgainAsync(camera, response, login).ConfigureAwait(false);
                if (answer is null)
                {
                    await camera.DisposeAsync().ConfigureAwait(false);
                    camera = await CameraConnection.OpenAsync(context, url, cancellationToken).ConfigureAwait(false);
                    if (!_needsNewConnection)
                    {
                        // The nonce may be spent, and what it was spent for is lost: once more, and then on two connections.
                        _needsNewConnection = true;
                        Log.NewConnection(context.Logger, url);
                        response = await AskAsync(camera, Request(null, []), context.Options.RequestTimeout).ConfigureAwait(false);
                        continue;
                    }

                    answer = await AskAsync(camera, login, context.Options.RequestTimeout).ConfigureAwait(false);
                }

                response = answer;
                isSent = true;
                attempt++;
                if (other is not null && response.Status == 200)
                    Log.OtherHash(context.Logger, url, _learned = other);
            }

            if (response.Status != 200)
                throw Failure.Refused(string.Create(CultureInfo.InvariantCulture, $"the camera answers {response.Status}"));
            _refusal = null;
            if (!isSent)
                await SendAsync(camera, request).ConfigureAwait(false);
            var cipher = KeyExchange.CreateCipher(
                response.Headers["Key-Exchange"], url.Scheme == TapoScheme.Vigi ? url.Password : secret);
            return new TapoSession(camera, MultipartReader.BoundaryOf(response), cipher, context.Options);
        }
        catch
        {
            await camera.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends a part within the deadline for that.</summary>
    public async ValueTask SendAsync(CameraConnection camera, ReadOnlyMemory<byte> part)
    {
        camera.Expect(context.Options.WriteTimeout, "the camera takes nothing");
        await camera.SendAsync(part).ConfigureAwait(false);
        camera.Expect(Timeout.InfiniteTimeSpan, "");
    }

    private async Task<HttpResponse> AskAsync(CameraConnection camera, byte[] request, TimeSpan limit)
    {
        await SendAsync(camera, request).ConfigureAwait(false);
        camera.Expect(limit, "the camera did not answer in time");
        return await HttpResponse.ReadAsync(camera).ConfigureAwait(false);
    }

    // Null where the camera does not answer on the same connection: hubs close it.
    private async Task<HttpResponse?> AskAgainAsync(CameraConnection camera, HttpResponse before, byte[] request)
    {
        try
        {
            if (await camera.SkipBodyAsync(before).ConfigureAwait(false))
                return await AskAsync(camera, request, SameConnectionLimit).ConfigureAwait(false);
        }
        catch (SourceException e) when (e.Reason.Code is CloseCode.PeerClosed or CloseCode.ConnectionLost or CloseCode.Deadline)
        {
            // It may on another one.
        }

        return null;
    }

    private byte[] Request(string? authorization, byte[] part)
    {
        var host = url.Host.Contains(':', StringComparison.Ordinal) ? $"[{url.Host}]" : url.Host;
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST {url.RequestUri} HTTP/1.1\r\nHost: {host}:{url.Port}\r\n" +
            $"Content-Type: multipart/mixed; boundary={PartWriter.Boundary}\r\nContent-Length: 0\r\n") +
            (authorization is null ? "" : $"Authorization: {authorization}\r\n") + "\r\n";
        return [.. Encoding.Latin1.GetBytes(head), .. part];
    }

    // The camera's word first, then the other one once: there is firmware that says one and takes the other. When both were refused, each
    // further login has one of them, in turns. Gives the hash's name where it is the other one.
    private Secret Choose(DigestChallenge challenge, int attempt, Refusal? refusal, out string? other)
    {
        other = null;
        if (url.Password.IsEmpty)
            throw Failure.Refused("the camera asks for a password, and the address has none");
        var isFixed = url.Scheme == TapoScheme.Vigi || url.IsHash;
        if (attempt == (isFixed || refusal is not null ? 1 : 2))
            throw Refuse(refusal);
        if (isFixed)
            return url.IsHash ? url.Password : PasswordHash.SecurityEncode(url.Password);
        var hash = _learned ?? (challenge.WantsSha256 ? Sha256 : Md5);
        if (attempt > 0 || refusal is { Count: var count } && count % 2 == 0)
            hash = other = hash == Md5 ? Sha256 : Md5;
        return hash == Md5 ? PasswordHash.Md5(url.Password) : PasswordHash.Sha256(url.Password);
    }

    // Of a preview and a talk that were refused at once, one counts.
    private SourceException Refuse(Refusal? before)
    {
        var pause = before is null ? MinPause : 2 * before.Pause;
        var refusal = new Refusal((before?.Count ?? 0) + 1, pause < MaxPause ? pause : MaxPause, context.Time.GetTimestamp());
        Interlocked.CompareExchange(ref _refusal, refusal, before);
        return Failure.Refused("the camera refuses the password");
    }

    private string NewClientNonce() => context.NewClientNonce?.Invoke() ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Logins that were refused one after the other.</summary>
    /// <param name="Count">How many.</param>
    /// <param name="Pause">How long none is tried.</param>
    /// <param name="Since">From when on, as a timestamp.</param>
    private sealed record Refusal(int Count, TimeSpan Pause, long Since);
}
