#!/usr/bin/env python3
"""What decides and plans is pure: no lock, no clock, no state, no I/O, nothing that stays between two calls: check_purity.py ROOT."""

import re
import sys

import tree

PURE = ("agent/plan", "agent/supervise/decide")
# A memo of hashes that are made of the same text again and again: what it holds changes no plan.
SPARED = ("agent/plan/hashes.cpp",)
# Of the standard library and the system.
HEADERS = re.compile(r"(mutex|shared_mutex|semaphore|thread|stop_token|atomic|condition_variable|future|latch|barrier|random|"
                     r"[io]?fstream|iostream|filesystem|cstdio|stdio\.h|cstdlib|ctime|time\.h|(unistd|fcntl|poll)\.h|sys/.*)")
# Of the rooms below: values, and functions of values.
VALUES = ("agent/observe/companions.h", "agent/observe/observed.h", "agent/state/app_record.h", "agent/state/task.h",
          "agent/supervise/failures.h", "agent/supervise/status.h",
          "runtime/podman/types.h", "runtime/systemd/unit_state.h",
          *(f"runtime/base/{name}.h" for name in ("clock", "contained", "digest", "error", "in_hand", "json_text", "result", "utf8")))
ROOMS = ("agent/", "runtime/")
RULES = [
    (r"\bClock\b|\b(steady|system)_now\b|_clock\s*::\s*now\b", "the time is an input"),
    (r"\bmutable\b|\bthread_local\b|\bconst_cast\b", "the same inputs give the same decisions"),
    (r"\bstatic\s+(?!const\b|constexpr\b)[^;({]*[;={]", "nothing stays from one call to the next"),
    (r"\blog::\w+\(|\bstd::c(out|err)\b", "what is decided is told by who applies it"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def includes(name, text):
    for match in INCLUDE.finditer(text):
        quote, header = match.groups()
        own = header.startswith(tuple(f"{room}/" for room in PURE))
        foreign = header.startswith(ROOMS) and not own and header not in VALUES
        if foreign or (quote == "<" and HEADERS.fullmatch(header)):
            yield f"{name}:{line_of(text, match.start(2))}: {header} is no value and no function of values"


def problems(root):
    found = []
    for name in tree.code(root, *PURE):
        if name in SPARED:
            continue
        text = tree.read(root, name)
        found += includes(name, text)
        plain = tree.bare(text)
        for pattern, why in RULES:
            found += [f"{name}:{line_of(plain, match.start())}: '{match.group(0).strip()}': {why}"
                      for match in re.finditer(pattern, plain)]
    return found


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "what decides is handed all it decides upon, and hands back all it decides")
