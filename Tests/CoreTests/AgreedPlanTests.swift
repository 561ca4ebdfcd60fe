// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// What a person saw before they agreed is part of the line that says they did.
@Suite struct AgreedPlanTests {
    @Test func `a plan that was agreed to is read back as it was written, and older lines have none`() throws {
        let plan = AgreedPlan(digest: "sha256:1", kept: "sha256:2", method: .link, group: "ops-chat")
        let event = Event.runResumed(step: nil, isForced: false, by: "ann", reason: "yes", plan: plan)
        #expect(try Event(kind: "runResumed", event.value) == event)
        #expect(event.evidence == ["sha256:2"])
        let old = Event.runResumed(step: nil, isForced: false, by: "ann", reason: "yes")
        #expect(old.value["plan"] == nil)
        #expect(try Event(kind: "runResumed", old.value) == old)
        #expect(old.evidence == [])
        #expect(throws: UnreadableRecord.self) {
            try Event(kind: "runResumed", ["by": "ann", "reason": "yes", "plan": ["digest": "x"]])
        }
    }
}
