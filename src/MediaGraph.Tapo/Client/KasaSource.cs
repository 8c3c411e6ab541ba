using System.Globalization;
using System.Text;
using MediaGraph.Containers.AnnexB;
using MediaGraph.Graph;
using MediaGraph.Media;
using MediaGraph.Sources;
using MediaGraph.Streams;
using MediaGraph.Tapo.Diagnostics;
using MediaGraph.Tapo.Http;
using MediaGraph.Tapo.Multipart;

namespace MediaGraph.Tapo.Client;

/// <summary>A Kasa camera: an HTTPS answer that never ends, with a frame in each of its parts. It takes no sound.</summary>
internal sealed class KasaSource(TapoContext context, TapoUrl url) : CameraSource(context, url)
{
    private const int SampleRate = 8_000;
    private const double MaxTime = 1e11; // seconds: no clock says more

    private static readonly Codec Sound = new(MediaKind.Audio, CodecNames.Pcmu, SampleRate, channels: 1);

    protected override async Task PreviewAsync(Run run, bool withAudio, CancellationToken cancellationToken)
    {
        var camera = await CameraConnection.OpenAsync(Context, Url, cancellationToken).ConfigureAwait(false);
        await using (camera.ConfigureAwait(false))
        {
            camera.Expect(Context.Options.WriteTimeout, "the camera takes nothing");
            await camera.SendAsync(Request()).ConfigureAwait(false);
            camera.Expect(Context.Options.RequestTimeout, "the camera did not answer in time");
            var response = await HttpResponse.ReadAsync(camera).ConfigureAwait(false);
            if (response.Status == 401)
                throw Failure.Refused("the camera refuses the user or the password");
            if (response.Status != 200)
                throw Failure.Refused(string.Create(CultureInfo.InvariantCulture, $"the camera answers {response.Status}"));
            ExpectMedia(camera);
            if (await camera.IsChunkedAsync().ConfigureAwait(false))
                camera.Unchunk();
            await ReadAsync(run, camera, MultipartReader.BoundaryOf(response)).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(Run run, CameraConnection camera, string boundary)
    {
        var parts = new MultipartReader(camera, boundary, Math.Max(Context.Options.MaxPartBytes, Context.Options.MaxFrameBytes));
        var writer = run.Writer as Writer;
        writer?.Video.Restart();
        while (true)
        {
            var part = await parts.ReadAsync().ConfigureAwait(false) ?? throw CameraConnection.Closed();
            var isVideo = part.Is("video/x-h264");
            if (!isVideo && !part.Is("audio/g711u"))
                continue;
            ExpectMedia(camera);
            if (writer is null)
            {
                run.Writer = writer = new Writer(run.Publish(), Context.Time);
                Log.Pulled(Context.Logger, run.Session.StreamName, Url);
            }

            if (!writer.Write(part, isVideo, run.Session.Wanted))
                throw new SourceException(run.Revoked ?? new CloseReason(CloseCode.Replaced, "the stream has ended"));
        }
    }

    private void ExpectMedia(CameraConnection camera) => camera.Expect(Context.Options.MediaTimeout, "the camera sends no media");

    // The account's password goes in base 64, and with the user once more (RFC 7617).
    private byte[] Request()
    {
        var password = Convert.ToBase64String(Encoding.UTF8.GetBytes(Url.Password.Reveal()));
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Url.User}:{password}"));
        var host = Url.Host.Contains(':', StringComparison.Ordinal) ? $"[{Url.Host}]" : Url.Host;
        return Encoding.Latin1.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"GET {Url.RequestUri} HTTP/1.1\r\nHost: {host}:{Url.Port}\r\n" +
            $"Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n"));
    }

    private sealed class Writer(Feed feed, TimeProvider timeProvider)
    {
        private readonly KasaClock _clock = new(timeProvider);
        private FeedTrack? _sound;

        public AnnexBFeedWriter Video { get; } = new(feed, CodecNames.H264);

        // False when the feed has ended.
        public bool Write(in Part part, bool isVideo, SourceMedia wanted)
        {
            var time = TimeOf(part);
            var body = part.Body.IsSingleSegment ? part.Body.FirstSpan : System.Buffers.BuffersExtensions.ToArray(part.Body);
            if (isVideo)
            {
                if ((wanted & SourceMedia.Video) == 0)
                {
                    Video.Restart();
                    return true;
                }

                var ticks = (long)(time * Codec.VideoClockRate);
                return Video.Write(body, ticks, ticks);
            }

            if ((wanted & SourceMedia.Audio) == 0 || body.IsEmpty)
                return true;
            _sound ??= feed.AddTrack(Track.Of(Sound));
            return _sound.Write(body, TimeSpan.FromSeconds(time));
        }

        // Unix time with a fraction.
        private double TimeOf(in Part part) => _clock.Place(
            double.TryParse(part.Headers["X-Timestamp"], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var time) &&
            time is >= 0 and < MaxTime
                ? time
                : null);
    }
}
