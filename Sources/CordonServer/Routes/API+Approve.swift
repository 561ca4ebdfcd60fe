// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import HTTPTypes
import Hummingbird
import Logging

extension API {
    /// What a signed link leads to: a plain page that says what would be done and asks. Whoever only looks, as scanners
    /// of mail do, changes nothing.
    @Sendable func approvalPage(_ inquiry: Inquiry) async throws -> Response {
        await onPage {
            let asked = try inquiry.query("run", "step", "shown", "to", "until", "mac")
            let ticket = try self.ticket { try? asked.text($0) }
            return ApprovalPage.question(try await engine.sight(of: ticket), mac: (try? asked.text("mac")) ?? "")
        }
    }

    /// The answer of that page's form.
    @Sendable func approveByLink(_ inquiry: Inquiry) async throws -> Response {
        let type = inquiry.request.headers[.contentType]
        let form = try await bodies.read(inquiry.request, upTo: ServerLimits.requestBytesMax) { body in
            Result { try Form(body, type: type) }
        }
        return await onPage {
            guard case .success(let form) = form, let choice = form["choice"], let seen = form["seen"] else {
                throw LinkRefusal.altered
            }
            let ticket = try self.ticket { form[$0] }
            let reason = form["reason"] ?? ""
            guard reason.utf8.count <= ServerLimits.reasonBytesMax, reason.isOneVisibleLine else {
                throw LinkRefusal.refused("the reason must be one line of at most \(ServerLimits.reasonBytesMax) bytes")
            }
            let run = try await engine.answer(ticket, choice: choice, seen: seen, reason: reason)
            return ApprovalPage.done(run, choice)
        }
    }

    private func ticket(_ field: (String) -> String?) throws -> ApprovalLinks.Ticket {
        guard let links = engine.links else { throw LinkRefusal.noLinks }
        do throws(ApprovalLinks.Fault) { return try links.ticket(field, at: engine.clock.now) } catch {
            throw error == .expired ? LinkRefusal.expired : LinkRefusal.altered
        }
    }

    private func onPage(_ body: () async throws -> Response) async -> Response {
        do { return try await body() } catch let refusal as LinkRefusal {
            return ApprovalPage.refusal(refusal)
        } catch is Problem {
            return ApprovalPage.refusal(.altered)
        } catch {
            logger.error("a link could not be followed", metadata: ["error": "\(error)"])
            return ApprovalPage.refusal(.notStored)
        }
    }
}

extension LinkRefusal {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .noLinks, .noRun: .notFound
        case .altered, .nobody, .notAllowed: .forbidden
        case .expired: .gone
        case .answered, .changedPlan, .changedState: .conflict
        case .refused: .badRequest
        case .notStored: .serviceUnavailable
        }
    }
}

/// Pages without scripts, in which whatever strangers wrote is text.
enum ApprovalPage {
    static func question(_ sight: ApprovalSight, mac: String) -> Response {
        var html = "<h1>\(escaped(sight.text))</h1>\n<dl>"
        let subject = sight.run.subject
        var facts = [("For", subject?.key ?? "no subject")]
        if let consumers = subject?.consumers, !consumers.isEmpty {
            facts.append(("Used by", consumers.joined(separator: ", ")))
        }
        if let baseline = subject?.baseline { facts.append(("On an ordinary day", baseline)) }
        for (name, value) in facts + [
            ("Playbook", sight.run.playbook.name),
            ("Run", sight.run.id.text), ("You answer as", sight.person.name),
            ("Until", sight.deadline.description), ("Choices", sight.choices.joined(separator: ", ")),
        ] { html += "<dt>\(name)</dt><dd>\(escaped(value))</dd>" }
        html += "</dl>\n<h2>What would be done, at most</h2>\n<ol>\(sight.acts.map(act).joined())</ol>\n"
        if sight.acts.isEmpty { html += "<p>Nothing is changed by it.</p>\n" }
        html += form(sight, mac)
        return page("Cordon asks", html, .ok)
    }

    private static func act(_ act: ApprovalSight.Act) -> String {
        guard act.changes else {
            return "<li><h3>\(escaped(act.capability)) at \(escaped(act.provider))</h3><p>It only reads.</p></li>"
        }
        let before =
            act.before.map { "<pre>\(escaped($0.prettyJSON))</pre>" }
            ?? "<p>\(escaped(act.unread ?? "not read: it changes no state that can be read"))</p>"
        return "<li><h3>\(escaped(act.capability)) at \(escaped(act.provider))</h3><h4>Now</h4>\(before)"
            + "<h4>After</h4><p>\(escaped(act.capability)) with:</p><pre>\(escaped(act.arguments.prettyJSON))</pre>"
            + "<p>\(act.canUndo ? "It can be undone." : "It can not be undone.")</p></li>"
    }

    private static func form(_ sight: ApprovalSight, _ mac: String) -> String {
        var fields = [
            ("run", sight.ticket.run.text), ("shown", sight.ticket.shown), ("to", sight.ticket.endpoint),
            ("until", String(sight.ticket.until.milliseconds)), ("mac", mac), ("seen", sight.seen),
        ]
        if let step = sight.ticket.step { fields.append(("step", step)) }
        let hidden = fields.map {
            "<input type=\"hidden\" name=\"\($0.0)\" value=\"\(escaped($0.1))\">"
        }.joined()
        let buttons = sight.choices.map {
            "<button name=\"choice\" value=\"\(escaped($0))\">\(escaped($0))</button>"
        }.joined(separator: " ")
        return "<form method=\"post\" action=\"\(ApprovalLinks.path)\">\(hidden)"
            + "<p><label>Why (goes into the history): <input name=\"reason\" maxlength=\"200\"></label></p>"
            + "<p>\(buttons)</p></form>\n"
    }

    static func done(_ run: Run, _ choice: String) -> Response {
        page(
            "Stored",
            "<h1>Stored: \(escaped(choice))</h1>\n<p>\(escaped(run.id.text)) is \(run.phaseWord) now. "
                + "This link is used up.</p>\n", .ok)
    }

    static func refusal(_ refusal: LinkRefusal) -> Response {
        page("Not answered", "<h1>Not answered</h1>\n<p>\(escaped(refusal.reason))</p>\n", refusal.status)
    }

    private static func page(_ title: String, _ body: String, _ status: HTTPResponse.Status) -> Response {
        let html = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
            <meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
            </head><body>
            \(body)</body></html>

            """
        var headers: HTTPFields = [:]
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.cacheControl] = "no-store"
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            ),
            ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
        ] { if let field = HTTPField.Name(name) { headers[field] = value } }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
