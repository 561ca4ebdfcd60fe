// SPDX-License-Identifier: Apache-2.0

/// Every function and operator that an expression may call, with its overloads.
enum Signatures {
    static let all: [String: [Overload]] = {
        var table: [String: [Overload]] = [:]
        for text in [operators, core, times, strings, optionals, math, encodings, networks] {
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: " ", maxSplits: 1)
                table[String(parts[0]), default: []] += parts[1].split(separator: ";").map { Overload($0) }
            }
        }
        return table
    }()

    private static let operators = """
        !_ (bool)->bool
        -_ (int)->int; (double)->double
        _+_ (int,int)->int; (uint,uint)->uint; (double,double)->double; (string,string)->string
        _+_ (bytes,bytes)->bytes; (list(A),list(A))->list(A); (timestamp,duration)->timestamp
        _+_ (duration,timestamp)->timestamp; (duration,duration)->duration
        _-_ (int,int)->int; (uint,uint)->uint; (double,double)->double; (timestamp,timestamp)->duration
        _-_ (timestamp,duration)->timestamp; (duration,duration)->duration
        _*_ (int,int)->int; (uint,uint)->uint; (double,double)->double
        _/_ (int,int)->int; (uint,uint)->uint; (double,double)->double
        _%_ (int,int)->int; (uint,uint)->uint
        _==_ (A,A)->bool
        _!=_ (A,A)->bool
        _<_ \(ordered)
        _<=_ \(ordered)
        _>_ \(ordered)
        _>=_ \(ordered)
        @in (A,list(A))->bool; (A,map(A,B))->bool
        _[_] (list(A),int)->A; (map(A,B),A)->B; (optional_type(list(A)),int)->optional_type(A)
        _[_] (optional_type(map(A,B)),A)->optional_type(B)
        _[?_] (list(A),int)->optional_type(A); (map(A,B),A)->optional_type(B)
        _[?_] (optional_type(list(A)),int)->optional_type(A); (optional_type(map(A,B)),A)->optional_type(B)
        """

    private static let ordered = """
        (bool,bool)->bool; (int,int)->bool; (uint,uint)->bool; (double,double)->bool; (string,string)->bool;\
        (bytes,bytes)->bool; (timestamp,timestamp)->bool; (duration,duration)->bool; (int,uint)->bool;\
        (int,double)->bool; (uint,int)->bool; (uint,double)->bool; (double,int)->bool; (double,uint)->bool
        """

    private static let core = """
        size (string)->int; (bytes)->int; (list(A))->int; (map(A,B))->int
        size string.()->int; bytes.()->int; list(A).()->int; map(A,B).()->int
        type (A)->type(A)
        dyn (A)->dyn
        int (int)->int; (uint)->int; (double)->int; (string)->int; (timestamp)->int; (duration)->int
        uint (uint)->uint; (int)->uint; (double)->uint; (string)->uint
        double (double)->double; (int)->double; (uint)->double; (string)->double
        bool (bool)->bool; (string)->bool
        string (string)->string; (bool)->string; (int)->string; (uint)->string; (double)->string; (bytes)->string
        string (timestamp)->string; (duration)->string; (ip)->string; (cidr)->string
        bytes (bytes)->bytes; (string)->bytes
        startsWith string.(string)->bool
        endsWith string.(string)->bool
        contains string.(string)->bool
        matches string.(string)->bool; (string,string)->bool
        """

    private static let times = """
        timestamp (timestamp)->timestamp; (string)->timestamp; (int)->timestamp
        duration (duration)->duration; (string)->duration; (int)->duration
        getFullYear timestamp.()->int; timestamp.(string)->int
        getMonth timestamp.()->int; timestamp.(string)->int
        getDayOfYear timestamp.()->int; timestamp.(string)->int
        getDayOfMonth timestamp.()->int; timestamp.(string)->int
        getDate timestamp.()->int; timestamp.(string)->int
        getDayOfWeek timestamp.()->int; timestamp.(string)->int
        getHours timestamp.()->int; timestamp.(string)->int; duration.()->int
        getMinutes timestamp.()->int; timestamp.(string)->int; duration.()->int
        getSeconds timestamp.()->int; timestamp.(string)->int; duration.()->int
        getMilliseconds timestamp.()->int; timestamp.(string)->int; duration.()->int
        """

    private static let strings = """
        charAt string.(int)->string
        indexOf string.(string)->int; string.(string,int)->int
        lastIndexOf string.(string)->int; string.(string,int)->int
        lowerAscii string.()->string
        upperAscii string.()->string
        trim string.()->string
        reverse string.()->string
        replace string.(string,string)->string; string.(string,string,int)->string
        split string.(string)->list(string); string.(string,int)->list(string)
        substring string.(int)->string; string.(int,int)->string
        join list(string).()->string; list(string).(string)->string
        format string.(list(dyn))->string
        strings.quote (string)->string
        """

    private static let optionals = """
        optional.of (A)->optional_type(A)
        optional.ofNonZeroValue (A)->optional_type(A)
        optional.none ()->optional_type(A)
        optional.unwrap (list(optional_type(A)))->list(A)
        unwrapOpt list(optional_type(A)).()->list(A)
        hasValue optional_type(A).()->bool
        value optional_type(A).()->A
        or optional_type(A).(optional_type(A))->optional_type(A)
        orValue optional_type(A).(A)->A
        first list(A).()->optional_type(A)
        last list(A).()->optional_type(A)
        """

    private static let math = """
        math.ceil (double)->double
        math.floor (double)->double
        math.round (double)->double
        math.trunc (double)->double
        math.sqrt (double)->double; (int)->double; (uint)->double
        math.abs (int)->int; (uint)->uint; (double)->double
        math.sign (int)->int; (uint)->uint; (double)->double
        math.isNaN (double)->bool
        math.isInf (double)->bool
        math.isFinite (double)->bool
        math.bitAnd (int,int)->int; (uint,uint)->uint
        math.bitOr (int,int)->int; (uint,uint)->uint
        math.bitXor (int,int)->int; (uint,uint)->uint
        math.bitNot (int)->int; (uint)->uint
        math.bitShiftLeft (int,int)->int; (uint,int)->uint
        math.bitShiftRight (int,int)->int; (uint,int)->uint
        """

    private static let encodings = """
        base64.encode (bytes)->string
        base64.decode (string)->bytes
        """

    private static let networks = """
        ip (string)->ip; (ip)->ip; cidr.()->ip
        isIP (string)->bool
        ip.isCanonical (string)->bool
        family ip.()->int
        isUnspecified ip.()->bool
        isLoopback ip.()->bool
        isGlobalUnicast ip.()->bool
        isLinkLocalMulticast ip.()->bool
        isLinkLocalUnicast ip.()->bool
        cidr (string)->cidr; (cidr)->cidr
        isCIDR (string)->bool
        containsIP cidr.(ip)->bool; cidr.(string)->bool
        containsCIDR cidr.(cidr)->bool; cidr.(string)->bool
        masked cidr.()->cidr
        prefixLength cidr.()->int
        """

    /// Functions of any number of arguments; the checker has a rule of its own for them.
    static let extrema: Set<String> = ["math.greatest", "math.least"]

    /// Names that stand for types.
    static let typeNames: [String: (name: String, type: StaticType)] = [
        "bool": ("bool", .bool), "int": ("int", .int), "uint": ("uint", .uint), "double": ("double", .double),
        "string": ("string", .string), "bytes": ("bytes", .bytes), "null_type": ("null_type", .null),
        "list": ("list", .list(.dynamic)), "map": ("map", .map(.dynamic, .dynamic)), "type": ("type", .type(.dynamic)),
        "google.protobuf.Timestamp": ("google.protobuf.Timestamp", .timestamp),
        "google.protobuf.Duration": ("google.protobuf.Duration", .duration),
        "optional_type": ("optional_type", .optional(.dynamic)),
        "net.IP": ("net.IP", .address), "net.CIDR": ("net.CIDR", .network),
    ]
}
