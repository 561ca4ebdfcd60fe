// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage

extension ProviderShape {
    package struct Request: Sendable, Hashable {
        package var method: String
        /// The setting that holds the URL.
        package var to: String
        /// Appended to it. What its holes give is percent-encoded and may be neither empty nor hold a slash.
        package let path: Template?
        /// Appended to that, slashes and all: the name of an object in a store. No segment of it may be empty or dots.
        package let tail: Template?
        package let query: [String: Arguments]
        /// Names in lower case.
        package let headers: [String: Arguments]
        package let form: [String: Arguments]
        package var json: Arguments? { didSet { reads = found } }
        /// A body as it stands.
        package let text: Template?
        /// What the JSON body, or the text, is sent as.
        package var mediaType: String
        /// What templates have as `jwt`.
        package let jwt: WebToken?
        /// What its templates read, found once: every call asks.
        private var reads = Reads([], key: nil)
        /// It says nothing of who asks: it goes elsewhere than the credential is for.
        package var isAnonymous: Bool
        /// It is a mail, handed to a server over SMTP.
        package var mail: Mail? { didSet { reads = found } }
        /// Who asks is whoever holds the credential that was just issued.
        package var isAsIssued = false
        /// Its address is read just before, and sent back whole with the members of `json` set: what is read is stored
        /// nowhere. For providers that take what a representation lacks for a wish to have it gone.
        package var isMerged = false

        package init(
            method: String, to: String, path: Template?, tail: Template? = nil, query: [String: Arguments] = [:],
            headers: [String: Arguments] = [:], form: [String: Arguments] = [:], json: Arguments? = nil,
            text: Template? = nil, mediaType: String = "application/json", jwt: WebToken? = nil,
            isAnonymous: Bool = false
        ) {
            self.isAnonymous = isAnonymous
            self.method = method
            self.to = to
            self.path = path
            self.tail = tail
            self.query = query
            self.headers = headers
            self.form = form
            self.json = json
            self.text = text
            self.mediaType = mediaType
            self.jwt = jwt
            reads = found
        }

        /// It carries an issued secret, so it can be sent only while that is in memory.
        var needsIssued: Bool { isAsIssued || reads.readsIssued }

        /// It names what was made by what its making answered.
        var takesResult: Bool { reads.readsResult }

        /// It carries the mark of what its step makes; what a token says may be anything.
        var needsMark: Bool { reads.readsMark || jwt != nil }

        /// It names what was read before the change.
        var takesBefore: Bool { reads.readsBefore }

        /// The parts of an issued secret that it names one by one.
        var issuedParts: [String] { reads.issuedParts }

        /// The secrets that its templates name.
        var secrets: Set<String> { reads.secrets }

        private var found: Reads {
            let trees = Array(query.values) + Array(headers.values) + Array(form.values) + (json.map { [$0] } ?? [])
            let texts = [path, tail, text, mail?.title, mail?.text].compactMap { $0 }
            return Reads(trees.flatMap(\.reads) + texts.flatMap { $0.holes.flatMap(\.reads) }, key: jwt?.key)
        }

        private struct Reads: Sendable, Hashable {
            let readsIssued, readsResult, readsBefore, readsMark: Bool
            let issuedParts: [String]
            let secrets: Set<String>

            init(_ paths: [[String]], key: String?) {
                readsIssued = paths.contains { $0.first == "issued" }
                readsResult = paths.contains { $0.starts(with: ["with", "result"]) }
                readsBefore = paths.contains { $0.starts(with: ["with", "before"]) }
                readsMark = paths.contains { $0.first == "mark" }
                issuedParts = paths.filter { $0.starts(with: ["issued", "value"]) && $0.count > 2 }.map { $0[2] }
                secrets = Set(
                    paths.filter { $0.first == "secret" && $0.count > 1 }.map { $0[1] } + [key].compactMap(\.self))
            }
        }
    }

    /// A mail to one address of the connection. A repeat has the same Message-ID.
    package struct Mail: Sendable, Hashable {
        /// Settings.
        package var from: String
        package var recipient: String
        package var user: String?
        /// An optional secret.
        package var password: String?
        package var title: Template
        package var text: Template

        /// What stands in a request's place of a method.
        static let method = "MAIL"
    }

    /// What an answer means. The rules first, then the sets; a status in none is classified by its hundred: see `read`.
    package struct Answers: Sendable, Hashable {
        /// For what the status alone doesn't tell, of `status`, `headers`, `body` and `with`. The first that holds speaks.
        package struct Rule: Sendable, Hashable {
            /// Looked at for these alone; `nil`: for every status.
            package var statuses: Set<Int>?
            package var condition: Expression
            package var means: Outcome.Kind

            package init(statuses: Set<Int>?, condition: Expression, means: Outcome.Kind) {
                self.statuses = statuses
                self.condition = condition
                self.means = means
            }
        }

        package var done: Set<Int>
        package var already: Set<Int>
        package var later: Set<Int>
        package var refused: Set<Int>
        /// Refused, because somebody changed it since the version was read that the request names.
        package var conflict: Set<Int>
        package var rules: [Rule]

        package init(
            done: Set<Int>, already: Set<Int> = [], later: Set<Int> = [], refused: Set<Int> = [],
            conflict: Set<Int> = [], rules: [Rule] = []
        ) {
            self.done = done
            self.already = already
            self.later = later
            self.refused = refused
            self.conflict = conflict
            self.rules = rules
        }
    }

    /// Which entry of a list is meant: the one whose members equal these. None or several is no answer, because a
    /// server that ignores its own filter puts somebody else first.
    package struct Pick: Sendable, Hashable {
        /// The members that lead to the list.
        package var from: [String]
        package var equal: [String: Arguments]

        package init(from: [String], equal: [String: Arguments]) {
            self.from = from
            self.equal = equal
        }
    }

    /// What an answer holds of a credential that it issued, each by an expression: what names it, and what nobody may see.
    package struct Issue: Sendable, Hashable {
        package var known: [String: Arguments]
        package var secret: [String: Arguments]

        package init(known: [String: Arguments], secret: [String: Arguments]) {
            self.known = known
            self.secret = secret
        }
    }

    package enum Format: Sendable, Hashable {
        case json
        /// Elements of these names hold lists, also of one or no entry.
        /// Of those that stand in a list by themselves, several of one name, `repeated` tells.
        case xml(lists: Set<String>, repeated: Set<String> = [])
    }

    /// What of an answer is kept; everything else is cut before it is stored.
    package enum Keep: Sendable, Hashable {
        /// Members of the answer's body by their own names.
        case members([String])
        /// Each by an expression on `status`, `headers`, `body` and `with`.
        case computed([String: Arguments])

        package var names: [String] {
            switch self {
            case .members(let names): names
            case .computed(let fields): fields.keys.sorted()
            }
        }
    }

    /// One request with how its answer is read.
    package struct Exchange: Sendable, Hashable {
        package var request: Request
        package var answers: Answers
        /// The answer is one page of a listing.
        package var pages: Pages?
        package var pick: Pick?
        package var kept: Keep
        /// Members of what is kept that are secret: cut before anything is stored, with a keyed fingerprint left.
        package var secretMembers: Set<String> = []
        /// The member of what is kept that tells one version of it from the next.
        package var etag: String?
        package var format: Format
        let secrets: Set<String>
        /// What the answer holds of a new credential; `nil` where it issues none.
        package var issues: Issue?
        /// How large what is kept of an answer may be.
        package var resultBytesMax = Limits.resultBytesMax

        package init(
            request: Request, answers: Answers, pages: Pages? = nil, pick: Pick? = nil, kept: Keep,
            format: Format = .json
        ) {
            self.request = request
            self.answers = answers
            self.pages = pages
            self.pick = pick
            self.kept = kept
            self.format = format
            secrets = request.secrets
        }

        package init(request: Request, answers: Answers, keep: [String]) {
            self.init(request: request, answers: answers, kept: .members(keep))
        }

        package var keep: [String] { kept.names }
    }
}

extension Arguments {
    /// The paths that its holes read.
    var reads: [[String]] {
        switch self {
        case .literal: []
        case .template(let template): template.holes.flatMap(\.reads)
        case .list(let items): items.flatMap(\.reads)
        case .map(let members): members.values.flatMap(\.reads)
        }
    }
}
