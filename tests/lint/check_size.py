#!/usr/bin/env python3
"""No file over 600 lines and no function over 60, where a test may hold a longer table: check_size.py ROOT."""

import re
import sys

import tree

FILE_LINES = 600
FUNCTION_LINES = 60
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def functions(text):
    """(first line, lines) of each function body that stands in a namespace or a class, lambdas not counted."""
    plain = tree.bare(text)
    open_braces = []  # (opens a scope, is a function, where)
    head = 0  # where the declaration before the next brace begins
    for match in re.finditer(r"[{};]", plain):
        at, mark = match.start(), match.group(0)
        if mark == "{":
            declaration = plain[head:at]
            scope = SCOPE.search(declaration) is not None and ")" not in declaration
            in_scope = all(is_scope for is_scope, _, _ in open_braces)
            is_function = in_scope and not scope and re.search(r"\)[\s\w]*(->[^=]*)?$", declaration) is not None
            open_braces.append((scope, is_function, at))
        elif mark == "}" and open_braces:
            _, is_function, began = open_braces.pop()
            if is_function:
                yield plain.count("\n", 0, began) + 1, plain.count("\n", began, at)
        head = at + 1


def problems(root):
    found = []
    for name in tree.files(root):
        if not name.endswith(tree.CODE + (".py", ".sh", ".txt", ".cmake")):
            continue
        text = tree.read(root, name)
        lines = text.count("\n")
        if lines > FILE_LINES:
            found.append(f"{name}:1: {lines} lines, {FILE_LINES} at most: is it still one thing?")
        if name.endswith(tree.CODE) and not name.startswith("tests/"):
            found += [f"{name}:{at}: a function of {length} lines, {FUNCTION_LINES} at most"
                      for at, length in functions(text) if length > FUNCTION_LINES]
    return found


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "split by what the parts are about, not by length")
