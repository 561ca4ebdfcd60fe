// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Migration {
    var value: Value {
        [
            "from": from.value, "to": to.value, "called": .array(called.map(\.value)), "inputs": inputs,
            "lines": .array(lines.map(Value.string)), "renamed": .object(renamed.mapValues(Value.string)),
            "anew": .array(anew.map(Value.string)), "dropped": .array(dropped.map(Value.string)),
            "by": .string(by), "reason": .string(reason),
        ]
    }

    init(_ fields: Fields) throws(UnreadableRecord) {
        from = try Run.Pin(fields.fields("from"))
        to = try Run.Pin(fields.fields("to"))
        called = try fields.list("called") { (value, place) throws(UnreadableRecord) in
            try Run.Pin(Fields(value, place))
        }
        inputs = try fields.value("inputs")
        lines = try fields.strings("lines")
        renamed = try fields.texts("renamed")
        anew = try fields.strings("anew")
        dropped = try fields.strings("dropped")
        by = try fields.string("by")
        reason = try fields.string("reason")
    }
}
