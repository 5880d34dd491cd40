#!/usr/bin/env python3
"""Every C++ file is laid out as clang-format 14 does it by .clang-format: check_format.py ROOT."""

import subprocess
import sys

import tree


def problems(root):
    names = tree.code(root)
    if not names:
        return []
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *names], cwd=root, capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if ": error:" in line]
    return complaints or ([done.stderr] if done.returncode else [])


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "./dev format lays them out")
