#!/usr/bin/env python3
"""The house in numbers: house.py ROOT. The same counts at any revision, to be held side by side."""

import collections
import json
import os
import re
import sys

import check_words
import tree

PRODUCT = ("runtime", "quadlet", "manifests", "agent")
SHARED = 6  # lines in a row that two places have alike


def room_of(name):
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] in ("runtime", "agent", "tests") else parts[0]


def lines_by_room(root, *folders):
    found = collections.Counter()
    for name in tree.code(root, *folders):
        found[room_of(name)] += len(tree.read(root, name).splitlines())
    return dict(sorted(found.items()))


def body_of(text, head):
    """The text between the braces that follow head, or nothing."""
    at = text.find(head)
    if at < 0:
        return ""
    start = text.index("{", at)
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start + 1:end]
    return ""


def outermost(body):
    """Without what nested braces hold."""
    kept, depth = [], 0
    for letter in body:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            kept.append(letter)
    return "".join(kept)


def methods_and_members(root, name, head):
    text = tree.bare(tree.read(root, name)) if os.path.exists(os.path.join(root, name)) else ""
    statements = [" ".join(part.split()) for part in outermost(body_of(text, head)).split(";")]
    methods = [part for part in statements if re.search(r"\w\s*\(", part) and "operator" not in part and "= " not in part.split("(")[0]]
    members = [part for part in statements if part and part not in methods and not part.startswith(("using", "struct", "class"))]
    return {"methods": len(methods), "members": len(members)}


def supervisor(root):
    """Methods and members of the object that is kept between passes and of the one that decides, and what one pass calls of it."""
    texts = [tree.bare(tree.read(root, name)) for name in tree.code(root, "agent/reconcile")
             if os.path.basename(name) in ("pass.cpp", "seen.cpp", "commits.cpp")]
    called = {call for text in texts for call in re.findall(r"\bsupervisor\.(\w+)\(", text)}
    return {"kept": methods_and_members(root, "agent/supervise/core.h", "struct Supervisor::Core"),
            "decides": methods_and_members(root, "agent/supervise/decide/decider.h", "class Decider"),
            "calls in a pass": sorted(called)}


def alike(root):
    """Pairs of places that share so many lines in a row, blanks and lone braces left out."""
    at = collections.defaultdict(list)
    for name in tree.code(root, *PRODUCT):
        lines = [line.strip() for line in tree.read(root, name).splitlines()]
        lines = [line for line in lines if len(line) > 3 and not line.startswith(("//", "#include", "using ", "namespace"))]
        for first in range(len(lines) - SHARED + 1):
            at["\n".join(lines[first:first + SHARED])].append((name, first))
    pairs = set()
    for places in at.values():
        for one, (name, first) in enumerate(places):
            for other, second in places[one + 1:]:
                pairs.add((name, other, second - first))  # a longer run is one pair
    return len(pairs)


def house(root):
    return {
        "product lines": lines_by_room(root, *PRODUCT),
        "test lines": lines_by_room(root, "tests"),
        "supervisor": supervisor(root),
        "type names that stand for two things": len(check_words.types(root)),
        "words of our own": len([one for one in check_words.problems(root) if "is also a type" not in one]),
        f"pairs of places that share {SHARED} lines": alike(root),
    }


if __name__ == "__main__":
    counted = house(sys.argv[1])
    counted["sums"] = {what: sum(counted[what].values()) for what in ("product lines", "test lines")}
    print(json.dumps(counted, indent=2))
