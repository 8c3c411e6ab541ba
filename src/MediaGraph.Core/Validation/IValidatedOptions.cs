namespace MediaGraph.Validation;

/// <summary>Settings that can say what is wrong with them.</summary>
public interface IValidatedOptions
{
    /// <summary>Lists everything that is out of its range, or cannot be used; empty when nothing is.</summary>
    /// <param name="prefix">What precedes the names in the messages, such as <c>MediaGraph:Rtmp:</c>.</param>
    IEnumerable<string> Validate(string prefix = "");
}
