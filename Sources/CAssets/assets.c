// SPDX-License-Identifier: Apache-2.0
#include "assets.h"

// C23 #embed puts a file's bytes into the binary, and a change of the file into the next build.
static const unsigned char secret_leaked[] = {
#embed "../../playbooks/secret-leaked.yaml"
};
static const unsigned char agent_out_of_context[] = {
#embed "../../playbooks/agent-out-of-context.yaml"
};
static const unsigned char boundary_exceeded[] = {
#embed "../../playbooks/boundary-exceeded.yaml"
};
static const unsigned char identity_misused[] = {
#embed "../../playbooks/identity-misused.yaml"
};
static const unsigned char identity_suspected[] = {
#embed "../../playbooks/identity-suspected.yaml"
};
static const unsigned char scope_widened[] = {
#embed "../../playbooks/scope-widened.yaml"
};
static const unsigned char unusual_destination[] = {
#embed "../../playbooks/unusual-destination.yaml"
};
static const unsigned char scope_reduction[] = {
#embed "../../workflows/scope-reduction.yaml"
};
static const unsigned char session_boundary[] = {
#embed "../../workflows/session-boundary.yaml"
};
static const unsigned char session_isolation[] = {
#embed "../../workflows/session-isolation.yaml"
};
static const unsigned char workload_containment[] = {
#embed "../../workflows/workload-containment.yaml"
};
static const unsigned char aws_job[] = {
#embed "../../workflows/connectors/aws-job.yaml"
};
static const unsigned char token_revocation[] = {
#embed "../../workflows/token-revocation.yaml"
};
static const unsigned char suspend_access[] = {
#embed "../../workflows/suspend-access.yaml"
};
static const unsigned char suspend_access_listed[] = {
#embed "../../workflows/suspend-access-listed.yaml"
};
static const unsigned char suspend_found[] = {
#embed "../../workflows/suspend-found.yaml"
};
static const unsigned char suspend_account[] = {
#embed "../../workflows/suspend-account.yaml"
};
static const unsigned char step_up[] = {
#embed "../../workflows/step-up.yaml"
};
static const unsigned char github[] = {
#embed "../../workflows/connectors/github.yaml"
};
static const unsigned char github_credentials[] = {
#embed "../../workflows/connectors/github-credentials.yaml"
};
static const unsigned char github_deliveries[] = {
#embed "../../workflows/connectors/github-deliveries.yaml"
};
static const unsigned char agent_sessions[] = {
#embed "../../workflows/connectors/agent-sessions.yaml"
};
static const unsigned char aws_iam[] = {
#embed "../../workflows/connectors/aws-iam.yaml"
};
static const unsigned char glewlwyd[] = {
#embed "../../workflows/connectors/glewlwyd.yaml"
};
static const unsigned char keycloak[] = {
#embed "../../workflows/connectors/keycloak.yaml"
};
static const unsigned char keystone[] = {
#embed "../../workflows/connectors/keystone.yaml"
};
static const unsigned char okta[] = {
#embed "../../workflows/connectors/okta.yaml"
};
static const unsigned char scim[] = {
#embed "../../workflows/connectors/scim.yaml"
};
static const unsigned char oauth2[] = {
#embed "../../workflows/connectors/oauth2.yaml"
};
static const unsigned char sink[] = {
#embed "../../workflows/connectors/sink.yaml"
};

static const unsigned char alertmanager[] = {
#embed "../../workflows/connectors/alertmanager.yaml"
};
static const unsigned char anthropic[] = {
#embed "../../workflows/connectors/anthropic.yaml"
};
static const unsigned char auth0[] = {
#embed "../../workflows/connectors/auth0.yaml"
};
static const unsigned char aws_sns[] = {
#embed "../../workflows/connectors/aws-sns.yaml"
};
static const unsigned char cloudevents[] = {
#embed "../../workflows/connectors/cloudevents.yaml"
};
static const unsigned char defender[] = {
#embed "../../workflows/connectors/defender.yaml"
};
static const unsigned char elastic[] = {
#embed "../../workflows/connectors/elastic.yaml"
};
static const unsigned char entra_logs[] = {
#embed "../../workflows/connectors/entra-logs.yaml"
};
static const unsigned char falco[] = {
#embed "../../workflows/connectors/falco.yaml"
};
static const unsigned char gitguardian[] = {
#embed "../../workflows/connectors/gitguardian.yaml"
};
static const unsigned char github_audit[] = {
#embed "../../workflows/connectors/github-audit.yaml"
};
static const unsigned char gitlab[] = {
#embed "../../workflows/connectors/gitlab.yaml"
};
static const unsigned char google_scc[] = {
#embed "../../workflows/connectors/google-scc.yaml"
};
static const unsigned char guardduty[] = {
#embed "../../workflows/connectors/guardduty.yaml"
};
static const unsigned char microsoft_graph[] = {
#embed "../../workflows/connectors/microsoft-graph.yaml"
};
static const unsigned char native[] = {
#embed "../../workflows/connectors/native.yaml"
};
static const unsigned char ocsf[] = {
#embed "../../workflows/connectors/ocsf.yaml"
};
static const unsigned char openai[] = {
#embed "../../workflows/connectors/openai.yaml"
};
static const unsigned char pagerduty[] = {
#embed "../../workflows/connectors/pagerduty.yaml"
};
static const unsigned char security_hub[] = {
#embed "../../workflows/connectors/security-hub.yaml"
};
static const unsigned char sentry[] = {
#embed "../../workflows/connectors/sentry.yaml"
};
static const unsigned char splunk[] = {
#embed "../../workflows/connectors/splunk.yaml"
};
static const unsigned char ssf[] = {
#embed "../../workflows/connectors/ssf.yaml"
};
static const unsigned char standard_webhooks[] = {
#embed "../../workflows/connectors/standard-webhooks.yaml"
};
static const unsigned char thinkst_canary[] = {
#embed "../../workflows/connectors/thinkst-canary.yaml"
};
static const unsigned char tracebit[] = {
#embed "../../workflows/connectors/tracebit.yaml"
};
static const unsigned char wiz[] = {
#embed "../../workflows/connectors/wiz.yaml"
};
static const unsigned char caep_transmitter[] = {
#embed "../../workflows/connectors/caep-transmitter.yaml"
};
static const unsigned char chat_webhook[] = {
#embed "../../workflows/connectors/chat-webhook.yaml"
};
static const unsigned char entra[] = {
#embed "../../workflows/connectors/entra.yaml"
};
static const unsigned char google_iam[] = {
#embed "../../workflows/connectors/google-iam.yaml"
};
static const unsigned char kubernetes[] = {
#embed "../../workflows/connectors/kubernetes.yaml"
};
static const unsigned char oidc_logout[] = {
#embed "../../workflows/connectors/oidc-logout.yaml"
};
static const unsigned char rabbitmq[] = {
#embed "../../workflows/connectors/rabbitmq.yaml"
};
static const unsigned char slack[] = {
#embed "../../workflows/connectors/slack.yaml"
};
static const unsigned char smtp[] = {
#embed "../../workflows/connectors/smtp.yaml"
};
static const unsigned char aws_secrets[] = {
#embed "../../workflows/connectors/aws-secrets.yaml"
};
static const unsigned char gitlab_issues[] = {
#embed "../../workflows/connectors/gitlab-issues.yaml"
};
static const unsigned char github_issues[] = {
#embed "../../workflows/connectors/github-issues.yaml"
};
static const unsigned char jira[] = {
#embed "../../workflows/connectors/jira.yaml"
};
static const unsigned char servicenow[] = {
#embed "../../workflows/connectors/servicenow.yaml"
};
static const unsigned char credential_rotation[] = {
#embed "../../workflows/credential-rotation.yaml"
};
static const unsigned char rotate_credential[] = {
#embed "../../playbooks/rotate-credential.yaml"
};
static const unsigned char vault[] = {
#embed "../../workflows/connectors/vault.yaml"
};

#define ASSET(PATH, NAME) { PATH, NAME, sizeof NAME }

static const cordon_asset assets[] = {
    ASSET("playbooks/secret-leaked.yaml", secret_leaked),
    ASSET("playbooks/agent-out-of-context.yaml", agent_out_of_context),
    ASSET("playbooks/boundary-exceeded.yaml", boundary_exceeded),
    ASSET("playbooks/identity-misused.yaml", identity_misused),
    ASSET("playbooks/identity-suspected.yaml", identity_suspected),
    ASSET("playbooks/scope-widened.yaml", scope_widened),
    ASSET("playbooks/unusual-destination.yaml", unusual_destination),
    ASSET("workflows/scope-reduction.yaml", scope_reduction),
    ASSET("workflows/session-boundary.yaml", session_boundary),
    ASSET("workflows/session-isolation.yaml", session_isolation),
    ASSET("workflows/workload-containment.yaml", workload_containment),
    ASSET("workflows/connectors/aws-job.yaml", aws_job),
    ASSET("workflows/token-revocation.yaml", token_revocation),
    ASSET("workflows/suspend-access.yaml", suspend_access),
    ASSET("workflows/suspend-access-listed.yaml", suspend_access_listed),
    ASSET("workflows/suspend-account.yaml", suspend_account),
    ASSET("workflows/suspend-found.yaml", suspend_found),
    ASSET("workflows/step-up.yaml", step_up),
    ASSET("workflows/connectors/github.yaml", github),
    ASSET("workflows/connectors/github-credentials.yaml", github_credentials),
    ASSET("workflows/connectors/github-deliveries.yaml", github_deliveries),
    ASSET("workflows/connectors/agent-sessions.yaml", agent_sessions),
    ASSET("workflows/connectors/aws-iam.yaml", aws_iam),
    ASSET("workflows/connectors/glewlwyd.yaml", glewlwyd),
    ASSET("workflows/connectors/keycloak.yaml", keycloak),
    ASSET("workflows/connectors/keystone.yaml", keystone),
    ASSET("workflows/connectors/okta.yaml", okta),
    ASSET("workflows/connectors/scim.yaml", scim),
    ASSET("workflows/connectors/oauth2.yaml", oauth2),
    ASSET("workflows/connectors/sink.yaml", sink),
    ASSET("workflows/connectors/alertmanager.yaml", alertmanager),
    ASSET("workflows/connectors/anthropic.yaml", anthropic),
    ASSET("workflows/connectors/auth0.yaml", auth0),
    ASSET("workflows/connectors/aws-sns.yaml", aws_sns),
    ASSET("workflows/connectors/cloudevents.yaml", cloudevents),
    ASSET("workflows/connectors/defender.yaml", defender),
    ASSET("workflows/connectors/elastic.yaml", elastic),
    ASSET("workflows/connectors/entra-logs.yaml", entra_logs),
    ASSET("workflows/connectors/falco.yaml", falco),
    ASSET("workflows/connectors/gitguardian.yaml", gitguardian),
    ASSET("workflows/connectors/github-audit.yaml", github_audit),
    ASSET("workflows/connectors/gitlab.yaml", gitlab),
    ASSET("workflows/connectors/google-scc.yaml", google_scc),
    ASSET("workflows/connectors/guardduty.yaml", guardduty),
    ASSET("workflows/connectors/microsoft-graph.yaml", microsoft_graph),
    ASSET("workflows/connectors/native.yaml", native),
    ASSET("workflows/connectors/ocsf.yaml", ocsf),
    ASSET("workflows/connectors/openai.yaml", openai),
    ASSET("workflows/connectors/pagerduty.yaml", pagerduty),
    ASSET("workflows/connectors/security-hub.yaml", security_hub),
    ASSET("workflows/connectors/sentry.yaml", sentry),
    ASSET("workflows/connectors/splunk.yaml", splunk),
    ASSET("workflows/connectors/ssf.yaml", ssf),
    ASSET("workflows/connectors/standard-webhooks.yaml", standard_webhooks),
    ASSET("workflows/connectors/thinkst-canary.yaml", thinkst_canary),
    ASSET("workflows/connectors/tracebit.yaml", tracebit),
    ASSET("workflows/connectors/wiz.yaml", wiz),
    ASSET("workflows/connectors/caep-transmitter.yaml", caep_transmitter),
    ASSET("workflows/connectors/chat-webhook.yaml", chat_webhook),
    ASSET("workflows/connectors/entra.yaml", entra),
    ASSET("workflows/connectors/google-iam.yaml", google_iam),
    ASSET("workflows/connectors/kubernetes.yaml", kubernetes),
    ASSET("workflows/connectors/oidc-logout.yaml", oidc_logout),
    ASSET("workflows/connectors/rabbitmq.yaml", rabbitmq),
    ASSET("workflows/connectors/slack.yaml", slack),
    ASSET("workflows/connectors/vault.yaml", vault),
    ASSET("workflows/connectors/smtp.yaml", smtp),
    ASSET("workflows/connectors/aws-secrets.yaml", aws_secrets),
    ASSET("workflows/connectors/gitlab-issues.yaml", gitlab_issues),
    ASSET("workflows/connectors/github-issues.yaml", github_issues),
    ASSET("workflows/connectors/jira.yaml", jira),
    ASSET("workflows/connectors/servicenow.yaml", servicenow),
    ASSET("workflows/credential-rotation.yaml", credential_rotation),
    ASSET("playbooks/rotate-credential.yaml", rotate_credential),
    { 0, 0, 0 },
};

const cordon_asset *cordon_assets(void) { return assets; }
