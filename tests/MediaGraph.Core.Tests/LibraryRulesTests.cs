using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Core.Tests;

[TestFixture]
public sealed class LibraryRulesTests() : LibraryRules("MediaGraph.Core");
