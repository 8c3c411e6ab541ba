using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Talk;
using MediaGraph.Tapo.Control;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Multipart;

namespace MediaGraph.Tapo.Client;

/// <summary>
/// The loudspeaker of a camera. Each talk is a session of its own, on a connection of its own, which begins and ends with it: what is
/// viewed is never touched, and the camera's one line is free when nobody talks.
/// </summary>
internal sealed class TapoSpeaker(TapoClient client, string stream) : ISpeaker
{
    public Track Track { get; } = new(
        MediaKind.Audio, TrackDirection.ReceiveOnly,
        [new Codec(MediaKind.Audio, CodecNames.Pcma, TapoTalkLine.SampleRate, channels: 1)]);

    public async ValueTask<ITalkLine> OpenAsync(Codec codec, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenLineAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SourceException e)
        {
            throw new StreamException(StreamError.Ended, e.Reason.Text);
        }
    }

    private async Task<TapoTalkLine> OpenLineAsync(CancellationToken cancellationToken)
    {
        // The line outlives the call, and the call's token. Without a timer there is nothing to dispose of where none comes about.
        var life = new CancellationTokenSource();
        TapoSession? session = null;
        using (cancellationToken.UnsafeRegister(static life => ((CancellationTokenSource)life!).Cancel(), life))
        {
            try
            {
                var wanted = client.Url.TalkMode ?? client.Context.Options.TalkMode;
                var mode = wanted ?? TapoTalkMode.Aec;
                session = await client.OpenAsync(PartWriter.Control(ControlRequest.Talk(1, mode)), life.Token).ConfigureAwait(false);
                var code = await AwaitAnswerAsync(session).ConfigureAwait(false);
                if (wanted is null && ControlError.MayBeMode(code))
                {
                    Log.HalfDuplex(client.Context.Logger, client.Url, code);
                    mode = TapoTalkMode.HalfDuplex;
                    var request = PartWriter.Control(ControlRequest.Talk(session.NextSequence(), mode));
                    await client.SendAsync(session.Camera, request).ConfigureAwait(false);
                    code = await AwaitAnswerAsync(session).ConfigureAwait(false);
                }

                if (code == ControlError.TalkInUse)
                    throw new StreamException(StreamError.Busy, ControlError.Explain(code).Text);
                if (code != 0)
                    throw new SourceException(ControlError.Explain(code));
                if (session.Number is null)
                    throw Failure.Malformed("the camera agreed to a talk without a session");
                var line = new TapoTalkLine(client, session, stream, life);
                await line.BeginAsync().ConfigureAwait(false);
                Log.Talks(client.Context.Logger, client.Url, stream, mode == TapoTalkMode.Aec ? "full duplex" : "half duplex");
                client.Context.Metrics.CountTalk();
                return line;
            }
            catch
            {
                if (session is not null)
                    await session.CloseAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    // The code of the answer; 0 for yes.
    private async ValueTask<int> AwaitAnswerAsync(TapoSession session)
    {
        session.Camera.Expect(client.Context.Options.RequestTimeout, "the camera did not answer the request to talk in time");
        while (true)
        {
            var part = await session.ReadAsync().ConfigureAwait(false);
            if (session.ReadMessage(part) is not { } message)
                continue;
            if (message.IsFinished)
                throw Failure.Of(CloseCode.PeerClosed, "the camera ended the talk");
            if (message.Answers != session.Sequence)
                continue;
            session.Number = message.Session;
            session.Camera.Expect(Timeout.InfiniteTimeSpan, "");
            return message.ErrorCode;
        }
    }
}
