// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

/// Each point at which something is written fails once in each way, with and without a crash after it. Afterwards
/// the ordinary start must find everything that was promised, and nothing that is wrong.
@Suite struct WritePointTests {
    private let early = Array("kept before".utf8)
    private let content = Array("the answer of the provider".utf8)

    @Test func `a failing write point of put loses nothing and leaves nothing wrong`() throws {
        let points = try points { model in
            try Blobs(at: "/b", disk: model)
        } of: {
            _ = try $0.put(content)
        }
        #expect(points == 6, "create, write, sync, rename, open the folder, sync it")
        for fault in FaultCase.all {
            for point in 1...points {
                let model = ModelDisk()
                let before = try Blobs(at: "/b", disk: model.disk).put(early)
                let switched = SwitchedDisk(model.disk)
                let blobs = try Blobs(at: "/b", disk: switched.disk)
                switched.use(Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk))
                #expect(throws: EvidenceError.self) { try blobs.put(content) }
                try expectSound(model, keeps: before, "\(fault) at point \(point)")
                model.crash(fault.names)
                try expectSound(model, keeps: before, "\(fault) at point \(point), after the crash")
            }
        }
    }

    @Test func `what put returned survives a crash at once`() throws {
        for names in ModelDisk.UnsyncedNames.allCases {
            let model = ModelDisk()
            let digest = try Blobs(at: "/b", disk: model.disk).put(content)
            model.crash(names)
            #expect(try Blobs(at: "/b", disk: model.disk).get(digest) == content)
        }
    }

    @Test func `a put that finds a file left by a crash makes it durable`() throws {
        let model = ModelDisk()
        let switched = SwitchedDisk(model.disk)
        let blobs = try Blobs(at: "/b", disk: switched.disk)
        // Point 5 opens the folder for its sync: the name is there, but not synced.
        switched.use(Fault(at: 5, .notStored, .dies).disk(over: model.disk))
        #expect(throws: EvidenceError(.writeFailed, "")) { try blobs.put(content) }
        let digest = try Blobs(at: "/b", disk: model.disk).put(content)
        model.crash(.lost)
        #expect(try Blobs(at: "/b", disk: model.disk).get(digest) == content)
    }

    @Test(arguments: [1, 2, 3, 4, 130, 259, 260, 261])
    func `a store whose making failed can be made again`(point: Int) throws {
        for fault in FaultCase.all {
            let model = ModelDisk()
            let broken = Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk)
            #expect(throws: EvidenceError.self) { try Blobs(at: "/b", disk: broken) }
            model.crash(fault.names)
            let digest = try Blobs(at: "/b", disk: model.disk).put(content)
            model.crash(.lost)
            #expect(try Blobs(at: "/b", disk: model.disk).get(digest) == content, "\(fault)")
        }
    }

    @Test func `a failed sync has its own code, whichever sync it was`() throws {
        for point in [3, 6] {
            let model = ModelDisk()
            let switched = SwitchedDisk(model.disk)
            let blobs = try Blobs(at: "/b", disk: switched.disk)
            switched.use(Fault(at: point).disk(over: model.disk))
            #expect(throws: EvidenceError(.syncFailed, "")) { try blobs.put(content) }
        }
    }

    @Test func `an erased blob does not come back`() throws {
        for fault in FaultCase.all {
            for point in 1...3 {
                let model = ModelDisk()
                let switched = SwitchedDisk(model.disk)
                let blobs = try Blobs(at: "/b", disk: switched.disk)
                let digest = try blobs.put(content)
                switched.use(Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk))
                #expect(throws: EvidenceError.self) { try blobs.erase(digest) }
                model.crash(fault.names)
                let reopened = try Blobs(at: "/b", disk: model.disk)
                if try reopened.contains(digest) { #expect(try reopened.get(digest) == content) }
                _ = try reopened.erase(digest)
                model.crash(.lost)
                #expect(try !Blobs(at: "/b", disk: model.disk).contains(digest))
            }
        }
    }

    @Test func `the same faults on the disk of this machine leave nothing wrong`() throws {
        for kind in Fault.Kind.allCases {
            for afterwards in Fault.Afterwards.allCases {
                for point in 1...6 {
                    let scratch = try Scratch()
                    let switched = SwitchedDisk(.real)
                    let blobs = try Blobs(at: scratch.path + "/b", disk: switched.disk)
                    switched.use(Fault(at: point, kind, afterwards).disk(over: .real))
                    #expect(throws: EvidenceError.self) { try blobs.put(content) }
                    let reopened = try Blobs(at: scratch.path + "/b")
                    for digest in try reopened.digests() { #expect(try reopened.get(digest) == content) }
                    #expect(try reopened.get(reopened.put(content)) == content)
                    try reopened.sweep()
                    #expect(scratch.files().count == 1)
                }
            }
        }
    }

    private func expectSound(_ model: ModelDisk, keeps before: Digest, _ comment: Comment) throws {
        let blobs = try Blobs(at: "/b", disk: model.disk)
        #expect(try blobs.get(before) == early, comment)
        for digest in try blobs.digests() where digest != before { #expect(try blobs.get(digest) == content, comment) }
        try blobs.sweep()
        #expect(model.paths.allSatisfy { !$0.contains(Disk.draftPrefix) }, comment)
    }

    /// How many write points the body has on what `open` makes.
    private func points<Opened>(_ open: (Disk) throws -> Opened, of body: (Opened) throws -> Void) throws -> Int {
        let switched = SwitchedDisk(ModelDisk().disk)
        let opened = try open(switched.disk)
        let counter = Fault(at: Int.max)
        switched.use(counter.disk(over: switched.underneath))
        try body(opened)
        return counter.pointsSeen
    }
}
