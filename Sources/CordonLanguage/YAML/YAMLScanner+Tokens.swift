// SPDX-License-Identifier: Apache-2.0

extension YAMLScanner {
    mutating func token() {
        if column == 0, documentMarker() { return }
        if hasEnded {
            report(.severalDocuments, mark, "something follows the document's end", "keep one document in a file")
            hasStopped = true
            return
        }
        hasContent = true
        if flowDepth == 0 { leaveLevels() }
        switch text[at] {
        case "[": open(.flowList)
        case "{": open(.flowMap)
        case "]", "}": close()
        case ",":
            at += 1
            keyIsAllowed = true
            last = nil
        case "-" where isBlank(1): dash()
        case "?" where flowDepth > 0 || isBlank(1): questionMark()
        case ":" where flowDepth > 0 || isBlank(1): colon()
        case "*", "&": reference()
        case "!": exclamationMark()
        case "|" where flowDepth == 0, ">" where flowDepth == 0: blockScalar()
        case "'", "\"": quotedScalar()
        default: plainScalar()
        }
    }

    /// Ends the blocks that the current column is left of.
    mutating func leaveLevels() {
        while let top = levels.last, top.column > column { levels.removeLast() }
        // A list may stand at its key's own column; anything but a dash at that column goes on with the map.
        let isDash = text[at] == "-" && isBlank(1)
        if !isDash, let top = levels.last, top.kind == .blockList, top.column == column { levels.removeLast() }
    }

    mutating func documentMarker() -> Bool {
        guard at + 3 <= text.count, isBlank(3) || flowDepth > 0 else { return directive() }
        let isStart = text[at..<at + 3].allSatisfy { $0 == "-" }
        guard isBlank(3), isStart || text[at..<at + 3].allSatisfy({ $0 == "." }) else { return directive() }
        if isStart, hasContent || hasMarker || hasEnded {
            report(.severalDocuments, mark, width: 3, "a second document begins", "keep one document in a file")
            hasStopped = true
        }
        hasMarker = hasMarker || isStart
        hasEnded = hasEnded || !isStart
        levels.removeAll()
        at += 3
        keyIsAllowed = false
        return true
    }

    mutating func directive() -> Bool {
        guard text[at] == "%", !hasContent else { return false }
        report(
            .tag, mark, width: word().unicodeScalars.count, "directives are not allowed: \(word())", "remove this line")
        skipToLineEnd()
        return true
    }

    mutating func push(_ kind: Level.Kind, column: Int, at mark: YAMLMark) {
        levels.append(Level(kind: kind, column: column))
        guard levels.count > depthMax else { return }
        report(
            .tooDeep, mark, "lists and maps are nested more than \(depthMax) deep",
            "give the inner part a name of its own, or flatten it")
        hasStopped = true
    }

    mutating func open(_ kind: Level.Kind) {
        push(kind, column: column, at: mark)
        flowStarts.append(mark)
        flowDepth += 1
        at += 1
        keyIsAllowed = true
        last = nil
    }

    mutating func close() {
        if flowDepth > 0 {
            flowDepth -= 1
            levels.removeLast()
            if let start = flowStarts.popLast() { outline.flowEnds[start] = mark }
        }
        at += 1
        keyIsAllowed = false
        last = nil
    }

    mutating func dash() {
        if flowDepth == 0, levels.last.map({ $0.kind != .blockList || $0.column < column }) ?? true {
            push(.blockList, column: column, at: mark)
        }
        at += 1
        keyIsAllowed = true
        last = nil
    }

    mutating func questionMark() {
        report(
            .questionMark, mark, "an unquoted ? at the start makes YAML read a complex key",
            "put an expression that starts with ? in quotes")
        at += 1
        keyIsAllowed = true
        last = nil
    }

    mutating func reference() {
        let kind = text[at] == "*" ? "an alias" : "an anchor"
        let name = word(stopsAt: [",", "]", "}"])
        report(
            .reference, mark, width: name.unicodeScalars.count,
            "YAML reads an unquoted \(text[at]) at the start as \(kind), and anchors and aliases are not allowed",
            "write the value out; put an expression in quotes")
        at += max(1, name.unicodeScalars.count)
        keyIsAllowed = false
        last = nil
    }

    mutating func exclamationMark() {
        let name = word(stopsAt: [",", "]", "}"])
        let width = name.unicodeScalars.count
        if character(1) == "!" || character(1) == "<" {
            report(
                .tag, mark, width: width, "tags are not allowed: \(name)",
                "remove the tag; every field's type is known")
        } else {
            report(
                .exclamationMark, mark, width: width,
                "YAML reads an unquoted ! at the start as a tag, not as «not»", "put the expression in quotes")
        }
        at += max(1, width)
        keyIsAllowed = false
        last = nil
    }
}

// MARK: - Keys

extension YAMLScanner {
    mutating func colon() {
        let (place, column) = (mark, column)
        at += 1
        defer { last = nil }
        guard let key = last, key.mark.line == line else {
            if flowDepth == 0, keyIsAllowed { pushMap(column) }
            keyIsAllowed = flowDepth == 0
            return
        }
        guard key.mayBeKey else {
            if flowDepth == 0 { strayColon(key, place) }
            return
        }
        if flowDepth == 0 { pushMap(key.column) }
        keyIsAllowed = false
        record(key)
    }

    mutating func pushMap(_ column: Int) {
        if let top = levels.last, top.kind == .blockMap, top.column >= column { return }
        push(.blockMap, column: column, at: YAMLMark(line: line, column: column + 1))
    }

    mutating func record(_ key: Last) {
        guard let name = key.text, !levels.isEmpty, levels[levels.count - 1].kind != .flowList else { return }
        if name == "<<", key.isPlain {
            report(.mergeKey, key.mark, width: 2, "merge keys are not allowed", "write the fields out")
        } else if let first = levels[levels.count - 1].keys[name] {
            report(
                .duplicateKey, key.mark, width: key.width, "the key '\(name)' occurs twice in one map",
                "the first is on line \(first); remove one")
        }
        levels[levels.count - 1].keys[name] = levels[levels.count - 1].keys[name] ?? line
    }

    mutating func strayColon(_ value: Last, _ place: YAMLMark) {
        let isConditional = value.text?.contains(" ?") ?? false
        report(
            .strayColon, place, "a second ': ' makes YAML read this value as a map",
            isConditional ? "put the expression in quotes; ? : needs them" : "put the value in quotes")
        skipToLineEnd()
    }
}
