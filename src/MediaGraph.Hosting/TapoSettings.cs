using MediaGraph.Tapo;

namespace MediaGraph.Hosting;

/// <summary>The section <c>Tapo</c>.</summary>
internal static class TapoSettings
{
    public static TapoOptions Read(SettingsReader tapo)
    {
        var defaults = new TapoOptions();
        return new TapoOptions
        {
            DialTimeout = tapo.Time("DialTimeout", defaults.DialTimeout),
            RequestTimeout = tapo.Time("RequestTimeout", defaults.RequestTimeout),
            MediaTimeout = tapo.Time("MediaTimeout", defaults.MediaTimeout),
            WriteTimeout = tapo.Time("WriteTimeout", defaults.WriteTimeout),
            Talk = tapo.Flag("Talk", defaults.Talk),
            TalkMode = tapo.Text("TalkMode") is null ? null : tapo.Choice("TalkMode", TapoTalkMode.Aec),
            TalkPart = tapo.Time("TalkPart", defaults.TalkPart),
            MaxPartBytes = tapo.Int32("MaxPartBytes", defaults.MaxPartBytes),
            MaxFrameBytes = tapo.Int32("MaxFrameBytes", defaults.MaxFrameBytes),
            KasaTls = tapo.Section("KasaTls").TlsClient(defaults.KasaTls),
        };
    }
}
