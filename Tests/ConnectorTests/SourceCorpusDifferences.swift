// SPDX-License-Identifier: Apache-2.0

/// Where a connector says something else than the program that made `expected-signals.jsonl`, and why. One that no
/// longer differs has to go.
enum SourceCorpusDifferences {
    static let reasons: [String: String] = [
        "anthropic/anthropic-mcp-server-created.json resources":
            "the server that was made is named",
        "auth0/auth0-cic-credential-stuffing.json session":
            "the details name the session",
        "aws-asff/afsbp-iam.3.json more":
            "the other program reads no findings of Security Hub",
        "aws-asff/decoy-iam-assumed.json more":
            "the other program reads no findings of Security Hub",
        "aws-asff/decoy-secret-accessed.json more":
            "the other program reads no findings of Security Hub",
        "aws/cloudwatch-alarm-sns-payload-single-metric.json more":
            "whatever comes over the topic is at least a notice",
        "aws/secretsmanager-secret-rotation-event.json more":
            "whatever comes over the topic is at least a notice",
        "aws/sns-event.json more":
            "whatever comes over the topic is at least a notice",
        "aws/sqs-event.json more":
            "whatever comes over the topic is at least a notice",
        "caep/04-token-claims-change.json session":
            "a subject that is a token is what a session is known by",
        "caep/05-token-claims-change.json session":
            "a subject that is a token is what a session is known by",
        "caep/06-token-claims-change.json session":
            "a subject that is an assertion is what a session is known by",
        "gcp-scc/bad_ip.json more":
            "the other program reads findings alone, not the log that they are made of",
        "gcp-scc/iam_anomalous_grant-remediated.json occurred_at":
            "1970 is written for a time that is not known",
        "github-audit/github-user-access-key-created.json more":
            "the other program reads no audit log",
        "github/deploy_key.created.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/github_app_authorization.revoked.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/installation.created.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/installation.new_permissions_accepted.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/installation.suspend.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/member.added.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/organization.member_added.with-installation.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "github/secret_scanning_alert.reopened.json kind":
            "the kind secret.exposed has no field for the source's word",
        "github/secret_scanning_alert.reopened.json resources":
            "the kind secret.exposed names them in credential and location",
        "github/security_advisory.published.json more":
            "the other program reads alerts alone, not changes of keys, applications and members",
        "microsoft-graph/alerts_v2-get.json occurred_at":
            "the activity was earlier than the last change of its record",
        "microsoft-graph/lifecycle-missed.json dedupe_key":
            "a subscription may miss some more than once; its expiry is added",
        "microsoft-graph/lifecycle-reauthorizationRequired.json dedupe_key":
            "it is asked for before each expiry, which is added",
        "microsoft-graph/lifecycle-subscriptionRemoved.json dedupe_key":
            "a subscription's id may be used again; its expiry is added",
        "microsoft/azure-graph-session-multiple-ips.json more":
            "the other program reads Graph's alerts alone",
        "microsoft/azure-service-principal-credentials-added.json more":
            "the other program reads Graph's alerts alone",
        "microsoft/defender-detection-passthrough.json more":
            "the other program reads Graph's alerts alone",
        "microsoft/microsoft-graph-passthrough.json more":
            "the other program reads Graph's alerts alone",
        "okta-systemlog/okta-admin-role-assigned.json identity":
            "who was given the role is changed, not who gave it (by)",
        "okta-systemlog/okta-admin-role-assigned.json severity":
            "INFO is a log level; a granted privilege is grave",
        "okta-systemlog/okta-api-key-created.json severity":
            "INFO is a log level; a new token of the interface is of note",
        "okta-systemlog/okta-threatinsight-security-threat-detected.json identity":
            "an address is no identity: it is the suspected resource",
        "okta-systemlog/okta-threatinsight-security-threat-detected.json severity":
            "WARN is a log level, and Okta refused the address already",
        "openai/openai-admin-role-assignment.json identity":
            "who was given the role is changed, not who gave it (by)",
        "openai/openai-admin-role-assignment.json resources":
            "the role reaches the organization that is named",
        "pagerduty/incident.priority_updated.signed.json identity":
            "the responder who moved an incident is not whom it is about",
        "sentry/issue-created.json more":
            "the other program reads alerts alone, not issues",
        "sentry/metric-alert-resolved.json count":
            "what its source says is over gives no signal: it closes what it alerted of",
        "splunk/search_one_result.json dedupe_key":
            "a search may send one body for each result, all under its id; the row is added",
        "ssf/01-verification.json count":
            "a verification shows that the stream is alive, and concerns nobody",
        "ssf/07-token-claims-change.json identity":
            "the catalog's entry is what the subject names",
        "ssf/08-verification.json count":
            "a verification shows that the stream is alive, and concerns nobody",
        "ssf/09-stream-updated.json identity":
            "a stream is no identity",
        "ssf/09-stream-updated.json resources":
            "the stream is what the notice is about",
        "thinkstcanary/thinkst-canary-incident.json more":
            "the other program reads no canaries",
        "thinkstcanary/thinkst-canarytoken-incident.json more":
            "the other program reads no canaries",
        "wiz/wiz-issue-alert-passthrough.json more":
            "the other program reads no issues of Wiz",
    ]
}
