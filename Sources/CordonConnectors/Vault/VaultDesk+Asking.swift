// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension VaultDesk {
    /// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
    func ask(_ path: String, _ token: Token, at now: Instant) async -> Result<VaultSecret, VaultFault> {
        let answer = await send("GET", path, token: token.value)
        return answer.flatMap { answer in
            if let fault = answer.fault("the secret") { return .failure(fault) }
            guard let held = answer.body.at("data", "data")?.objectValue else {
                return .failure(.silent("the Vault's answer holds no secret of a key-value store of version 2"))
            }
            if answer.body.at("data", "metadata", "destroyed") == true {
                return .failure(.refused("the Vault says that it was destroyed"))
            }
            var secret = VaultSecret(fields: [:], leaseMilliseconds: answer.lease(answer.body))
            for (name, value) in held {
                if let text = value.stringValue, !text.isEmpty { secret.fields[name] = Secret(Array(text.utf8)) }
            }
            secret.deletedAt = answer.body.at("data", "metadata", "deletion_time")?.stringValue.flatMap {
                Instant(rfc3339: $0)
            }
            if let end = secret.deletedAt, end <= now {
                return .failure(.refused("the Vault says that it was deleted"))
            }
            return .success(secret)
        }
    }

    func logIn(at now: Instant) async -> Result<Token, VaultFault> {
        do throws(ConnectorError) {
            switch vault.login {
            case .token(let reference):
                return .success(Token(value: try secrets.read(reference), isRenewable: false))
            case .appRole(let mount, let role, let secret):
                return await exchange(
                    mount, ["role_id": text(try secrets.read(role)), "secret_id": text(try secrets.read(secret))], now)
            case .kubernetes(let mount, let role, let token):
                // The kubelet sets that file's rights, for whoever runs in the pod.
                return await exchange(
                    mount, ["role": .string(role), "jwt": text(try secrets.read(token, isPublic: true))], now)
            }
        } catch {
            return .failure(.silent("what opens the Vault can't be read: \(error.reason)"))
        }
    }

    /// https://developer.hashicorp.com/vault/api-docs/auth/token#renew-a-token-self
    func renew(_ token: Token, at now: Instant) async -> Result<Token, VaultFault> {
        await send("POST", "auth/token/renew-self", body: [:], token: token.value).flatMap { take($0, now) }
    }

    private func exchange(_ mount: String, _ body: Value, _ now: Instant) async -> Result<Token, VaultFault> {
        await send("POST", "auth/\(mount)/login", body: body).flatMap { take($0, now) }
    }

    private func take(_ answer: VaultAnswer, _ now: Instant) -> Result<Token, VaultFault> {
        // Who is refused now may be let in later, and what was read before is nobody else's to take back.
        if let fault = answer.fault("the login") { return .failure(.silent(fault.reason)) }
        guard let auth = answer.body["auth"], let value = auth["client_token"]?.stringValue, !value.isEmpty else {
            return .failure(.silent("the Vault's answer to the login holds no token"))
        }
        let lease = answer.lease(auth)
        return .success(
            Token(
                value: Secret(Array(value.utf8)), isRenewable: auth["renewable"] == true,
                staleAt: lease > 0 ? now.adding(milliseconds: lease * 2 / 3) : nil,
                endsAt: lease > 0 ? now.adding(milliseconds: lease) : nil))
    }

    private func text(_ secret: Secret) -> Value { .string(String(decoding: secret.reveal(), as: UTF8.self)) }

    private func send(
        _ method: String, _ path: String, body: Value? = nil, token: Secret? = nil
    ) async -> Result<VaultAnswer, VaultFault> {
        var headers: [(name: String, value: String)] = [
            ("accept", "application/json"), ("x-vault-request", "true"),
        ]
        if let namespace = vault.namespace { headers.append(("x-vault-namespace", namespace)) }
        if let token { headers.append(("x-vault-token", String(decoding: token.reveal(), as: UTF8.self))) }
        if body != nil { headers.append(("content-type", "application/json")) }
        var egress = vault.egress
        do throws(ConnectorError) {
            if let authority = vault.authority {
                egress.authorityPEM = try secrets.read(authority, isPublic: true).reveal()
            }
        } catch {
            return .failure(.silent("the Vault's authority can't be read: \(error.reason)"))
        }
        let delivery = await transport.send(
            OutboundRequest(
                method: method, url: "\(vault.url)/v1/\(path)", headers: headers, body: body?.jsonBytes,
                timeoutMilliseconds: Limits.vaultTimeoutMilliseconds, responseBytesMax: Limits.vaultAnswerBytesMax,
                egress: egress))
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            return .failure(.silent("the Vault at \(vault.url) does not answer: \(fault.reason)"))
        case .answered(let response):
            return .success(
                VaultAnswer(status: response.status, body: (try? JSON.parse(response.body)) ?? .null))
        }
    }
}

/// An answer of the Vault. https://developer.hashicorp.com/vault/api-docs#http-status-codes
struct VaultAnswer: Sendable {
    var status: Int
    var body: Value

    /// Why it is no good one. What the Vault writes of its errors stays out: it may quote what was sent.
    func fault(_ what: String) -> VaultFault? {
        switch status {
        case 200:
            guard body.objectValue != nil else { return .silent("the Vault's answer to \(what) is no JSON object") }
            return nil
        case 400: return .refused("the Vault finds \(what) badly asked for (HTTP 400)")
        case 403: return .forbidden("the Vault refuses \(what) (HTTP 403)")
        case 404: return .refused("the Vault has nothing there (HTTP 404)")
        case 301, 302, 303, 307, 308:
            return .silent("the Vault sends \(what) elsewhere (HTTP \(status)); name its active node")
        case 429, 472, 473: return .silent("the Vault is busy or on standby (HTTP \(status))")
        case 503: return .silent("the Vault is sealed or under maintenance (HTTP 503)")
        default: return .silent("the Vault answers \(what) with HTTP \(status)")
        }
    }

    /// In milliseconds; 0 where there is none.
    func lease(_ part: Value) -> Int64 {
        let seconds = part["lease_duration"]?.intValue ?? 0
        return max(0, min(seconds, Limits.vaultMillisecondsMax / 1000)) * 1000
    }
}
