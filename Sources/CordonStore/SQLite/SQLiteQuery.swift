// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// A SELECT in the making: its terms in SQL, its values apart from it. Only words of ours become SQL.
struct SQLiteQuery {
    private enum Bound {
        case text(String)
        case number(Int64)
    }

    private let selection: String
    private var terms: [String] = []
    private var values: [Bound] = []
    var order = ""

    /// `selection` is all up to WHERE.
    init(_ selection: String) { self.selection = selection }

    /// A term without a value.
    mutating func require(_ term: String) { terms.append(term) }

    mutating func require(_ column: String, _ value: String?) { require(column, "=", value) }

    /// `column` comparison `value`, when there is one to compare with.
    mutating func require(_ column: String, _ comparison: String, _ value: String?) {
        guard let value else { return }
        terms.append("\(column) \(comparison) ?")
        values.append(.text(value))
    }

    mutating func require(_ column: String, _ comparison: String, _ value: Int64?) {
        guard let value else { return }
        terms.append("\(column) \(comparison) ?")
        values.append(.number(value))
    }

    /// The next page in the order of ids, beyond one of them.
    mutating func page(by id: String, beyond: String?, oldestFirst: Bool) {
        require(id, oldestFirst ? ">" : "<", beyond)
        order = oldestFirst ? id : "\(id) DESC"
    }

    func rows<Row>(
        _ connection: SQLiteConnection, limit: Int, _ row: (SQLiteStatement) throws(SQLiteFailure) -> Row
    ) throws(SQLiteFailure) -> [Row] {
        let condition = terms.isEmpty ? "" : " WHERE " + terms.joined(separator: " AND ")
        let statement = try connection.statement("\(selection)\(condition) ORDER BY \(order) LIMIT ?")
        defer { statement.reset() }
        for value in values {
            switch value {
            case .text(let text): statement.bind(text)
            case .number(let number): statement.bind(number)
            }
        }
        statement.bind(pageRows(limit))
        var rows: [Row] = []
        while try statement.step() { rows.append(try row(statement)) }
        return rows
    }
}
