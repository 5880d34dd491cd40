"""What the lint checks share: the project's files, and C++ text without comments and strings."""

import os
import re
import subprocess
import sys

CODE = (".h", ".cpp")


def files(root):
    """Every file of the project under root, as sorted paths relative to it: tracked, or new and not ignored."""
    git = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(git, capture_output=True, text=True)
    if done.returncode == 0:
        names = done.stdout.split("\0")
    else:  # an unpacked archive, or a self-test's folder
        names = [os.path.relpath(os.path.join(at, name), root) for at, _, found in os.walk(root) for name in found]
    return sorted(name for name in set(names) if name and os.path.isfile(os.path.join(root, name)))


def code(root, *folders):
    """The C++ files, or those below one of the folders."""
    found = [name for name in files(root) if name.endswith(CODE)]
    return [name for name in found if not folders or name.startswith(tuple(f + "/" for f in folders))]


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def _blank(match):
    text = match.group(0)
    kept = '""' if text[0] in 'R"' else ""
    return kept + "\n" * text.count("\n")


def bare(text):
    """C++ text without comments and literals; the line numbers stay."""
    return _NOISE.sub(_blank, text)


def finish(problems, what):
    """Prints the problems and ends the program: 0 when there are none."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problems: {what}")
    sys.exit(1 if problems else 0)
