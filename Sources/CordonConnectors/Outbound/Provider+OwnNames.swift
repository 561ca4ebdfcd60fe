// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

extension Provider {
    /// The setting by which a change would be about whom Cordon itself signs in as here. A subject is kept from that when
    /// it is decided about; whom a step at another connection names is seen only here.
    func ownName(in arguments: Value, of capability: String) -> String? {
        guard let parameters = Capability.named(capability)?.parameters, case .object(let members) = arguments else {
            return nil
        }
        let targets = parameters.filter { $0.takes == .subject }.compactMap { members[$0.name] }
        return shape.ownNames.sorted { $0.key < $1.key }.first { setting, attribute in
            guard let own = connection.settings[setting] else { return false }
            return targets.contains { target in
                target == .string(own) || target[attribute] == .string(own)
                    || target["attributes"]?[attribute] == .string(own)
            }
        }?.key
    }
}
