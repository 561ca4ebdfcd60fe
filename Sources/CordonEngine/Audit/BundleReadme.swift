// SPDX-License-Identifier: Apache-2.0

import CordonEvidence

/// The page that tells an auditor how to check a bundle by hand. A test runs these very commands.
enum BundleReadme {
    static func text(_ head: BundleHead, _ keys: [VerifierKey]) -> String {
        let key = keys.last?.hash8 ?? ""
        return """
            EVIDENCE OF \(head.run ?? "THE ENTRIES \(head.range?.lowerBound ?? 0) TO \((head.range?.upperBound ?? 0) - 1)")

            Log \(head.origin), checkpoint of \(head.size) entries. Begin with open.json: what is not finished, not known
            or not so. timeline.html shows all lines in a browser.

            With Cordon, without its database and without a network:

              cordon audit verify BUNDLE.tar --key KEYFILE

            KEYFILE holds the log's public keys as the installation's owner gave them to you. Those in keys/ are the
            bundle's own word: compare them first.

            BY HAND, with openssl 3, sha256sum and a POSIX shell, in an empty folder:

            \(commands(key))

            The first two lines must each say "Signature Verified Successfully", the third nothing but OK. Each leaf of
            the log is SHA-256 of a byte 0 and the entry; how leaves lead to the root of the checkpoint says RFC 9162,
            section 2.1. \(proofs(head))
            A file that statement.json does not list is nobody's word.

            WHAT IS WHAT

              manifest.dsse.json  an in-toto statement over every other file, in a signed DSSE envelope
              entries.jsonl       the history's lines, one canonical JSON object (RFC 8785) a line, in the log's order
              earlier.jsonl       of a period: what says who put definitions in force, and how long things are
                                  kept, from before it; each line is proved in proofs/
              gone.jsonl          lines from elsewhere in the log that say what of this was erased or had its time;
                                  each is proved in gone/
              checkpoint          the signed note (C2SP tlog-checkpoint) that all entries are proved against
              keys/               the log's public keys, as note keys and as PEM
              blobs/              what providers said, and alerts' bodies where they were asked for, each under its
                                  SHA-256; before the content stand a byte 2 and a salt of 32 bytes, so that nobody
                                  can guess what was erased: tail -c +34 FILE
              definitions/        the playbooks and workflows that were in force, each under its SHA-256
              runs/               where runs stood; folding their lines gives the same
              absent.json         what is not here though a line names it, and why
            \(mapped(head))
              timestamps/         a checkpoint that an authority outside stamped, with its answer
              policy.txt          which keys sign this log: add your witnesses, for --policy
              witnesses.txt       which witnesses must have cosigned, where the installation asks any

            WHEN IT WAS THERE, where the installation asks an authority for the time (RFC 3161; TSA.pem holds the
            certificates of authorities that you trust):

            \(stampCommands)

            A stamp speaks of a checkpoint: as many entries as that one counts were there at its time. The .json beside it
            holds the consistency proof (RFC 9162, section 2.1.4) from that one to the bundle's own.

            WHAT THIS DOES NOT SHOW

            That nothing was done outside of Cordon; that a source whose origin_proof is shared_secret said what it is
            said to have said; that the holder of the log's key did not make it anew, unless you hold an older
            checkpoint or a witness signed this one.

            """
    }

    /// What pages of version 2 say beside those of version 1.
    private static func mapped(_ head: BundleHead) -> String {
        guard head.views >= 2 else {
            return "  ocsf.jsonl          signals (2004) and actions (7001) in the words of OCSF"
        }
        return """
              ocsf.jsonl          signals (2004) and changes (7001) in the words of OCSF: of each change what was
                                  intended and what became of it under one command_uid, both with what it is in
                                  D3FEND, where that has a word for it; readings have no line. A status_id 99 of
                                  "Intent unknown" is an outcome whose intent stands before these entries
              frameworks.json     which entries of which frameworks, in which versions, the playbooks in definitions/
                                  say that they answer (their maps:)
            """
    }

    private static func proofs(_ head: BundleHead) -> String {
        switch head.kind {
        case .run: "The files in proofs/ (C2SP tlog-proof) hold the path of each entry, in the order of the lines."
        case .period:
            "range.json holds the tree's right edge before the first entry, from which the lines lead to the root."
        }
    }

    static let stampCommands = #"""
          for t in timestamps/*.tsr; do
            sed '/^$/,$d' "${t%.tsr}.checkpoint" > stamped.txt
            openssl ts -verify -data stamped.txt -in "$t" -CAfile TSA.pem
          done
        """#

    /// Exactly what an auditor types.
    static func commands(_ key: String) -> String {
        #"""
          tar -xf BUNDLE.tar
          sed 's/.*"payload":"\([^"]*\)".*/\1/' manifest.dsse.json | base64 -d > statement.json
          sed 's/.*"sig":"\([^"]*\)".*/\1/' manifest.dsse.json | base64 -d > statement.sig
          { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c < statement.json)"; cat statement.json; } > statement.pae
          openssl pkeyutl -verify -pubin -inkey keys/KEY.pem -rawin -in statement.pae -sigfile statement.sig
          sed '/^$/,$d' checkpoint > note.txt
          grep -F "— $(head -n 1 note.txt) " checkpoint | tail -n 1 | sed 's/.* //' | base64 -d | tail -c +5 > note.sig
          openssl pkeyutl -verify -pubin -inkey keys/KEY.pem -rawin -in note.txt -sigfile note.sig
          grep -o '"sha256":"[0-9a-f]*"},"name":"[^"]*"' statement.json | sed 's/"sha256":"\([0-9a-f]*\)"},"name":"\([^"]*\)"/\1  \2/' | sha256sum -c --quiet && echo OK
        """#.replacing("KEY", with: key)
    }
}
