// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import Foundation
import PackageDescription

// The walls of the house. `Sources/README.md` says what each room is for; the tidy test keeps the
// import table, because SwiftPM lets transitive imports through.
//
// CORDON_PARTS=language,core builds only those rooms (and what they stand on) without resolving the
// packages that they don't need: sanitizers, fuzzers and quick tests then take seconds.
// CORDON_BENCH=1 adds the benchmark (`Tests/Benchmarks/README.md`), which no plain build pays for.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// One room: its target, the rooms it stands on, the outside packages it may use, its tests.
struct Room {
    var key: String
    var name: String
    var rooms: [String] = []
    var c: [String] = []
    var products: [String] = []
    var isProgram = false
    var hasTests = true
}

let rooms: [Room] = [
    Room(key: "language", name: "CordonLanguage", products: ["Yams"]),
    Room(key: "core", name: "CordonCore", rooms: ["language"]),
    Room(key: "evidence", name: "CordonEvidence", products: ["Crypto"]),
    Room(key: "store", name: "CordonStore", rooms: ["core", "language"], c: ["CSQLite"]),
    Room(
        key: "connectors", name: "CordonConnectors", rooms: ["core", "language"], c: ["CCurl"],
        products: ["Crypto", "CryptoExtras", "SwiftASN1", "X509"]),
    Room(
        key: "engine", name: "CordonEngine",
        rooms: ["core", "language", "store", "connectors", "evidence"],
        products: ["Logging", "ServiceLifecycle", "Crypto"]),
    Room(
        key: "server", name: "CordonServer",
        rooms: ["engine", "core", "language", "store", "connectors", "evidence"],
        products: ["Hummingbird", "Logging", "NIOSSL", "ServiceLifecycle", "Crypto"]),
    Room(
        key: "program", name: "cordon",
        rooms: ["server", "engine", "core", "language", "store", "connectors", "evidence"],
        c: ["CAssets"],
        products: ["ArgumentParser", "Configuration", "Logging", "ServiceLifecycle"],
        isProgram: true, hasTests: false),
]

let packages: [(products: [String], dependency: Package.Dependency, name: String)] = [
    (
        ["Hummingbird"], .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        "hummingbird"
    ),
    (
        ["ArgumentParser"], .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        "swift-argument-parser"
    ),
    (
        ["Configuration"],
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        "swift-configuration"
    ),
    (["NIOSSL"], .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.2"), "swift-nio-ssl"),
    (["Logging"], .package(url: "https://github.com/apple/swift-log", from: "1.16.2"), "swift-log"),
    (
        ["ServiceLifecycle"],
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        "swift-service-lifecycle"
    ),
    (
        ["Crypto", "CryptoExtras"], .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        "swift-crypto"
    ),
    (["SwiftASN1"], .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"), "swift-asn1"),
    (["X509"], .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"), "swift-certificates"),
    (["Yams"], .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"), "Yams"),
]
// What the benchmark of calls is measured beside; Hummingbird brings it along anyway.
let peers: [(products: [String], dependency: Package.Dependency, name: String)] = [
    (
        ["AsyncHTTPClient"], .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        "async-http-client"
    ),
    (["NIOCore", "NIOHTTP1"], .package(url: "https://github.com/apple/swift-nio.git", from: "2.81.0"), "swift-nio"),
]

let peerProducts: [Target.Dependency] = peers.flatMap { peer in
    peer.products.map { name in Target.Dependency.product(name: name, package: peer.name) }
}

let asked = ProcessInfo.processInfo.environment["CORDON_PARTS"].map {
    Set($0.split(separator: ",").map(String.init))
}

func closure(of keys: Set<String>) -> Set<String> {
    var all = keys
    var grew = true
    while grew {
        let next = all.union(rooms.filter { all.contains($0.key) }.flatMap(\.rooms))
        grew = next.count > all.count
        all = next
    }
    return all
}

let built = asked.map(closure(of:)) ?? Set(rooms.map(\.key))
let chosen = rooms.filter { built.contains($0.key) }
let usedProducts = Set(chosen.flatMap(\.products))
let usedC = Set(chosen.flatMap(\.c))

@MainActor func product(_ name: String) -> Target.Dependency {
    let package = packages.first { $0.products.contains(name) }!  // the table above names every product
    return .product(name: name, package: package.name)
}

@MainActor func dependencies(of room: Room) -> [Target.Dependency] {
    rooms.filter { room.rooms.contains($0.key) }.map { .target(name: $0.name) }
        + room.c.map { .target(name: $0) } + room.products.map(product)
}

var targets: [Target] = []
if usedC.contains("CCurl") {
    targets.append(.systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]))
}
if usedC.contains("CSQLite") { targets.append(.systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])])) }
if usedC.contains("CAssets") {
    targets.append(.target(name: "CAssets", cSettings: [.unsafeFlags(["-Wno-c23-extensions"])]))
}
for room in chosen {
    if room.isProgram {
        targets.append(.executableTarget(name: room.name, dependencies: dependencies(of: room), swiftSettings: strict))
    } else {
        targets.append(.target(name: room.name, dependencies: dependencies(of: room), swiftSettings: strict))
    }
}

/// A test target exists once its folder does, so that a part can be built before its neighbors.
func exists(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests/" + folder)
}

let tests: [(name: String, needs: [String], products: [String])] = [
    ("TidyTests", [], []),
    ("LanguageTests", ["language"], []),
    ("CoreTests", ["core", "language"], []),
    ("EvidenceTests", ["evidence"], ["Crypto"]),
    ("StoreTests", ["store", "core", "language"], []),
    ("SimulationTests", ["store", "core", "language"], []),
    ("ConnectorTests", ["connectors", "core", "language"], ["Crypto", "CryptoExtras"]),
    (
        "EngineTests", ["engine", "core", "language", "store", "connectors", "evidence"],
        ["Crypto", "CryptoExtras", "ServiceLifecycle"]
    ),
    ("ServerTests", ["server", "engine", "core", "language", "store", "connectors", "evidence"], []),
    (
        "ProgramTests", ["program", "core", "language", "store", "connectors", "evidence"],
        ["Crypto", "CryptoExtras", "SwiftASN1", "X509"]
    ),
]
if exists("TestKit") { targets.append(.target(name: "TestKit", path: "Tests/TestKit", swiftSettings: strict)) }
// What the tests of several rooms need of a store.
if exists("StoreKit"), built.contains("store") {
    targets.append(
        .target(
            name: "StoreKit", dependencies: ["CordonStore", "CordonCore", "CordonLanguage", "TestKit"],
            path: "Tests/StoreKit", swiftSettings: strict))
}
for test in tests where exists(test.name) && Set(test.needs).isSubset(of: built) {
    let under = rooms.filter { test.needs.contains($0.key) }.map { Target.Dependency.target(name: $0.name) }
    let kit: [Target.Dependency] = exists("TestKit") ? [.target(name: "TestKit")] : []
    let storeKit: [Target.Dependency] =
        test.needs.contains("store") && exists("StoreKit") ? [.target(name: "StoreKit")] : []
    targets.append(
        .testTarget(
            name: test.name, dependencies: under + kit + storeKit + test.products.map(product),
            exclude: exists(test.name + "/Golden") ? ["Golden"] : [], swiftSettings: strict))
}
let isMeasured = ProcessInfo.processInfo.environment["CORDON_BENCH"] != nil && built.contains("core")
if isMeasured {
    targets.append(
        .target(
            name: "BenchKit", dependencies: ["CordonLanguage"], path: "Tests/Benchmarks/Kit", swiftSettings: strict))
    targets.append(
        .executableTarget(
            name: "cordon-bench-expressions", dependencies: ["BenchKit", "CordonLanguage", "CordonCore"],
            path: "Tests/Benchmarks/Expressions", exclude: ["cel_python.py"], swiftSettings: strict))
    if built.contains("program") {
        targets.append(
            .executableTarget(
                name: "cordon-bench",
                dependencies: ["BenchKit", "TestKit", "CordonLanguage", product("Crypto")],
                path: "Tests/Benchmarks",
                exclude: ["README.md", "Kit", "Expressions", "Engine", "Audit", "Quick", "Calls"],
                swiftSettings: strict))
        targets.append(
            .executableTarget(
                name: "cordon-bench-engine",
                dependencies: [
                    "BenchKit", "TestKit", "CordonLanguage", "CordonCore", "CordonStore", "CordonEvidence",
                    "CordonConnectors", "CordonEngine", product("Logging"),
                ],
                path: "Tests/Benchmarks/Engine", swiftSettings: strict))
        targets.append(
            .executableTarget(
                name: "cordon-bench-calls",
                dependencies: [
                    "BenchKit", "TestKit", "CordonCore", "CordonStore", "CordonEvidence", "CordonConnectors",
                    "CordonEngine", product("Logging"), product("Crypto"),
                ] + peerProducts,
                path: "Tests/Benchmarks/Calls", exclude: ["peer.c"], swiftSettings: strict))
        targets.append(
            .executableTarget(
                name: "cordon-bench-audit",
                dependencies: [
                    "BenchKit", "TestKit", "CordonLanguage", "CordonCore", "CordonStore", "CordonEvidence",
                    "CordonEngine", product("Logging"),
                ],
                path: "Tests/Benchmarks/Audit", swiftSettings: strict))
    }
}

let package = Package(
    name: "cordon",
    platforms: [.macOS(.v15)],
    products: built.contains("program") ? [.executable(name: "cordon", targets: ["cordon"])] : [],
    dependencies: packages.filter { !usedProducts.isDisjoint(with: $0.products) }.map(\.dependency)
        + (isMeasured && built.contains("program") ? peers.map(\.dependency) : []),
    targets: targets,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c2x
)
