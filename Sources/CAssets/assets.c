// SPDX-License-Identifier: Apache-2.0
#include "assets.h"

// C23 #embed puts a file's bytes into the binary, and a change of the file into the next build.
static const unsigned char secret_leaked[] = {
#embed "../../playbooks/secret-leaked.yaml"
};
static const unsigned char token_revocation[] = {
#embed "../../workflows/token-revocation.yaml"
};
static const unsigned char github[] = {
#embed "../../workflows/connectors/github.yaml"
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
    ASSET("workflows/token-revocation.yaml", token_revocation),
    ASSET("workflows/connectors/github.yaml", github),
    ASSET("workflows/connectors/oauth2.yaml", oauth2),
    ASSET("workflows/connectors/sink.yaml", sink),
    { 0, 0, 0 },
};

const cordon_asset *cordon_assets(void) { return assets; }
