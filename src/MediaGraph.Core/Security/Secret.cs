using System.Security.Cryptography;
using System.Text;

namespace MediaGraph.Security;

/// <summary>A password or token. It prints as <c>***</c>; only <see cref="Reveal"/> gives it away.</summary>
public readonly struct Secret(string? value) : IEquatable<Secret>
{
    private readonly string? _value = value;

    /// <summary>Whether there is nothing in it.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(_value);

    /// <summary>The text itself: for checking it, never for printing it.</summary>
    public string Reveal() => _value ?? "";

    /// <summary>Compares in a time that does not tell how much was right.</summary>
    public bool Equals(Secret other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Reveal()), Encoding.UTF8.GetBytes(other.Reveal()));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Secret other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => 0; // a hash would tell something of the secret

    /// <inheritdoc/>
    public override string ToString() => "***";

    /// <inheritdoc cref="Equals(Secret)"/>
    public static bool operator ==(Secret left, Secret right) => left.Equals(right);

    /// <inheritdoc cref="Equals(Secret)"/>
    public static bool operator !=(Secret left, Secret right) => !left.Equals(right);
}
