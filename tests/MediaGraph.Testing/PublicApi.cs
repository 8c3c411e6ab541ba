using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace MediaGraph.Testing;

/// <summary>Writes down what a library offers: its public and protected types and members, as text that is the same on every run.</summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>One paragraph per type, in ordinal order: its declaration, then its members, indented: fields, constructors, properties, events,
    /// methods.</summary>
    public static string Describe(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        var paragraphs = assembly.GetTypes()
            .Where(IsVisible)
            .OrderBy(type => Name(type), StringComparer.Ordinal)
            .Select(type => Declaration(type) + "\n" + string.Concat(Members(type).Select(member => $"    {member}\n")));
        return string.Join("\n", paragraphs);
    }

    /// <summary>What differs between two descriptions: "+ type: member" and "- type: member" lines, or nothing.</summary>
    public static string Difference(string before, string after)
    {
        var (old, now) = (Flatten(before), Flatten(after));
        var lines = old.Except(now).Select(line => (Line: line, Sign: '-'))
            .Concat(now.Except(old).Select(line => (Line: line, Sign: '+')))
            .OrderBy(change => change.Line, StringComparer.Ordinal)
            .Select(change => $"{change.Sign} {change.Line}");
        return string.Join("\n", lines);
    }

    /// <summary>Public, or protected in something public: what code outside the assembly can name.</summary>
    internal static bool IsVisible(Type type) =>
        type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!));

    private static List<string> Flatten(string description)
    {
        var lines = new List<string>();
        var type = "";
        foreach (var line in description.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(' '))
                lines.Add($"{type}: {line.Trim()}");
            else
                lines.Add(type = line.TrimEnd());
        }

        return lines;
    }

    private static string Declaration(Type type)
    {
        if (IsDelegate(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"public delegate {Name(invoke.ReturnType)} {Name(type)}({Parameters(invoke)}){Constraints(type.GetGenericArguments())}";
        }

        var isRecord = type.GetMethod("<Clone>$") is not null
            || (type.IsValueType && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null);
        var modifiers = type switch
        {
            { IsEnum: true } => "enum",
            { IsValueType: true } => (IsReadOnly(type) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + (isRecord ? "record struct" : "struct"),
            { IsInterface: true } => "interface",
            _ => (type.IsAbstract ? type.IsSealed ? "static " : "abstract " : type.IsSealed ? "sealed " : "") + (isRecord ? "record" : "class"),
        };
        var access = type.IsPublic || type.IsNestedPublic ? "public" : "protected";
        var bases = Bases(type, isRecord).ToArray();
        return $"{access} {modifiers} {Name(type)}{(bases.Length == 0 ? "" : " : " + string.Join(", ", bases))}{Constraints(type.GetGenericArguments())}";
    }

    private static IEnumerable<string> Bases(Type type, bool isRecord)
    {
        if (type.IsEnum)
        {
            var underlying = Enum.GetUnderlyingType(type);
            return underlying == typeof(int) ? [] : [Name(underlying)];
        }

        var inherited = type.BaseType?.GetInterfaces() ?? [];
        var interfaces = type.GetInterfaces().Except(inherited).ToArray();
        var own = interfaces.Except(interfaces.SelectMany(i => i.GetInterfaces()))
            .Where(i => i.IsVisible && !(isRecord && i == typeof(IEquatable<>).MakeGenericType(type)))
            .Select(Name).Order(StringComparer.Ordinal);
        var parent = type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) ? [Name(b)] : Array.Empty<string>();
        return parent.Concat(own);
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (IsDelegate(type))
            return [];
        if (type.IsEnum)
        {
            return type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => $"{field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}");
        }

        IEnumerable<string>[] groups =
        [
            type.GetFields(Declared).Where(IsVisible).Select(Field),
            type.GetConstructors(Declared).Where(c => !c.IsStatic && IsVisible(c))
                .Select(c => $"{Access(c)} {type.Name.Split('`')[0]}({Parameters(c)})"),
            type.GetProperties(Declared).Where(p => !IsGenerated(p)).Select(Property).OfType<string>(),
            type.GetEvents(Declared).Where(e => IsVisible(e.AddMethod!))
                .Select(e => $"{Modifiers(e.AddMethod!)}event {Name(e.EventHandlerType!)} {e.Name}"),
            type.GetMethods(Declared)
                .Where(m => IsVisible(m) && !IsGenerated(m) && (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)))
                .Select(Method),
        ];
        return groups.SelectMany(group => group.Order(StringComparer.Ordinal));
    }

    private static string Field(FieldInfo field)
    {
        var access = field.IsPublic ? "public" : "protected";
        if (field.IsLiteral)
            return $"{access} const {Name(field.FieldType)} {field.Name} = {Literal(field.GetRawConstantValue())}";
        return $"{access} {(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{Name(field.FieldType)} {field.Name}";
    }

    private static string? Property(PropertyInfo property)
    {
        var accessors = new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsVisible).ToArray();
        if (accessors.Length == 0)
            return null;
        var widest = accessors.FirstOrDefault(a => a.IsPublic) ?? accessors[0];
        var text = string.Concat(accessors.Select(a =>
        {
            var isInit = a.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            var word = a == property.GetMethod ? "get" : isInit ? "init" : "set";
            return (a.IsPublic == widest.IsPublic ? "" : "protected ") + word + "; ";
        }));
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        return $"{Modifiers(widest)}{required}{Name(property.PropertyType)} {name} {{ {text}}}";
    }

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        var constraints = method.IsGenericMethod ? Constraints(method.GetGenericArguments()) : "";
        return $"{Modifiers(method)}{Name(method.ReturnType)} {method.Name}{generic}({extension}{Parameters(method)}){constraints}";
    }

    private static string Modifiers(MethodInfo method)
    {
        var modifier = method switch
        {
            { IsStatic: true, IsAbstract: true } => "static abstract ",
            { IsStatic: true } => "static ",
            { DeclaringType.IsInterface: true, IsAbstract: true } => "",
            { IsAbstract: true } => "abstract ",
            { IsVirtual: true } when method.GetBaseDefinition() != method => method.IsFinal ? "sealed override " : "override ",
            { IsVirtual: true, IsFinal: false } => "virtual ",
            _ => "",
        };
        return $"{Access(method)} {modifier}";
    }

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Where(a => a.IsGenericParameter).Select(argument =>
    {
        var flags = argument.GenericParameterAttributes;
        var words = new List<string>();
        var isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            words.Add("class");
        if (isStruct)
            words.Add("struct");
        words.AddRange(argument.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(Name).Order(StringComparer.Ordinal));
        if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !isStruct)
            words.Add("new()");
        if (flags.HasFlag(GenericParameterAttributes.AllowByRefLike))
            words.Add("allows ref struct");
        return words.Count == 0 ? "" : $" where {argument.Name} : {string.Join(", ", words)}";
    }));

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var modifier = parameter switch
        {
            { IsOut: true } => "out ",
            { ParameterType.IsByRef: true } when parameter.IsDefined(typeof(IsReadOnlyAttribute)) => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) => "params ",
            _ => "",
        };
        var type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return $"{modifier}{Name(type)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Default(parameter, type) : "")}";
    }

    private static string Default(ParameterInfo parameter, Type type)
    {
        var value = parameter.RawDefaultValue;
        return value is null && type.IsValueType && Nullable.GetUnderlyingType(type) is null ? "default" : Literal(value);
    }

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return "ref " + Name(type.GetElementType()!);
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsPointer)
            return Name(type.GetElementType()!) + "*";
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        if (Keyword(type) is { } keyword)
            return keyword;

        var arguments = type.GetGenericArguments();
        var inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var name = new StringBuilder(type.Name.Split('`')[0]);
        if (arguments.Length > inherited)
            name.Append('<').AppendJoin(", ", arguments.Skip(inherited).Select(Name)).Append('>');
        var outer = type.DeclaringType is { } declaring
            ? Name(inherited > 0 ? declaring.MakeGenericType(arguments[..inherited]) : declaring)
            : type.Namespace;
        return string.IsNullOrEmpty(outer) ? name.ToString() : $"{outer}.{name}";
    }

    private static string? Keyword(Type type) => type == typeof(void) ? "void"
        : type == typeof(object) ? "object"
        : type == typeof(nint) ? "nint"
        : type == typeof(nuint) ? "nuint"
        : type.IsEnum ? null
        : Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "bool",
            TypeCode.Byte => "byte",
            TypeCode.Char => "char",
            TypeCode.Decimal => "decimal",
            TypeCode.Double => "double",
            TypeCode.Int16 => "short",
            TypeCode.Int32 => "int",
            TypeCode.Int64 => "long",
            TypeCode.SByte => "sbyte",
            TypeCode.Single => "float",
            TypeCode.String => "string",
            TypeCode.UInt16 => "ushort",
            TypeCode.UInt32 => "uint",
            TypeCode.UInt64 => "ulong",
            _ => null,
        };

    private static string Access(MethodBase method) => method.IsPublic ? "public" : "protected";

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    // What the compiler adds to a record follows from the word "record".
    private static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        || member is PropertyInfo { Name: "EqualityContract" };

    private static bool IsReadOnly(Type type) => type.IsDefined(typeof(IsReadOnlyAttribute), inherit: false);

    private static bool IsDelegate(Type type) => type.IsSubclassOf(typeof(MulticastDelegate));
}
