using MediaGraph.Testing;
using NUnit.Framework;

namespace MediaGraph.Rtsp.Tests;

[TestFixture]
public sealed class LibraryRulesTests() : LibraryRules("MediaGraph.Rtsp");
