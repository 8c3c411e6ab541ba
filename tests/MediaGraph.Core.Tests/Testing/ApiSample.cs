namespace MediaGraph.Core.Tests.Testing;

/// <summary>What <see cref="PublicApiTests"/> describes.</summary>
public abstract class ApiSample<T> : IDisposable where T : class, new()
{
    public const int Limit = 3;
    public static readonly byte[] Bytes = [];

    private protected int _hidden;

    protected ApiSample() => _hidden = 0;

    public required string Name { get; init; }

    public virtual int this[int index]
    {
        get => _hidden;
        protected set => _hidden = value;
    }

    public abstract void Dispose();

    public override string ToString() => Name;

    protected abstract void Run<TItem>(ref TItem item, TimeSpan? limit = null, string name = "a") where TItem : struct;

    internal void Hidden() => _hidden++;
}
