using MediaGraph.Containers.MpegTs;

namespace MediaGraph.Testing.Tapo;

/// <summary>The pictures and the sound of the emulator.</summary>
internal sealed class TapoEmulatorMedia
{
    private const string StartCode = "00000001";
    private const string H264Delimiter = StartCode + "09F0";
    private const string H264Sets = StartCode + "6742c01ed90141fb0110000003001000000301e0f162e480" + StartCode + "68ebe3cb22c0";

    private const string H265Sets = StartCode + "40010c01ffff02200000030090000003000003005d928090" + StartCode +
        "42010102200000030090000003000003005da00280802d136592a4932bc05a02000007d20000ea6010" + StartCode + "4401c172b46240";

    private readonly TapoEmulatorOptions _options;
    private readonly MpegTsWriter _writer;
    private readonly long _start = 1_000_000; // ticks of 90 kHz
    private readonly long _interval;
    private int _frames;

    public TapoEmulatorMedia(TapoEmulatorOptions options)
    {
        _options = options;
        _interval = (long)(options.FrameInterval.TotalSeconds * 90_000);
        var video = new MpegTsStream(0x44, options.IsH265 ? MpegTsStreamType.H265 : MpegTsStreamType.H264);
        var audio = new MpegTsStream(0x45, options.Sound == TapoSound.Pcma ? MpegTsStreamType.Pcma : MpegTsStreamType.Pcmu);
        _writer = options.Sound == TapoSound.None ? new MpegTsWriter(video) : new MpegTsWriter(video, audio);
    }

    public byte[] Tables()
    {
        var tables = new byte[MpegTsWriter.TablesLength];
        _writer.WriteTables(tables);
        return tables;
    }

    /// <summary>The next frame, with the sound beside it.</summary>
    public byte[] Next()
    {
        var time = _start + (_frames * _interval);
        var isKeyframe = _frames++ % _options.FramesPerGroup == 0;
        byte[] video = [.. Convert.FromHexString(Head(isKeyframe)), .. Picture(isKeyframe)];
        var bytes = Write(0, time, video);
        if (_options.Sound == TapoSound.None)
            return bytes;
        var rate = _options.Sound == TapoSound.Pcmu16 ? 16_000 : 8_000;
        var sound = new byte[(int)(_interval * rate / 90_000)];
        sound.AsSpan().Fill((byte)_frames);
        return [.. bytes, .. Write(1, time, sound)];
    }

    private string Head(bool isKeyframe) => (_options.IsH265, isKeyframe) switch
    {
        (false, true) => H264Delimiter + H264Sets + StartCode + "65",
        (false, false) => H264Delimiter + StartCode + "41",
        (true, true) => H265Sets + StartCode + "2601",
        _ => StartCode + "0201",
    };

    // Numbered, and without anything that looks like a start code.
    private byte[] Picture(bool isKeyframe)
    {
        var picture = new byte[isKeyframe ? _options.KeyframeLength : Math.Max(8, _options.KeyframeLength / 10)];
        picture.AsSpan().Fill((byte)(0x80 | (_frames & 0x7F)));
        return picture;
    }

    private byte[] Write(int stream, long time, byte[] unit)
    {
        var packets = new byte[MpegTsWriter.MeasureUnit(unit.Length)];
        return packets[.._writer.WriteUnit(stream, time, unit, packets)];
    }
}
