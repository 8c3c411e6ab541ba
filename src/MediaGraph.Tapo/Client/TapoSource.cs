using System.Collections.Immutable;
using MediaGraph.Containers.MpegTs;
using MediaGraph.Graph;
using MediaGraph.Sources;
using MediaGraph.Talk;
using MediaGraph.Tapo.Control;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Multipart;

namespace MediaGraph.Tapo.Client;

/// <summary>A Tapo or VIGI camera.</summary>
internal sealed class TapoSource(TapoContext context, TapoUrl url) : CameraSource(context, url)
{
    private const byte Sync = 0x47;

    private readonly TapoClient _client = new(context, url);

    protected override ISpeaker? CreateSpeaker(string stream) => Context.Options.Talk ? new TapoSpeaker(_client, stream) : null;

    protected override async Task PreviewAsync(Run run, bool withAudio, CancellationToken cancellationToken)
    {
        var request = PartWriter.Control(ControlRequest.Preview(1, Url.Channel, Url.Resolution, withAudio));
        var session = await _client.OpenAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            // Media may come before the answer: the first keyframe is among them.
            session.Camera.Expect(Context.Options.RequestTimeout, "the camera did not answer the request for its stream in time");
            await ReadAsync(run, session).ConfigureAwait(false);
        }
        finally
        {
            await session.CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(Run run, TapoSession session)
    {
        var writer = run.Writer as MpegTsFeedWriter;
        writer?.Restart();
        var isFirst = true;
        while (true)
        {
            var part = await session.ReadAsync().ConfigureAwait(false);
            if (session.ReadMessage(part) is { } message)
            {
                if (Take(message, session))
                {
                    Begin(run, ref writer);
                    ExpectMedia(session);
                }

                continue;
            }

            if (!part.Is("video/mp2t"))
                continue;
            var media = session.Open(part);
            if (media.IsEmpty)
                continue;
            if (isFirst && part.IsEncrypted && media.Span[0] != Sync)
                throw Failure.Malformed("the camera's media cannot be decrypted: the key is another");
            isFirst = false;
            var units = Begin(run, ref writer).Units;
            if (!Write(run, writer!, media.Span))
                throw new SourceException(run.Revoked ?? new CloseReason(CloseCode.Replaced, "the stream has ended"));
            if (writer!.Units != units)
                ExpectMedia(session); // what holds no frame, such as null packets, is no sign of life
        }
    }

    // True when the camera has agreed.
    private static bool Take(ControlMessage message, TapoSession session)
    {
        if (message.IsFinished)
            throw Failure.Of(CloseCode.PublisherLeft, "the camera ended the stream");
        if (message.Answers != session.Sequence)
            return false;
        if (message.ErrorCode != 0)
            throw new SourceException(ControlError.Explain(message.ErrorCode));
        session.Number ??= message.Session;
        return true;
    }

    private void ExpectMedia(TapoSession session) =>
        session.Camera.Expect(Context.Options.MediaTimeout, "the camera sends no media: it may be in privacy mode");

    private MpegTsFeedWriter Begin(Run run, ref MpegTsFeedWriter? writer)
    {
        if (writer is not null)
            return writer;
        writer = new MpegTsFeedWriter(run.Publish(), Context.Options.MaxFrameBytes);
        run.Writer = writer;
        Log.Pulled(Context.Logger, run.Session.StreamName, Url);
        return writer;
    }

    private bool Write(Run run, MpegTsFeedWriter writer, ReadOnlySpan<byte> media)
    {
        var wanted = run.Session.Wanted;
        writer.TakesVideo = (wanted & SourceMedia.Video) != 0;
        writer.TakesAudio = (wanted & SourceMedia.Audio) != 0;
        var known = writer.Streams;
        var isFed = writer.Write(media);
        if (known != writer.Streams)
            LogLeftOut(run, writer.Streams);
        return isFed;
    }

    private void LogLeftOut(Run run, ImmutableArray<MpegTsStream> streams)
    {
        foreach (var stream in streams.Where(stream => MpegTsStreamType.NameOf(stream.Type) is null))
            Log.StreamLeftOut(Context.Logger, Url, stream.Type, run.Session.StreamName);
    }
}
