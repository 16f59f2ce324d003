#!/usr/bin/env python3
"""Checks that public headers are contracts: each begins with an @file paragraph, every public function and type is covered by
a comment, and what returns a Status or a Result says in it when which comes back. And the codes of HTTP problems are those of docs/api.md.

A comment covers the declarations after it up to the next blank line, so one may stand before a group.
"""

import re

from tree import LAYERS, ROOT, check, finish


def statements(text):
    """Yields (line number, statement, comment that covers it) of what is public at namespace or class scope. Bodies of
    functions, private parts, and what is internal are left out."""
    comment, statement, start = [], "", 0
    stack = []  # of open braces: "namespace", "public", "private", "body"
    for number, line in enumerate(text.split("\n"), 1):
        code = re.sub(r"\s*//.*", "", line).strip()
        hidden = any(kind in ("private", "body") for kind in stack)
        if line.strip().startswith("///"):
            if not statement:
                comment.append(line.strip())
            continue
        if not line.strip():
            comment = []
            continue
        if code.startswith("#") or not code:
            continue
        if re.fullmatch(r"(public|protected|private):", code):
            stack[-1] = "public" if code == "public:" else "private"
            comment = []
            continue
        if not statement:
            start = number
        statement = (statement + " " + code).strip()
        if "///<" in line:
            comment = comment + [line[line.index("///<"):]]
        complete = statement.count("(") == statement.count(")") and re.search(r"[;{}]$", statement)
        if not complete:
            continue
        if not hidden and statement not in ("}", "};"):
            yield start, statement, " ".join(comment)
        opened = statement.count("{") - statement.count("}")
        if opened > 0:
            stack.append(kind_of(statement))
            comment = comment if stack[-1] == "body" else []
        for _ in range(-opened):
            if stack:
                stack.pop()
        statement = ""


def kind_of(statement):
    if re.search(r"\bnamespace\b", statement):
        return "body" if re.search(r"\b(internal|detail)\b", statement) or "namespace {" in statement else "namespace"
    if re.search(r"(^|> )(enum )", statement) or "extern \"C\"" in statement:
        return "body" if "enum" in statement else "namespace"
    if re.search(r"(^|> )(struct|union) ", statement):
        return "public"
    if re.search(r"(^|> )class ", statement):
        return "private"
    return "body"


def is_function(statement):
    head = re.sub(r"\{.*", "", statement)
    if re.match(r"(using|friend|static_assert|typedef|enum|namespace|template <[^>]*> (class|struct))\b", head):
        return False
    return re.search(r"[\w>&*] ?~?(operator\S+|\w+)\(", " " + head) is not None and "= delete" not in statement \
        and not re.search(r"std::function<[^>]*> \w+;", statement) and not re.match(r"[\w:<>, ]+ \(\*", head)


def is_plain_member(statement):
    """What its name says: constructors and destructors without arguments, assignments that move."""
    return re.match(r"((virtual )?~?\w+\((const \w+& ?\w*|\w+&& ?\w*)?\)( noexcept)?( = default)?|\w+& operator=\(.*\)( noexcept)?( = default)?);",
                    statement) is not None


def public_headers():
    for layer in LAYERS:
        for path in sorted((ROOT / layer / "include").rglob("*.hpp")):
            if "internal" not in path.parts:
                yield path


def check_contracts():
    functions = types = 0
    for path in public_headers():
        text, name = path.read_text(), path.relative_to(ROOT)
        check(re.match(r"#pragma once\n/// @file\n///", text), f"{name}: no @file paragraph")
        for line, statement, comment in statements(text):
            if re.search(r"(^|> )(class|struct|enum class) \w+[^;]*\{", statement) and "(" not in statement.split("{")[0]:
                types += 1
                check(comment, f"{name}:{line}: no contract: {statement[:60]}")
            if not is_function(statement) or is_plain_member(statement):
                continue
            functions += 1
            what = re.sub(r"\s+", " ", statement)[:90]
            check(comment, f"{name}:{line}: no contract: {what}")
            if comment and re.match(r"(\[\[nodiscard\]\] |static |virtual |inline |constexpr )*(Status|Result<)", statement):
                check(re.search(r"@returns|\bk[A-Z]\w+|[Ee]rrors?\b|fails|refuse", comment),
                      f"{name}:{line}: says nothing of what comes back when it fails: {what}")
    check(functions > 300, f"only {functions} functions found")
    print(f"contracts: {functions} functions, {types} types")


def arguments_of(call):
    """The arguments of a call that begins after its opening parenthesis, as texts."""
    depth, found, first, in_text = 0, [], 0, False
    for i, c in enumerate(call):
        if c == '"' and call[i - 1] != "\\":
            in_text = not in_text
        if in_text:
            continue
        if c in ",)" and depth == 0:
            found.append(call[first:i])
            first = i + 1
        depth += (c in "({[") - (c in ")}]")
        if depth < 0:
            return found
    return found


def check_problem_codes():
    """docs/api.md explains every code of a problem that the server or its API sends, and no other, with its status."""
    sent, status_of = set(), {}
    for room in ("coordinator/api", "coordinator/http"):
        for path in sorted((ROOT / room).glob("*.cpp")):
            text = path.read_text()
            for call in re.finditer(r"\bproblem\(", text):
                arguments = arguments_of(text[call.end():])
                codes = re.findall(r'"([^"]*)"', arguments[1]) if len(arguments) > 1 else []
                sent.update(codes)
                if len(codes) == 1:
                    status_of[codes[0]] = arguments[0].strip()
    document = (ROOT / "docs/api.md").read_text()
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\d{3}) \|", document, re.M))
    check(sent == set(listed), f"docs/api.md and the sources differ in problem codes: {sent ^ set(listed)}")
    for code, status in status_of.items():
        check(listed.get(code, status) == status, f"docs/api.md: {code} has status {status}")
    check(len(sent) > 20, f"only {len(sent)} problem codes found")
    print(f"problem codes: {len(sent)}")


check_contracts()
check_problem_codes()
finish()
