using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Hosting.Tests;

[TestFixture]
public sealed class LibraryRulesTests() : LibraryRules("MediaGraph.Hosting");
