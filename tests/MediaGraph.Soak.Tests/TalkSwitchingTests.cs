using MediaGraph.Rtmp.Client;
using MediaGraph.Rtsp.Client;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Testing;
using MediaGraph.Testing.Tapo;
using NUnit.Framework;

namespace MediaGraph.Soak.Tests;

// Rows: T1, T3, T8, C3, C6.

[TestFixture]
[Category("Socket")]
public sealed class TalkSwitchingTests
{
    private const string Stream = "porch";
    private const int Rounds = 1000;
    private static readonly byte[] Sound = new byte[160]; // 20 ms

    [Test]
    public async Task T1_Talk_goes_on_and_off_a_thousand_times_while_viewers_come_and_go_and_the_source_changes()
    {
        var sockets = OpenSockets.Count();
        using var log = new TestLog();
        await using (var camera = TapoEmulator.Start())
        await using (var other = await RtspCamera.StartAsync(log))
        await using (var live = await LiveHub.StartAsync(log))
        await using (var players = await LiveHub.StartAsync(log))
        {
            await SetAsync(live, camera.Url);
            using var stop = new CancellationTokenSource();
            var stays = StayAsync(live, stop.Token);
            var comeAndGo = Enumerable.Range(0, 3).Select(i => ComeAndGoAsync(live, players, i, stop.Token)).ToArray();
            var heard = 0;
            for (var round = 0; round < Rounds; round++)
            {
                if (round % 50 == 49)
                    await SetAsync(live, round % 100 == 99 ? [camera.Url] : round % 150 == 149 ? [other.Url, $"{camera.Url}#media=talk"] : [other.Url]);
                if (await TryTalkAsync(live))
                    heard++;
            }

            await stop.CancelAsync();
            await stays;
            await Task.WhenAll(comeAndGo);
            Assert.That(heard, Is.GreaterThan(Rounds * 9 / 10), "a change of the source may end a talk, and nothing else may");

            // Nothing is left: no viewer, no talk, no session with a camera.
            await Eventually.EqualAsync(() => Snapshot().Consumers.Length, 0, "consumers");
            await Eventually.EqualAsync(() => Snapshot().Leases, 0, "leases");
            await Eventually.Async(() => live.Hub.Find(Stream)!.Receivers.All(receiver => receiver.Children.IsEmpty), "senders");
            await Eventually.EqualAsync(() => (camera.Connections, camera.Talks, camera.Previews), (0, 0, 0), "connections to the camera");
            await Eventually.EqualAsync(() => (other.Viewers, other.Talks), (0, 0), "sessions with the other camera");
            await Eventually.EqualAsync(() => live.Connections, 0, "connections");
            await Eventually.EqualAsync(() => live.Hub.Pool.GetStatistics().OutstandingBytes, 0L, "packet memory");

            // And talk still works.
            await SetAsync(live, camera.Url);
            var before = camera.TalkAudio.Length;
            Assert.That(await TryTalkAsync(live));
            await Eventually.Async(() => camera.TalkAudio.Length > before, "what was said");

            StreamSnapshot Snapshot() => live.Hub.Find(Stream)!.GetSnapshot();
        }

        await Eventually.EqualAsync(OpenSockets.Count, sockets, "sockets");
    }

    private static Task SetAsync(LiveHub live, params string[] sources) =>
        live.Hub.SetStreamAsync(new StreamDefinition(Stream) { Sources = [.. sources] });

    // Whether the camera was told that somebody talks. No talk, or its end, is what a change of the source may bring.
    private static async Task<bool> TryTalkAsync(LiveHub live)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit, TimeProvider.System);
        var talks = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await using var session = await live.Hub.TalkAsync(
                new TalkRequest(Stream)
                {
                    OnStateChanged = (state, _) =>
                    {
                        if (state == TalkState.Talking)
                            talks.TrySetResult(true);
                        else if (state is TalkState.Ended or TalkState.Idle)
                            talks.TrySetResult(false);
                    },
                },
                limit.Token);
            return session.Write(Sound, TimeSpan.Zero) == TalkResult.Taken && await talks.Task.WaitAsync(limit.Token);
        }
        catch (StreamException e) when (e.Error is StreamError.Unavailable or StreamError.NoSpeaker or StreamError.Ended or StreamError.Busy)
        {
            return false;
        }
    }

    // Sees every change of the source, and is never ended by one.
    private static async Task StayAsync(LiveHub live, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var batch in live.Hub.Subscribe(Stream, cancellationToken))
                batch.Dispose();
            Assert.Fail("the viewer was ended");
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private static async Task ComeAndGoAsync(LiveHub live, LiveHub players, int which, CancellationToken cancellationToken)
    {
        for (var round = 0; !cancellationToken.IsCancellationRequested; round++)
        {
            var name = $"viewer-{which}-{round}";
            try
            {
                if (which == 0)
                {
                    await using var relay = await players.RtmpClient.PullAsync(RtmpUrlOf(live), name, cancellationToken);
                }
                else
                {
                    var url = Rtsp.RtspUrl.Parse(live.RtspUrl(Stream) + (which == 1 ? "" : "#transport=udp"));
                    await using var relay = await players.RtspClient.PullAsync(url, name, cancellationToken);
                }
            }
            catch (Exception e) when (e is RtmpClientException or RtspClientException or OperationCanceledException or StreamException)
            {
                // What a change of the source brings.
            }
        }
    }

    private static Rtmp.RtmpUrl RtmpUrlOf(LiveHub live) => Rtmp.RtmpUrl.Parse($"rtmp://{live.Rtmp.LocalEndPoint}/{Stream}");
}
