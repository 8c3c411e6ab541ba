namespace MediaGraph.Tests.Scheduling;

/// <summary>Handed to one waiting thread; an event that needs no dispose.</summary>
internal sealed class Baton
{
    private readonly object _monitor = new();
    private bool _here;

    public void Pass()
    {
        lock (_monitor)
        {
            _here = true;
            Monitor.Pulse(_monitor);
        }
    }

    public void Take()
    {
        lock (_monitor)
        {
            while (!_here)
                Monitor.Wait(_monitor);
            _here = false;
        }
    }
}
