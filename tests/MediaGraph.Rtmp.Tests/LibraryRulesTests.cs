using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtmp.Tests;

[TestFixture]
public sealed class LibraryRulesTests() : LibraryRules("MediaGraph.Rtmp");
