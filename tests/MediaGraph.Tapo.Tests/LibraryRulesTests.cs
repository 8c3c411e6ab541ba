using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Tapo.Tests;

[TestFixture]
public sealed class LibraryRulesTests() : LibraryRules("MediaGraph.Tapo");
