// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// WHEN and HOW FAR: which signals, about whom, with whose consent, and the workflow that then runs.
package struct Playbook: Sendable, Hashable {
    package enum Mode: String, Sendable, Hashable, CaseIterable {
        case off
        /// Decides on live signals and changes nothing.
        case shadow
        /// Opens a run that waits for a person before anything is done.
        case propose
        case enforce
    }

    /// What an error in `when` means.
    package enum OnUndecided: String, Sendable, Hashable, CaseIterable { case ask, skip, fire }

    /// How many runs a subject may have at a time. `many` is for what takes nothing away: telling people, posting.
    package enum PerSubject: String, Sendable, Hashable, CaseIterable { case one, many }

    package struct Trigger: Sendable, Hashable {
        package var signalKind: String
        package var condition: Expression?
        package var onUndecided: OnUndecided
        package var subjectKind: Subject.Kind
        /// The path within the signal that names the subject: `credential` for `signal.credential`.
        package var subjectPath: [String]
        /// Later signals about the same subject join the live run that was opened no longer ago than this.
        package var groupMilliseconds: Int64?
        /// Whether a run has its subject to itself, and waits until no other has.
        package var perSubject: PerSubject

        package init(
            signalKind: String, condition: Expression?, onUndecided: OnUndecided = .ask, subjectKind: Subject.Kind,
            subjectPath: [String], groupMilliseconds: Int64? = nil, perSubject: PerSubject = .one
        ) {
            self.perSubject = perSubject
            self.groupMilliseconds = groupMilliseconds
            self.signalKind = signalKind
            self.condition = condition
            self.onUndecided = onUndecided
            self.subjectKind = subjectKind
            self.subjectPath = subjectPath
        }
    }

    package var name: String
    package var title: String
    package var owner: String
    package var mode: Mode
    package var trigger: Trigger
    package var workflow: String
    package var arguments: [String: Arguments]
    /// The step whose effect contains the incident.
    package var containedBy: String?
    /// Containment within this span is the objective; measured, not enforced.
    package var containedWithinMilliseconds: Int64?
    /// Framework name to the identifiers that the playbook answers.
    package var maps: [String: [String]]
    package var guards: Guards
    package var digest: String

    package init(
        name: String, title: String, owner: String, mode: Mode, trigger: Trigger, workflow: String,
        arguments: [String: Arguments], containedBy: String? = nil, containedWithinMilliseconds: Int64? = nil,
        maps: [String: [String]] = [:], guards: Guards = Guards(), digest: String
    ) {
        self.guards = guards
        self.containedBy = containedBy
        self.name = name
        self.title = title
        self.owner = owner
        self.mode = mode
        self.trigger = trigger
        self.workflow = workflow
        self.arguments = arguments
        self.containedWithinMilliseconds = containedWithinMilliseconds
        self.maps = maps
        self.digest = digest
    }

    package var pin: Run.Pin { Run.Pin(name: name, digest: digest) }
}
