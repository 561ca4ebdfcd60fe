// SPDX-License-Identifier: Apache-2.0

extension YAMLRefusalTests {
    static let goldens = grammar + structure + values

    /// What breaks the grammar itself; the library's own words, with a way out where one is known.
    private static let grammar = [
        Row(
            "a: 1\n  b: 2\n",
            #"""
            f.yaml:2:4: error[P001]: this is no valid YAML: mapping values are not allowed in this context
             2 |   b: 2
               |    ^
            """#),
        Row(
            "a: [1, 2\n",
            #"""
            f.yaml:2:1: error[P001]: this is no valid YAML: did not find expected ',' or ']' (a bracket or brace is not closed, or a comma is missing)
             2 | 
               | ^
            """#),
        Row(
            "a: 'x\n",
            #"""
            f.yaml:2:1: error[P001]: this is no valid YAML: found unexpected end of stream (a quote, bracket or brace is not closed)
             2 | 
               | ^
            """#),
        Row(
            "a: @x\n",
            #"""
            f.yaml:1:4: error[P001]: this is no valid YAML: found character that cannot start any token (put the value in quotes)
             1 | a: @x
               |    ^
            """#),
        Row(
            "a: `x`\n",
            #"""
            f.yaml:1:4: error[P001]: this is no valid YAML: found character that cannot start any token (put the value in quotes)
             1 | a: `x`
               |    ^
            """#),
        Row(
            ": a\n",
            #"""
            f.yaml:1:1: error[P001]: this is no valid YAML: did not find expected key (look for a missing ':' or a wrong indentation here or on the line before)
             1 | : a
               | ^
            """#),
        Row(
            "a: \"x\\q\"\n",
            #"""
            f.yaml:1:6: error[P001]: this is no valid YAML: found unknown escape character
             1 | a: "x\q"
               |      ^
            """#),
        Row(
            "- a\nb: 1\n",
            #"""
            f.yaml:2:1: error[P001]: this is no valid YAML: did not find expected '-' indicator
             2 | b: 1
               | ^
            """#),
        Row(
            "a: |x\n  b\n",
            #"""
            f.yaml:1:5: error[P001]: this is no valid YAML: did not find expected comment or line break
             1 | a: |x
               |     ^
            """#),
        Row(
            "a: %x\n",
            #"""
            f.yaml:1:4: error[P001]: this is no valid YAML: found character that cannot start any token (put the value in quotes)
             1 | a: %x
               |    ^
            """#),
    ]

    /// What the grammar allows and a reviewer could be misled by.
    private static let structure = [
        Row(
            "a: !!str 1\n",
            #"""
            f.yaml:1:4: error[P002]: tags are not allowed: !!str (remove the tag; every field's type is known)
             1 | a: !!str 1
               |    ^^^^^
            """#),
        Row(
            "%YAML 1.2\n---\na: 1\n",
            #"""
            f.yaml:1:1: error[P002]: directives are not allowed: %YAML (remove this line)
             1 | %YAML 1.2
               | ^^^^^
            """#),
        Row(
            "a: !<tag:x> 1\n",
            #"""
            f.yaml:1:4: error[P002]: tags are not allowed: !<tag:x> (remove the tag; every field's type is known)
             1 | a: !<tag:x> 1
               |    ^^^^^^^^
            """#),
        Row(
            "a: &x 1\n",
            #"""
            f.yaml:1:4: error[P003]: YAML reads an unquoted & at the start as an anchor, and anchors and aliases are not allowed (write the value out; put an expression in quotes)
             1 | a: &x 1
               |    ^^
            """#),
        Row(
            "a: *x\n",
            #"""
            f.yaml:1:4: error[P003]: YAML reads an unquoted * at the start as an alias, and anchors and aliases are not allowed (write the value out; put an expression in quotes)
             1 | a: *x
               |    ^^
            """#),
        Row(
            "a: 1\nb: 2\na: 3\n",
            #"""
            f.yaml:3:1: error[P004]: the key 'a' occurs twice in one map (the first is on line 1; remove one)
             3 | a: 3
               | ^
            """#),
        Row(
            "\"a\": 1\na: 2\n",
            #"""
            f.yaml:2:1: error[P004]: the key 'a' occurs twice in one map (the first is on line 1; remove one)
             2 | a: 2
               | ^
            """#),
        Row(
            "{a: 1, a: 2}\n",
            #"""
            f.yaml:1:8: error[P004]: the key 'a' occurs twice in one map (the first is on line 1; remove one)
             1 | {a: 1, a: 2}
               |        ^
            """#),
        Row(
            "a: {b: 1, b: 2}\n",
            #"""
            f.yaml:1:11: error[P004]: the key 'b' occurs twice in one map (the first is on line 1; remove one)
             1 | a: {b: 1, b: 2}
               |           ^
            """#),
        Row(
            "<<: {a: 1}\n",
            #"""
            f.yaml:1:1: error[P005]: merge keys are not allowed (write the fields out)
             1 | <<: {a: 1}
               | ^^
            """#),
        Row(
            "\ta: 1\n",
            #"""
            f.yaml:1:1: error[P009]: a tab in the indentation (indent with spaces)
             1 | 	a: 1
               | ^
            """#),
        Row(
            "a:\n\tb: 1\n",
            #"""
            f.yaml:2:1: error[P009]: a tab in the indentation (indent with spaces)
             2 | 	b: 1
               | ^
            """#),
        Row(
            "---\na: 1\n---\nb: 2\n",
            #"""
            f.yaml:3:1: error[P010]: a second document begins (keep one document in a file)
             3 | ---
               | ^^^
            """#),
        Row(
            "a: 1\n...\nb: 2\n",
            #"""
            f.yaml:3:1: error[P010]: something follows the document's end (keep one document in a file)
             3 | b: 2
               | ^
            """#),
        Row(
            "a: x\u{200B}y\n",
            #"""
            f.yaml:1:5: error[P017]: the invisible character U+200B is not allowed (remove it, or write it as an escape in double quotes)
             1 | a: x�y
               |     ^
            """#),
        Row(
            "\u{FEFF}a: 1\n",
            #"""
            f.yaml:1:1: error[P016]: the file begins with a byte order mark (save it as UTF-8 without BOM)
            """#),
        Row(
            "a: \u{202E}x\n",
            #"""
            f.yaml:1:4: error[P017]: the invisible character U+202E is not allowed (remove it, or write it as an escape in double quotes)
             1 | a: �x
               |    ^
            """#),
        Row(
            "",
            #"""
            f.yaml:1:1: error[P019]: the file is empty
             1 | 
               | ^
            """#),
        Row(
            "# nothing\n",
            #"""
            f.yaml:1:1: error[P019]: the file is empty
             1 | # nothing
               | ^
            """#),
        Row(
            "a: [[[[[[[[1]]]]]]]]\n",
            #"""
            f.yaml:1:11: error[P008]: lists and maps are nested more than 8 deep (give the inner part a name of its own, or flatten it)
             1 | a: [[[[[[[[1]]]]]]]]
               |           ^
            """#),
    ]

    /// What different readers take for different values.
    private static let values = [
        Row(
            "a: !signal.approved\n",
            #"""
            f.yaml:1:4: error[P012]: YAML reads an unquoted ! at the start as a tag, not as «not» (put the expression in quotes)
             1 | a: !signal.approved
               |    ^^^^^^^^^^^^^^^^
            """#),
        Row(
            "a: yes\n",
            #"""
            f.yaml:1:4: error[P006]: 'yes' is true to some YAML readers and text to others (write true, or "yes" in quotes)
             1 | a: yes
               |    ^^^
            """#),
        Row(
            "a: Off\n",
            #"""
            f.yaml:1:4: error[P006]: 'Off' is false to some YAML readers and text to others (write false, or "Off" in quotes)
             1 | a: Off
               |    ^^^
            """#),
        Row(
            "on: 1\n",
            #"""
            f.yaml:1:1: error[P006]: 'on' is true to some YAML readers and text to others (write true, or "on" in quotes)
             1 | on: 1
               | ^^
            """#),
        Row(
            "a: True\n",
            #"""
            f.yaml:1:4: error[P006]: 'True' is true to some YAML readers and text to others (write true, or "True" in quotes)
             1 | a: True
               |    ^^^^
            """#),
        Row(
            "a: NULL\n",
            #"""
            f.yaml:1:4: error[P006]: 'NULL' is null to some YAML readers and text to others (write null, or "NULL" in quotes)
             1 | a: NULL
               |    ^^^^
            """#),
        Row(
            "a: 017\n",
            #"""
            f.yaml:1:4: error[P018]: '017' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | a: 017
               |    ^^^
            """#),
        Row(
            "a: 1_000\n",
            #"""
            f.yaml:1:4: error[P018]: '1_000' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | a: 1_000
               |    ^^^^^
            """#),
        Row(
            "at: 22:30\n",
            #"""
            f.yaml:1:5: error[P018]: '22:30' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | at: 22:30
               |     ^^^^^
            """#),
        Row(
            "a: .inf\n",
            #"""
            f.yaml:1:4: error[P018]: '.inf' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | a: .inf
               |    ^^^^
            """#),
        Row(
            "a: +1\n",
            #"""
            f.yaml:1:4: error[P018]: '+1' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | a: +1
               |    ^^
            """#),
        Row(
            "a: 0x1F\n",
            #"""
            f.yaml:1:4: error[P018]: '0x1F' is a number to some YAML readers and text to others (write a plain decimal number, or put it in quotes)
             1 | a: 0x1F
               |    ^^^^
            """#),
        Row(
            "12: a\n",
            #"""
            f.yaml:1:1: error[P011]: a whole number cannot be a key (write "12" in quotes)
             1 | 12: a
               | ^^
            """#),
        Row(
            "true: a\n",
            #"""
            f.yaml:1:1: error[P011]: true or false cannot be a key (write "true" in quotes)
             1 | true: a
               | ^^^^
            """#),
        Row(
            "null: a\n",
            #"""
            f.yaml:1:1: error[P011]: nothing cannot be a key (write "null" in quotes)
             1 | null: a
               | ^^^^
            """#),
        Row(
            "[1]: a\n",
            #"""
            f.yaml:1:1: error[P011]: a list cannot be a key (keys are text)
             1 | [1]: a
               | ^
            """#),
        Row(
            "? a\n: b\n",
            #"""
            f.yaml:1:1: error[P013]: an unquoted ? at the start makes YAML read a complex key (put an expression that starts with ? in quotes)
             1 | ? a
               | ^
            """#),
        Row(
            "when: ? x\n",
            #"""
            f.yaml:1:7: error[P013]: an unquoted ? at the start makes YAML read a complex key (put an expression that starts with ? in quotes)
             1 | when: ? x
               |       ^
            """#),
        Row(
            "when: ?x\n",
            #"""
            f.yaml:1:7: error[P013]: an unquoted ? at the start is a trap: with a space after it YAML reads a complex key (put the expression in quotes)
             1 | when: ?x
               |       ^
            """#),
        Row(
            "when: a ? b : c\n",
            #"""
            f.yaml:1:13: error[P014]: a second ': ' makes YAML read this value as a map (put the expression in quotes; ? : needs them)
             1 | when: a ? b : c
               |             ^
            """#),
        Row(
            "title: Note: this\n",
            #"""
            f.yaml:1:12: error[P014]: a second ': ' makes YAML read this value as a map (put the value in quotes)
             1 | title: Note: this
               |            ^
            """#),
        Row(
            "a: b: c\n",
            #"""
            f.yaml:1:5: error[P014]: a second ': ' makes YAML read this value as a map (put the value in quotes)
             1 | a: b: c
               |     ^
            """#),
        Row(
            "a: b: c\nd: 1\ne: f: g\nh: 2\n",
            #"""
            f.yaml:1:5: error[P014]: a second ': ' makes YAML read this value as a map (put the value in quotes)
             1 | a: b: c
               |     ^

            f.yaml:3:5: error[P014]: a second ': ' makes YAML read this value as a map (put the value in quotes)
             3 | e: f: g
               |     ^
            """#),
    ]
}
