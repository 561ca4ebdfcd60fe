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
static const unsigned char suspend_account[] = {
#embed "../../workflows/suspend-account.yaml"
};
static const unsigned char step_up[] = {
#embed "../../workflows/step-up.yaml"
};
static const unsigned char github[] = {
#embed "../../workflows/connectors/github.yaml"
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
    ASSET("workflows/step-up.yaml", step_up),
    ASSET("workflows/connectors/github.yaml", github),
    ASSET("workflows/connectors/agent-sessions.yaml", agent_sessions),
    ASSET("workflows/connectors/aws-iam.yaml", aws_iam),
    ASSET("workflows/connectors/glewlwyd.yaml", glewlwyd),
    ASSET("workflows/connectors/keycloak.yaml", keycloak),
    ASSET("workflows/connectors/keystone.yaml", keystone),
    ASSET("workflows/connectors/okta.yaml", okta),
    ASSET("workflows/connectors/scim.yaml", scim),
    ASSET("workflows/connectors/oauth2.yaml", oauth2),
    ASSET("workflows/connectors/sink.yaml", sink),
    { 0, 0, 0 },
};

const cordon_asset *cordon_assets(void) { return assets; }
