// SPDX-License-Identifier: Apache-2.0

import CordonCore
package import CordonLanguage

extension Connector {
    /// Reads and checks a connector's file.
    ///
    /// - Parameter bearsYoung: a server starts with it, and what young rules refuse is let pass.
    package static func load(
        _ bytes: [UInt8], file: String, digest: String, bearsYoung: Bool = false
    ) -> Result<Connector, Diagnostics> {
        DefinitionLoader.load(bytes, file: file, bearsYoung: bearsYoung) { loader, root in
            let name = loader.name(root, "connector")
            let title = root.string("title", required: true)
            let vendor = root.string("vendor", required: true)
            let source = root.mapping("source").flatMap { SourceLoader(loader).source($0) }
            let provider = root.mapping("provider").flatMap { map in
                var reader = ProviderLoader(loader)
                return reader.provider(map)
            }
            guard let name, let title, let vendor else { return nil }
            return Connector(
                name: name, title: title, vendor: vendor, source: source, provider: provider, digest: digest)
        }
    }
}

/// The name that was probably meant, or all that there are.
func suggestion(_ name: String, _ known: [String]) -> String {
    nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? (known.isEmpty ? "there is none here" : "known: \(known.joined(separator: ", "))")
}
