namespace MediaGraph.Tests.Scheduling;

internal static class Lists
{
    /// <summary>Each number is the one before it and one more.</summary>
    public static bool IsContiguous(this IReadOnlyList<int> numbers)
    {
        for (var i = 1; i < numbers.Count; i++)
        {
            if (numbers[i] != numbers[i - 1] + 1)
                return false;
        }

        return true;
    }

    public static string Text(this IReadOnlyList<int> numbers) => string.Join(' ', numbers);
}
