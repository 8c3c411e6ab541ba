namespace MediaGraph.Rtsp.Rtp;

/// <summary>What a NAL unit is for.</summary>
internal enum NalRole
{
    /// <summary>Delimits or fills; not kept.</summary>
    Nothing,

    /// <summary>Describes pictures; becomes the codec.</summary>
    ParameterSet,

    /// <summary>Belongs to the picture, and shows nothing: SEI and the like.</summary>
    Supplement,

    /// <summary>A part of a picture.</summary>
    Picture,

    /// <summary>A part of a picture that needs what is before its keyframe, and cannot be decoded where decoding starts there.</summary>
    Leading,

    /// <summary>A part of a picture at which decoding can start.</summary>
    Keyframe,
}
