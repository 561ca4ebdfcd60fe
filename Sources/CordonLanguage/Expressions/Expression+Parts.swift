// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// What all has to hold: the operands of an outermost `&&`, or the whole.
    package var conjuncts: [String] {
        if case .and(let operands) = program.tree.nodes[program.tree.root].kind { return texts(operands) }
        return [source]
    }

    /// Of what one has to hold: the operands of an outermost `||`, or the whole.
    package var disjuncts: [String] {
        if case .or(let operands) = program.tree.nodes[program.tree.root].kind { return texts(operands) }
        return [source]
    }

    private func texts(_ nodes: [Int]) -> [String] { nodes.map { program.tree.text(of: $0) } }
}
