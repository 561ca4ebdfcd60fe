// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonLanguage

/// What the functions of the language and of its extensions yield, as their definitions say (cel-spec, doc/langdef.md;
/// cel-go, ext/README.md).
@Suite struct LibraryTests {
    static let error = Value.string("an error")

    private func value(_ source: String) throws -> Value {
        try compiled(source).evaluate(["alert": alert, "any": alert]).value ?? Self.error
    }

    static let times: [(String, Value)] = [
        ("timestamp('2009-02-13T23:31:30Z').getDayOfYear()", 43),
        ("timestamp('2009-02-13T23:31:30Z').getHours()", 23),
        ("timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds()", 123),
        ("timestamp('2009-02-13T23:31:30Z').getDate('Australia/Sydney')", 14),
        ("timestamp('2009-02-13T23:31:30Z').getMinutes('Asia/Kathmandu')", 16),
        ("timestamp('2009-02-13T02:00:00Z').getDayOfMonth('US/Central')", 11),
        ("timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30')", 11),
        ("timestamp('2009-02-13T23:31:30Z').getHours('02:00')", 1),
        ("timestamp('2009-02-13T23:31:30Z').getHours('-00:00')", 23),
        ("timestamp('9999-12-31T23:59:59.999999999Z')", "9999-12-31T23:59:59.999999999Z"),
        ("timestamp('0001-01-01T00:00:00Z')", "0001-01-01T00:00:00Z"), ("timestamp('0000-01-01T00:00:00Z')", error),
        ("timestamp('10000-01-01T00:00:00Z')", error), ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", error),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", error), ("timestamp('2026-02-30T00:00:00Z')", error),
        ("timestamp('2026-01-01T00:00:00+02:00')", "2025-12-31T22:00:00Z"), ("timestamp('2026-01-01')", error),
        ("timestamp('2026-01-01T00:00:00')", error), ("timestamp(0)", "1970-01-01T00:00:00Z"),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("timestamp('2026-01-01T00:00:10Z') - timestamp('2026-01-01T00:00:00Z')", "10s"),
        ("duration('10s') + timestamp(0)", "1970-01-01T00:00:10Z"),
        ("duration('1h45m47s')", "6347s"), ("duration('-1.5h')", "-5400s"), ("duration('100ms')", "0.1s"),
        ("duration('1us')", "0.000001s"),
        ("duration('10000s').getHours()", 2), ("duration('3730s').getMinutes()", 62),
        ("duration('123.321456789s').getMilliseconds()", 321),
        ("duration('')", error), ("duration('1')", error), ("duration('1d')", error),
        ("duration('320000000000s')", error),
        ("duration('1s') < duration('2s')", true), ("type(duration('1s')) == google.protobuf.Duration", true),
        ("type(timestamp(0)) == google.protobuf.Timestamp", true),
    ]

    static let texts: [(String, Value)] = [
        ("'tacocat'.charAt(3)", "o"), ("'tacocat'.charAt(7)", ""), ("'tacocat'.charAt(8)", error),
        ("'tacocat'.charAt(-1)", error),
        ("'tacocat'.indexOf('')", 0), ("'tacocat'.indexOf('ac')", 1), ("'tacocat'.indexOf('none')", -1),
        ("'tacocat'.indexOf('a', 3)", 5),
        ("'tacocat'.lastIndexOf('')", 7), ("'tacocat'.lastIndexOf('at')", 5), ("'tacocat'.lastIndexOf('a', 4)", 1),
        ("'tacocat'.lastIndexOf('a', -1)", error), ("'tacocat'.indexOf('a', 30)", error),
        ("'tacocat'.substring(4)", "cat"), ("'tacocat'.substring(0, 4)", "taco"),
        ("'tacocat'.substring(40)", error), ("'tacocat'.substring(2, 1)", error),
        ("' \\f\\n\\r\\t\\vtext  '.trim()", "text"), ("'\\u180etext\\u180e'.trim()", "\u{180E}text\u{180E}"),
        ("'12 days 12 hours'.replace('{0}', '2')", "12 days 12 hours"),
        ("'{0} days {0} hours'.replace('{0}', '2', 1)", "2 days {0} hours"),
        ("'abc'.replace('', '_')", "_a_b_c_"), ("'abc'.replace('', '_', 2)", "_a_bc"),
        ("'abc'.replace('b', '', 0)", "abc"), ("'hello'.split('')", ["h", "e", "l", "l", "o"]),
        ("'hello world'.split(' ', 1)", ["hello world"]), ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("'a,b'.split(',', 0)", []), ("''.split(',')", [""]), ("['x', 'y'].join()", "xy"),
        ("['x', 'y'].join('-')", "x-y"), ("[].join('-')", ""), ("'TacoCÆt'.lowerAscii()", "tacocÆt"),
        ("'tacoCαt'.upperAscii()", "TACOCαT"), ("'gums'.reverse()", "smug"),
        ("strings.quote('a\\n\"b\"\\t\\\\')", "\"a\\n\\\"b\\\"\\t\\\\\""), ("matches('abc', '^a')", true),
        ("'a' < 'b'", true), ("'' == ''", true), ("'ab' + 'c'", "abc"), ("size('')", 0), ("'abc'.contains('')", true),
        ("'abc'.endsWith('bc')", true),
    ]

    static let formats: [(String, Value)] = [
        ("'no'.format([])", "no"), ("'%s'.format(['x'])", "x"), ("'%% %s%%'.format(['x'])", "% x%"),
        ("'%d %d'.format([-1, 18446744073709551615u])", "-1 18446744073709551615"),
        ("'%.3f'.format([1.2345])", "1.234"), ("'%f'.format([1])", "1.000000"),
        ("'%.3e'.format([1052.032911275])", "1.052e+03"), ("'%e'.format([1052.032911275])", "1.052033e+03"),
        ("'%b'.format([5])", "101"), ("'%b'.format([-5])", "-101"), ("'%b'.format([true])", "1"),
        ("'%o'.format([11])", "13"), ("'%x'.format([30])", "1e"), ("'%X'.format([-30])", "-1E"),
        ("'%x'.format(['Hello world!'])", "48656c6c6f20776f726c6421"), ("'%X'.format([b'byte'])", "62797465"),
        ("'%f'.format([double('NaN')])", "NaN"), ("'%.1f'.format([double('-inf')])", "-Infinity"),
        ("'%s'.format([1.0])", "1"), ("'%s'.format([null])", "null"), ("'%s'.format([type('a')])", "string"),
        ("'%s'.format([duration('1h45m47s')])", "6347s"),
        ("'%s'.format([timestamp('2023-02-03T23:31:20+00:00')])", "2023-02-03T23:31:20Z"),
        ("'%s'.format([['abc', 3.14, null, [9, 8], true]])", "[abc, 3.14, null, [9, 8], true]"),
        (
            "'%s'.format([{'k2': duration('2h'), 'k1': b'xyz', 'k3': 2.4, 4: true}])",
            "{4: true, k1: xyz, k2: 7200s, k3: 2.4}"
        ),
        ("'%s'.format([b'abc'])", "abc"),
        ("'%s %s'.format(['x'])", error), ("'%'.format([1])", error), ("'%z'.format([1])", error),
        ("'%d'.format(['x'])", error), ("'%b'.format(['x'])", error), ("'%x'.format([1.5])", error),
        ("'%e'.format(['x'])", error),
    ]

    static let numbers: [(String, Value)] = [
        ("math.greatest(1, 2.0, 3u) == 3", true), ("math.least([5, -1, 2])", -1), ("math.greatest([])", error),
        ("math.ceil(1.2)", 2.0), ("math.floor(-1.2)", -2.0), ("math.round(-1.5)", -2.0),
        ("math.round(1.4999)", 1.0), ("math.trunc(-1.9)", -1.0), ("math.abs(-5)", 5),
        ("math.abs(-9223372036854775808)", error), ("math.sign(-0.5)", -1.0), ("math.sign(0u) == 0u", true),
        ("math.isNaN(0.0 / 0.0)", true), ("math.isInf(1.0 / 0.0)", true), ("math.isFinite(1.2)", true),
        ("math.bitAnd(6, 3)", 2), ("math.bitOr(1u, 2u) == 3u", true), ("math.bitXor(3, 5)", 6),
        ("math.bitNot(1)", -2),
        ("math.bitShiftLeft(1, 200)", 0), ("math.bitShiftRight(-1024, 3)", 2_305_843_009_213_693_824),
        ("math.bitShiftLeft(1, -1)", error), ("math.sqrt(81)", 9.0), ("int('12')", 12), ("int('1.5')", error),
        ("int(-1.9)", -1),
        ("uint('3') == 3u", true), ("uint(3.9) == 3u", true), ("double('1e3')", 1000.0), ("double('x')", error),
        ("bool('TRUE')", true), ("bool('tRuE')", error), ("string(1.5)", "1.5"), ("string(1e21)", "1e+21"),
        ("string(true)", "true"),
        ("string(b'\\xff')", error), ("-7 / 2", -3), ("-7 % 2", -1), ("7u / 2u == 3u", true),
        ("1.0 / 0.0 > 1e308", true), ("0.1 + 0.2 == 0.3", false), ("5 % -3", 2),
        ("base64.encode(b'hello')", "aGVsbG8="), ("base64.decode('aGVsbG8') == b'hello'", true),
        ("base64.decode('!')", error),
    ]

    static let networks: [(String, Value)] = [
        ("ip('192.168.0.1').family()", 4), ("ip('2001:db8::68').family()", 6),
        ("ip.isCanonical('2001:db8::68')", true), ("ip.isCanonical('2001:DB8::68')", false),
        ("isIP('192.168.0.256')", false), ("isIP('::1')", true),
        ("ip('192.168.01.1')", error), ("ip('::ffff:192.168.0.1')", error), ("ip('fe80::1%en0')", error),
        ("ip('127.0.0.1').isLoopback()", true), ("ip('0.0.0.0').isUnspecified()", true),
        ("ip('224.0.0.1').isLinkLocalMulticast()", true),
        ("ip('169.254.1.1').isLinkLocalUnicast()", true), ("ip('10.0.0.1').isGlobalUnicast()", true),
        ("cidr('192.168.0.0/24').containsIP('192.168.0.9')", true),
        ("cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", false),
        ("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')", true),
        ("cidr('192.168.10.0/24').containsCIDR(cidr('192.168.0.0/16'))", false),
        ("cidr('192.168.1.5/24').masked()", "192.168.1.0/24"), ("cidr('192.168.1.5/24').ip()", "192.168.1.5"),
        ("cidr('2001:db8::/32').prefixLength()", 32), ("cidr('10.0.0.0/33')", error), ("cidr('10.0.0.0')", error),
        ("isCIDR('10.0.0.0/8')", true), ("ip('2001:db8:0:0:0:0:0:1')", "2001:db8::1"),
        ("type(ip('::1')) == net.IP", true), ("type(cidr('::/0')) == net.CIDR", true),
        ("ip('10.0.0.1') == ip('10.0.0.1')", true), ("string(ip('::'))", "::"),
        ("cidr('::/0').containsIP('1.2.3.4')", false),
    ]

    static let optionals: [(String, Value)] = [
        ("optional.of(1).or(optional.none()).value()", 1), ("optional.none().orValue(2)", 2),
        ("optional.ofNonZeroValue(0).hasValue()", false), ("optional.ofNonZeroValue('x').value()", "x"),
        ("{'a': {'b': 1}}.?a.?b.value()", 1),
        ("{'a': {'b': 1}}.?x.?b.hasValue()", false), ("{'a': {'b': 1}}.?a.b.value()", 1),
        ("[1, 2][?5].orValue(9)", 9), ("[1, 2][?1].value()", 2), ("{'a': 1}[?'a'].optMap(x, x + 1).value()", 2),
        ("optional.none().optMap(x, x).hasValue()", false),
        ("{'a': {'b': 1}}.?a.optFlatMap(m, m.?b).value()", 1), ("[?optional.none(), ?optional.of(1)]", [1]),
        ("{?'a': optional.none(), ?'b': {'c': 2}.?c}", ["b": 2]), ("has({'a': optional.of({'b': 1})}.a.b)", true),
        ("optional.of(1) == optional.of(1)", true),
        ("optional.of(1) == optional.none()", false), ("optional.none().value()", error),
        ("optional.unwrap([optional.of(1), optional.none()])", [1]), ("[optional.of(1)].unwrapOpt()", [1]),
        ("[1, 2].first().value()", 1), ("[].last().hasValue()", false),
        ("type(optional.none()) == optional_type", true), ("optional.of(null).hasValue()", true),
        ("cel.bind(x, 3, x * x)", 9), ("[1, 2, 3].transformList(i, v, i > 0, i * v)", [2, 6]),
        ("['a'].transformMap(i, v, v)", ["0": "a"]), ("{'a': 1}.transformMap(k, v, v + 1)", ["a": 2]),
        ("{'a': 'b'}.transformMapEntry(k, v, {v: k})", ["b": "a"]),
        ("{'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k})", error), ("[1, 2].exists(i, v, i == v)", false),
        ("{'a': 1}.all(k, v, k == 'a' && v == 1)", true), ("[1, 2, 2].existsOne(i, v, v == 2)", false),
        ("[1, 2].map(x, x > 1, x * 2)", [4]), ("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"]),
        ("{'a': 1}.exists(k, k == 'a')", true), ("[[1]].exists(x, x.exists(x, x == 1))", true),
    ]

    @Test(arguments: times + texts + formats)
    func `times and texts are as the definitions say`(_ source: String, _ expected: Value) throws {
        #expect(try value(source) == expected)
    }

    @Test(arguments: numbers + networks + optionals)
    func `numbers, networks, optionals and loops are as the definitions say`(_ source: String, _ expected: Value) throws
    {
        #expect(try value(source) == expected)
    }
}
