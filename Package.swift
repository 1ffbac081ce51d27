// swift-tools-version: 6.2
// Millrace's targets, one line each, lowest level first. Arrows point down only; Tests/TidyTests
// holds every `import` in Sources against this table. docs/ARCHITECTURE.md has the picture.

import PackageDescription

/// What every Swift target is built with.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// What works much out: optimized in a build for debugging too, with every check left in, so that
/// tests get through thousands of queries in seconds.
let optimized: [SwiftSetting] = [
    .unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))
]

/// The level of processors that the hot loops are built for, such as x86-64-v3; nil: any of the
/// architecture. The Makefile names what the machine has. No function of theirs that other targets call takes a vector of more than
/// 128 bits: how that is passed depends on the processor.
let cpu = Context.environment["MILLRACE_CPU"].flatMap { $0.isEmpty ? nil : $0 }

/// A library target.
func library(
    _ name: String, _ dependencies: [Target.Dependency], hot: Bool = false, works: Bool = false
) -> Target {
    let flags: [SwiftSetting] =
        hot
        ? [
            .unsafeFlags(
                ["-Ounchecked"] + (cpu.map { ["-Xcc", "-march=\($0)"] } ?? []),
                .when(configuration: .release))
        ] : []
    return .target(
        name: name, dependencies: dependencies,
        swiftSettings: settings + flags + (hot || works ? optimized : []))
}

/// A library target that wraps C: every unsafe expression in it is spelled `unsafe`.
func wrapper(
    _ name: String, _ dependencies: [Target.Dependency], works: Bool = false
) -> Target {
    .target(
        name: name, dependencies: dependencies,
        swiftSettings: settings + [.strictMemorySafety()] + (works ? optimized : []))
}

/// An executable: wiring only.
func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The unit tests of one library.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
    works: Bool = false
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
        exclude: exclude, swiftSettings: settings + (works ? optimized : []))
}

/// A C library of the system, found through pkg-config.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let inMemoryLogging = Target.Dependency.product(name: "InMemoryLogging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let configuration = Target.Dependency.product(
    name: "Configuration", package: "swift-configuration")
let arguments = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")

let package = Package(
    name: "millrace",
    products: [
        .executable(name: "millrace", targets: ["millrace"]),
        .executable(name: "millrace-collector", targets: ["collector"]),
        .executable(name: "millrace-log", targets: ["logserver"]),
        .executable(name: "millrace-worker", targets: ["worker"]),
        .executable(name: "millrace-store", targets: ["storenode"]),
        .executable(name: "millrace-query", targets: ["queryserver"]),
        .executable(name: "millrace-lag", targets: ["lagmonitor"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // The C line: one importing target each.
        system("CUV", pkgConfig: "libuv", apt: "libuv1-dev"),
        system("CRdKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
        system("CRocksDB", pkgConfig: "rocksdb", apt: "librocksdb-dev"),
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CMaxMindDB", pkgConfig: "libmaxminddb", apt: "libmaxminddb-dev"),
        .target(
            name: "CBase",
            cSettings: cpu.map {
                [.define("MILLRACE_CPU", to: "\"\($0)\"", .when(configuration: .release))]
            } ?? []),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        // Level 0: bytes, numbers, limits.
        wrapper("Base", ["CBase"], works: true),

        // Level 1: pure vocabulary and formats.
        library("Model", ["Base"], works: true),
        wrapper("JSON", ["Base", "CSimdJSON"], works: true),
        wrapper("Crypto", ["Base", "COpenSSL"]),
        wrapper("Compression", ["Base", "CZstd", "CZlib"]),
        library("KafkaWire", ["Base"]),
        library("Kernels", ["Base"], hot: true),
        library("Aggregate", ["Base", "Model", "Kernels"], works: true),
        library("Plan", ["Base", "Model", "Aggregate"], works: true),
        library("Columns", ["Base", "Model", "Compression", "Kernels"], works: true),
        library("Wire", ["Base", "Model", "Aggregate", "Plan"], works: true),

        // Level 2: one capability each.
        library("Enrich", ["Base", "Model", "JSON"]),
        wrapper("GeoIP", ["Enrich", "CMaxMindDB"]),
        wrapper("EventLoop", ["Base", "Crypto", "CUV", logging]),
        wrapper("LogClient", ["Base", "Model", "CRdKafka", logging, metrics]),
        wrapper("RowStore", ["Base", "Model", "CRocksDB", logging]),
        library("Topology", ["Base", "Model", "JSON", logging, metrics]),
        library("Query", ["Base", "Model", "JSON", "Aggregate", "Plan"], works: true),
        library("Lag", ["Base", "Model", "JSON"]),
        library(
            "Scan", ["Base", "Model", "JSON", "Aggregate", "Plan", "Columns", "Kernels"],
            works: true),

        // Level 3: services built of them.
        library(
            "HTTP", ["Base", "Model", "JSON", "Compression", "EventLoop", logging, metrics]),
        library(
            "RPC",
            [
                "Base", "Model", "Crypto", "Plan", "Wire", "EventLoop", logging, metrics,
                coreMetrics,
            ]),
        library(
            "LogServer",
            [
                "Base", "Compression", "KafkaWire", "Crypto", "EventLoop", logging, metrics,
                coreMetrics, deque,
            ]),
        library(
            "EventStore",
            [
                "Base", "Model", "Aggregate", "Plan", "Columns", "RowStore", "Scan", "Wire",
                logging, metrics, coreMetrics,
            ], works: true),
        library("Catalog", ["Base", "Model", "JSON", "Crypto", "LogClient", logging, metrics]),
        library("Access", ["Base", "Model", "JSON", "Crypto", "Catalog"]),
        library(
            "Ingest",
            [
                "Base", "Model", "JSON", "Enrich", "HTTP", "EventLoop", "LogClient", "Catalog",
                "Access", logging, metrics, coreMetrics,
            ]),
        library(
            "Bolts",
            [
                "Base", "Model", "JSON", "Enrich", "Aggregate", "Columns", "Topology",
                "LogClient", "Wire", "RPC", logging, metrics,
            ]),
        library(
            "LagService",
            [
                "Base", "HTTP", "JSON", "EventLoop", "LogClient", "RPC", "Wire", "Model", "Lag",
                logging,
            ]),
        library(
            "StoreService",
            [
                "Base", "Model", "Plan", "Aggregate", "Scan", "Wire", "RPC", "EventLoop",
                "EventStore", logging, metrics,
            ]),
        library(
            "QueryService",
            [
                "Base", "Model", "JSON", "Crypto", "Compression", "Aggregate", "Plan", "Wire",
                "Query", "HTTP", "RPC", "EventLoop", "LogClient", "Catalog", "Access", logging,
                metrics, coreMetrics,
            ]),

        // Level 4: what every process shares, and the parts of the operator's command.
        library(
            "Runtime",
            [
                "Base", "Model", "Crypto", "EventLoop", "HTTP", logging, metrics, coreMetrics,
                lifecycle, unixSignals, configuration,
            ]),
        library("Supervisor", ["Base", "Model", "JSON", "EventLoop", "HTTP", logging]),
        library(
            "Import",
            ["Base", "Model", "JSON", "Compression", "EventLoop", "HTTP", logging]),

        // Level 5: executables.
        executable(
            "collector",
            [
                "Base", "Runtime", "EventLoop", "HTTP", "Ingest", "Catalog", "Access", "LogClient",
                arguments, logging, lifecycle, configuration,
            ]),
        executable(
            "logserver",
            [
                "Base", "Crypto", "Runtime", "EventLoop", "HTTP", "LogServer", arguments, logging,
                lifecycle, unixSignals, configuration,
            ]),
        executable(
            "worker",
            [
                "Base", "Model", "JSON", "Runtime", "EventLoop", "HTTP", "RPC", "LogClient",
                "Topology", "Bolts", "Enrich", "GeoIP", "Wire", arguments, logging, lifecycle,
                configuration,
            ]),
        executable(
            "storenode",
            [
                "Base", "Model", "Crypto", "Runtime", "EventLoop", "RPC", "EventStore",
                "StoreService", arguments, logging, lifecycle, configuration,
            ]),
        executable(
            "queryserver",
            [
                "Base", "Model", "Runtime", "EventLoop", "HTTP", "RPC", "Wire", "LogClient",
                "Catalog", "Access",
                "Ingest", "QueryService", arguments, logging, lifecycle, configuration,
            ]),
        executable(
            "lagmonitor",
            [
                "Base", "Runtime", "EventLoop", "HTTP", "RPC", "LogClient", "Lag", "LagService",
                arguments, logging, lifecycle, unixSignals, configuration,
            ]),
        executable(
            "millrace",
            [
                "Base", "Model", "JSON", "Runtime", "EventLoop", "HTTP", "LogClient", "Catalog",
                "Supervisor", "Import", "Crypto", "RPC", "Wire", "Topology", "Bolts",
                "Enrich", "GeoIP", arguments,
                logging, unixSignals,
            ]),

        // Measured by make bench; nothing depends on it.
        .executableTarget(
            name: "benchstore",
            dependencies: [
                "Base", "Model", "Aggregate", "Plan", "Columns", "Bolts", "EventStore", arguments,
                logging,
            ],
            path: "Benchmarks/store", swiftSettings: settings),

        // A topology of one's own, explained in docs/topology.md; the tests run it.
        .executableTarget(
            name: "eventcounts",
            dependencies: [
                "Base", "Model", "JSON", "Topology", "LogClient", "Bolts", arguments, logging,
            ],
            path: "Examples/EventCounts", swiftSettings: settings),

        // Tests.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests", dependencies: ["TestSupport"], swiftSettings: settings),
        .executableTarget(
            name: "fakeprocess",
            dependencies: ["Base", "EventLoop", "HTTP", "Runtime", lifecycle],
            path: "Tests/FakeProcess", swiftSettings: settings),
        tests(
            "Supervisor", ["Base", "Model", "JSON", "EventLoop", "HTTP", "TestSupport", logging]),
        tests("Import", ["Base", "JSON", "EventLoop", "HTTP", "TestSupport", logging]),
        tests("EventLoop", ["Base", "Crypto", "TestSupport"]),
        tests("HTTP", ["Base", "EventLoop", "TestSupport", logging]),
        tests(
            "Bolts",
            [
                "Base", "Model", "Aggregate", "JSON", "Enrich", "Plan", "Columns", "Crypto",
                "EventLoop", "EventStore", "LogClient", "MockLog", "RPC", "StoreService",
                "TestSupport",
                "Topology",
                "Wire", logging, inMemoryLogging,
            ]),
        tests("Base", []),
        tests("Enrich", ["Base", "JSON"]),
        tests("GeoIP", ["Base", "Enrich", "TestSupport"]),
        tests("Model", ["Base"]),
        tests("Topology", ["Base", "Model", "JSON", logging]),
        tests("Crypto", ["Base", "TestSupport"]),
        tests("Wire", ["Base", "Model", "Aggregate", "Plan", "TestSupport"]),
        tests(
            "Runtime",
            [
                "Base", "Model", "Crypto", "EventLoop", "HTTP", "TestSupport", logging, metrics,
                coreMetrics, lifecycle,
            ]),
        tests(
            "RPC",
            [
                "Base", "Model", "Aggregate", "Plan", "Crypto", "EventLoop", "Wire", "TestSupport",
                logging, inMemoryLogging,
            ]),
        tests("Kernels", ["Base"]),
        tests("Scan", ["Base", "Model", "JSON", "Aggregate", "Plan", "Columns"]),
        tests("Aggregate", ["Base", "Model"]),
        tests("Plan", ["Aggregate", "Model"]),
        tests("Lag", []),
        tests(
            "LagService",
            [
                "Base", "Crypto", "EventLoop", "HTTP", "JSON", "Lag", "LogClient", "MockLog",
                "Model", "RPC", "Wire", "TestSupport", logging,
            ]),
        tests("JSON", ["Base"]),
        tests("Columns", ["Base", "Model"]),
        tests("Compression", ["Base"]),
        tests("RowStore", ["Base", "Model"]),
        tests(
            "EventStore",
            ["Base", "Model", "Aggregate", "Plan", "Columns", "RowStore", "Wire", logging]),
        tests(
            "StoreService",
            [
                "Base", "Model", "Aggregate", "Plan", "Columns", "Crypto", "EventLoop",
                "EventStore", "RPC", "Wire", "TestSupport", logging,
            ]),
        tests("Query", ["Base", "Model", "JSON", "Aggregate", "Plan"]),
        tests(
            "QueryService",
            [
                "Base", "Model", "JSON", "Crypto", "Aggregate", "Plan", "Wire", "Query",
                "EventLoop", "HTTP", "RPC", "EventStore", "LogClient", "Catalog", "Bolts",
                "StoreService", "MockLog", "TestSupport", logging,
            ], works: true),
        tests("KafkaWire", ["Base"], exclude: ["Fixtures"]),
        .testTarget(
            name: "LogGroupsTests",
            dependencies: ["LogServer", "Base", "EventLoop", "KafkaWire", "TestSupport", logging],
            swiftSettings: settings),
        .target(
            name: "MockLog", dependencies: ["CRdKafka"], path: "Tests/MockLog",
            swiftSettings: settings),
        tests("LogClient", ["MockLog", logging]),
        tests("Catalog", ["Base", "Model", "LogClient", "MockLog", "TestSupport", logging]),
        tests("Access", ["Base", "Model", "JSON", "Catalog"]),
        tests(
            "Ingest",
            [
                "Base", "Model", "JSON", "HTTP", "EventLoop", "LogClient", "Catalog", "MockLog",
                "TestSupport", logging, inMemoryLogging,
            ]),
        tests(
            "LogServer",
            [
                "Base", "Model", "KafkaWire", "Crypto", "EventLoop", "LogClient", "TestSupport",
                logging,
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)
