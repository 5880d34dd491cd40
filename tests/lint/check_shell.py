#!/usr/bin/env python3
"""shellcheck finds nothing in any shell script: check_shell.py ROOT."""

import re
import subprocess
import sys

import tree


def is_script(root, name):
    if name.endswith(".sh"):
        return True
    with open(f"{root}/{name}", "rb") as file:
        return re.match(rb"#!.*\b(ba)?sh\b", file.readline()) is not None


def problems(root):
    names = [name for name in tree.files(root) if is_script(root, name)]
    if not names:
        return []
    done = subprocess.run(["shellcheck", "-x", "-P", ".", "-f", "gcc", *names], cwd=root, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines() or ([f"shellcheck ended with {done.returncode}"] * (done.returncode != 0))


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "https://www.shellcheck.net/wiki explains each code")
