#!/usr/bin/env python3
"""Calls, names and marks that the house does without: check_banned.py ROOT."""

import os
import re
import sys

import tree

PRODUCT = ("runtime/", "quadlet/", "manifests/", "agent/")
# Time, environment and processes are met here and injected everywhere else.
WORLD = ("runtime/base/", "runtime/loop/", "agent/daemon/")
RULES = [
    # (where it holds, where not, pattern, why)
    (PRODUCT, WORLD, r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])sleep\s*\(", "wait on a Scheduler"),
    (PRODUCT, WORLD, r"\b(system_clock|steady_clock|high_resolution_clock)\s*::\s*now\b", "take a Clock"),
    (PRODUCT, (), r"\bistreambuf_iterator\b", "it throws when a read fails: read_file()"),
    (PRODUCT, (), r"\bfor\s*\([^;)]*:\s*(std::filesystem|fs)::(recursive_)?directory_iterator\b",
     "its ++ throws: increment(error)"),
    (PRODUCT, ("runtime/base/json_text.cpp",), r"(?:\.|->)\s*dump\s*\(", "it throws at a text that is not UTF-8: json_text()"),
    (PRODUCT, ("runtime/base/thread.h",),
     r"\bstd::j?thread\s*[({](?!\s*[)}])|\b\w*thread\w*\s*[({]\s*\[|\bpthread_create\b",
     "what it throws ends the process: begin_thread(), begin_stoppable()"),
    (PRODUCT, WORLD, r"\b(secure_)?getenv\s*\(", "take the value as an argument"),
    (PRODUCT + ("tests/",), (), r"(?<![\w.>])(std::)?(system|popen)\s*\(", "start a child with runtime/process"),
    (PRODUCT + ("tests/",), (), r"\busing\s+namespace\s+std\s*;", "name what is used"),
    (PRODUCT + ("tests/",), (), r"\b(?:class|struct|enum class)\s+\w*(Manager|Helper|Utils?|Impl|Facade)\b",
     "name the thing"),
    (("tests/",), (), r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])sleep\s*\(", "a test never sleeps"),
    (("tests/",), (), r"\bGTEST_SKIP\b|\bDISABLED_\w+", "a test that does not run shows nothing"),
    (("tests/",), (), r"\b(EXPECT|ASSERT)_TRUE\s*\(\s*true\s*\)|\bSUCCEED\s*\(\s*\)", "a test has to be able to fail"),
]
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
NAMES = re.compile(r"(^|_)(manager|helpers?|utils?|impl|facade|misc|common)(_|$)")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def problems_of(root, name):
    text = tree.read(root, name)
    plain = tree.bare(text)
    if NAMES.search(os.path.splitext(os.path.basename(name))[0]):
        yield f"{name}:1: a file is named after the one thing in it"
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}:1: a header begins with #pragma once"
    for match in MARKS.finditer(text):
        yield f"{name}:{line_of(text, match.start())}: {match.group(0)}: finish it, or leave it out"
    for holds, spares, pattern, why in RULES:
        if not name.startswith(holds) or name.startswith(spares):
            continue
        for match in re.finditer(pattern, plain):
            yield f"{name}:{line_of(plain, match.start())}: '{match.group(0).strip()}': {why}"


def problems(root):
    return [problem for name in tree.code(root) for problem in problems_of(root, name)]


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "the reasons are at the rules in tests/lint/check_banned.py")
