// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Logging
import ServiceLifecycle

// Secrets that lie in a Vault. They are read before anything needs them; a start waits for one answer to each, unless the
// Vault lets it wait, and goes on without those that did not come: alerts are taken meanwhile (a source that has no secret yet asks its sender to come
// again), and a call that needs one is tried again, until its step's time is up and a person is asked.
extension Engine {
    /// Reads all that is referred to, and tells what could not be had.
    func readSecrets() async {
        guard let vault = secrets.vault else { return }
        vault.want(connections.secretReferences + library.inventory.identities.flatMap { $0.secrets.values })
        // Whoever asks for the end does not wait for a Vault.
        await cancelWhenGracefulShutdown { await self.refresh(vault) }
    }

    /// Reads them anew before their time is up, until the engine drains.
    func keepSecrets() async {
        guard let vault = secrets.vault else { return }
        while !Task.isCancelled, !isDraining {
            await clock.sleep(until: clock.now.adding(milliseconds: Limits.vaultRetryMillisecondsMin))
            guard !isDraining else { return }
            await refresh(vault)
        }
    }

    private func refresh(_ vault: VaultDesk) async {
        for told in await vault.refresh() {
            if told.isFault {
                logger.error("a secret could not be read", metadata: ["secret": "\(told.text)"])
            } else {
                logger.notice("a secret is there again", metadata: ["secret": "\(told.text)"])
            }
        }
    }
}
