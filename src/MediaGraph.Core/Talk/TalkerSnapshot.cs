using MediaGraph.Media;

namespace MediaGraph.Talk;

/// <summary>A view of who talks.</summary>
/// <param name="Protocol">What the talk comes in by.</param>
/// <param name="RemoteEndPoint">Where it comes from; null for the application itself.</param>
/// <param name="User">Whom the authorizer took the talker for; null for anonymous.</param>
/// <param name="Codec">The codec.</param>
/// <param name="State">Opening or talking.</param>
/// <param name="Age">For how long the place has been taken.</param>
/// <param name="Packets">Packets that the device was given.</param>
/// <param name="Dropped">Packets that were lost because the device did not take them in time.</param>
public sealed record TalkerSnapshot(
    string Protocol, string? RemoteEndPoint, string? User, Codec Codec, TalkState State, TimeSpan Age, long Packets, long Dropped);
