using System.Collections.Immutable;
using MediaGraph.Diagnostics;
using MediaGraph.Packets;

namespace MediaGraph.Graph;

/// <summary>
/// A part of the graph: receiver, converter or sender. It has one parent at most, hands each packet to a snapshot of its
/// children, and is closed once and for ever. <c>Graph/README.md</c> states the rules that every member keeps. Thread-safe.
/// </summary>
public abstract class Node
{
    // Guards _children, _cache, _closed and _reason. Nothing is called, awaited, logged or sent under it.
    private readonly Lock _childrenLock = new();
    private GroupCache? _cache; // set before anyone sees the node
    private readonly bool _closesWhenEmpty;
    private Node[] _children = []; // replaced, never edited
    private Node? _parent;
    private CloseReason? _reason;
    private volatile bool _closed;

    private protected Node(GroupCacheOptions? cache, bool closesWhenEmpty)
    {
        SetCache(cache);
        _closesWhenEmpty = closesWhenEmpty;
    }

    /// <summary>The node that feeds this one; null while detached.</summary>
    public Node? Parent => Volatile.Read(ref _parent);

    /// <summary>The nodes that this one feeds, at this moment.</summary>
    public ImmutableArray<Node> Children => [.. Volatile.Read(ref _children)];

    /// <summary>Whether the node was closed; it is never opened again.</summary>
    public bool IsClosed => _closed;

    /// <summary>Why the node was closed; null while it is open.</summary>
    public CloseReason? Reason => Volatile.Read(ref _reason);

    /// <summary>
    /// Attaches a child, which then gets every later packet. False, with nothing changed, when either is closed, the child has a
    /// parent, or the child is an ancestor of this node.
    /// </summary>
    public bool TryAttach(Node child)
    {
        ArgumentNullException.ThrowIfNull(child);
        if (!child.TryClaim(this))
            return false;
        GraphLock.Point();
        if (child.IsAncestorOf(this))
        {
            child.Unclaim(this);
            return false;
        }

        GroupCursor? cursor;
        using (GraphLock.Enter(_childrenLock))
        {
            // The child's flag is read without its lock: a child that closes after this removes itself from the list below,
            // for which it needs the lock that is held here.
            if (_closed || child._closed)
            {
                child.Unclaim(this);
                return false;
            }

            _children = [.. _children, child];
            cursor = child.WantsReplay ? _cache?.OpenCursor() : null;
        }

        child.OnAttached(cursor);
        return true;
    }

    /// <summary>
    /// Attaches a child below a converter, which is shared with all children that need the same format and made when there is
    /// none. False when this node or the child is closed, or the child has a parent.
    /// </summary>
    /// <param name="child">Who wants the format.</param>
    /// <param name="format">Names the format; compared by equality.</param>
    /// <param name="create">Makes a converter to the format.</param>
    public bool TryAttach(Node child, object format, Func<Converter> create)
    {
        ArgumentNullException.ThrowIfNull(child);
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(create);
        if (child.IsAncestorOf(this))
            return false;
        while (!_closed && !child._closed && child.Parent is null)
        {
            var converter = FindConverter(format) ?? PublishConverter(format, create);
            if (converter is null)
                return false;
            if (converter.TryAttach(child))
                return true;
            GraphLock.Point();
            converter.CloseIfUnused(); // the converter was closing, which a retry cures, or the child cannot be attached
        }

        return false;
    }

    /// <summary>
    /// Closes the node and everything below it, and detaches it. Returns without waiting for anyone; may be called anywhere and
    /// more than once: the first call does the work.
    /// </summary>
    public virtual void Close(CloseReason reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Node[] children;
        PacketGroup? group;
        using (GraphLock.Enter(_childrenLock))
        {
            if (_closed)
                return;
            _closed = true;
            _reason = reason;
            children = _children;
            _children = [];
            group = _cache?.Clear();
        }

        FinishClose(children, group, reason);
    }

    /// <summary>Hands a packet to every child. The caller keeps its reference; callers do not overlap.</summary>
    private protected void FanOut(MediaPacket packet)
    {
        Node[] children;
        PacketGroup? expired;
        using (GraphLock.Enter(_childrenLock))
        {
            if (_closed)
                return;
            expired = _cache?.Append(packet);
            children = _children;
        }

        expired?.Release();
        for (var i = 0; i < children.Length; i++)
        {
            // What a step fetches tells where the next step's memory is, and has arrived by then.
            if (i + 4 < children.Length)
                CacheLines.Prefetch(children[i + 4], 2);
            if (i + 3 < children.Length)
                children[i + 3].Prefetch(1);
            if (i + 2 < children.Length)
                children[i + 2].Prefetch(2);
            if (i + 1 < children.Length)
                children[i + 1].Prefetch(3);
            children[i].Accept(packet);
        }
    }

    private protected void SetCache(GroupCacheOptions? options) => _cache = options is null ? null : new GroupCache(options);

    /// <summary>Forgets what late joiners would be given.</summary>
    private protected void ClearCache()
    {
        PacketGroup? group;
        using (GraphLock.Enter(_childrenLock))
            group = _cache?.Clear();
        group?.Release();
        foreach (var child in Volatile.Read(ref _children))
            child.ClearCache();
    }

    /// <summary>Takes a packet from the parent. Borrowed: whoever stores it retains it.</summary>
    internal abstract void Accept(MediaPacket packet);

    /// <summary>Asks for the memory that <see cref="Accept"/> will need soon: steps 1 to 3, with an <see cref="Accept"/> of others between them.</summary>
    internal virtual void Prefetch(int step)
    {
    }

    /// <summary>Whether the node wants the parent's group when it is attached.</summary>
    internal virtual bool WantsReplay => false;

    /// <summary>Called once the node is among its parent's children, with what it asked for by <see cref="WantsReplay"/>.</summary>
    internal virtual void OnAttached(GroupCursor? replay) => replay?.Dispose();

    private bool TryClaim(Node parent) =>
        !_closed && Interlocked.CompareExchange(ref _parent, parent, null) is null;

    private void Unclaim(Node parent) => Interlocked.CompareExchange(ref _parent, null, parent);

    private bool IsAncestorOf(Node node)
    {
        for (var ancestor = node; ancestor is not null; ancestor = ancestor.Parent)
        {
            if (ReferenceEquals(ancestor, this))
                return true;
        }

        return false;
    }

    private void FinishClose(Node[] children, PacketGroup? group, CloseReason reason)
    {
        group?.Release();
        foreach (var child in children)
        {
            GraphLock.Point();
            child.Close(reason);
        }

        GraphLock.Point();
        Interlocked.Exchange(ref _parent, null)?.Remove(this);
    }

    private void Remove(Node child)
    {
        PacketGroup? group = null;
        var unused = false;
        using (GraphLock.Enter(_childrenLock))
        {
            var index = Array.IndexOf(_children, child);
            if (index < 0)
                return;
            _children = [.. _children[..index], .. _children[(index + 1)..]];
            unused = MarkClosedIfUnusedLocked(ref group);
        }

        if (unused)
            FinishClose([], group, CloseReason.Unused);
    }

    private void CloseIfUnused()
    {
        PacketGroup? group = null;
        bool unused;
        using (GraphLock.Enter(_childrenLock))
            unused = MarkClosedIfUnusedLocked(ref group);
        if (unused)
            FinishClose([], group, CloseReason.Unused);
    }

    private bool MarkClosedIfUnusedLocked(ref PacketGroup? group)
    {
        if (!_closesWhenEmpty || _closed || _children.Length > 0)
            return false;
        _closed = true;
        _reason = CloseReason.Unused;
        group = _cache?.Clear();
        return true;
    }

    private Converter? FindConverter(object format)
    {
        foreach (var child in Volatile.Read(ref _children))
        {
            if (child is Converter { IsClosed: false } converter && converter.Format.Equals(format))
                return converter;
        }

        return null;
    }

    // A new converter is filled with this node's group before anyone sees it. What comes in meanwhile is filled in the next
    // round; a conversion is faster than the media, so the rounds end.
    private Converter? PublishConverter(object format, Func<Converter> create)
    {
        var converter = create();
        converter.Prepare(format, _cache?.Options);
        if (!converter.TryClaim(this))
            throw new InvalidOperationException("A new converter must be open and without a parent.");
        GroupCursor? cursor = null;
        var generation = -1L;
        var filled = 0;
        try
        {
            while (true)
            {
                var isStale = false;
                using (GraphLock.Enter(_childrenLock))
                {
                    if (_closed)
                        return null;
                    if (FindConverter(format) is { } other)
                        return other;
                    if (_cache is null || (_cache.Generation == generation && _cache.Count == filled)
                        || (_cache.Count == 0 && filled == 0))
                    {
                        _children = [.. _children, converter];
                        var published = converter;
                        converter = null;
                        return published;
                    }

                    if (_cache.Generation != generation)
                        (isStale, filled) = (filled > 0, 0);
                    generation = _cache.Generation;
                    cursor = _cache.OpenCursor();
                }

                if (isStale)
                    converter.ClearCache(); // between what it has and what comes, packets were missed
                for (var skip = filled; cursor is { Remaining: > 0 }; cursor.MoveNext())
                {
                    if (skip-- > 0)
                        continue;
                    converter.Fill(cursor.Current);
                    filled++;
                }

                cursor?.Dispose();
                cursor = null;
            }
        }
        finally
        {
            cursor?.Dispose();
            if (converter is not null)
            {
                converter.Unclaim(this);
                converter.Close(CloseReason.Unused);
            }
        }
    }
}
