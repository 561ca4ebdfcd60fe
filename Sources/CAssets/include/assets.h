// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>

/// A file that ships inside the binary, by its path in the repository.
typedef struct {
    const char *path;
    const unsigned char *bytes;
    size_t count;
} cordon_asset;

/// The shipped files; the last one has a null path.
const cordon_asset *cordon_assets(void);
