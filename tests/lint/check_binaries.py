#!/usr/bin/env python3
"""The programs of a package have been hardened: check_binaries.py DIRECTORY RELEASE, where the .deb of that release lies. Reads
what is in the programs, not what the compiler was told."""

import glob
import os
import re
import subprocess
import sys
import tempfile

import tree

PROGRAMS = ("usr/bin/podreeve", "usr/bin/podreeved", "usr/libexec/podreeve/podreeve-probe")
REVISIONS = {"bookworm": "deb12", "trixie": "deb13", "forky": "deb14"}

# (what is missing, of which tool's output, a pattern that has to be in it)
SIGNS = [
    ("position independence (-pie)", "readelf", r"Type:\s+DYN\b[\s\S]*\bFLAGS_1\b.*\bPIE\b"),
    ("relocations that are read-only (-z relro)", "readelf", r"\bGNU_RELRO\b"),
    ("binding at the start (-z now)", "readelf", r"\bFLAGS_1\b.*\bNOW\b"),
    ("a stack that is not run (-z noexecstack)", "readelf", r"\bGNU_STACK\b.*\bRW\s+0x"),
    ("stack protector (-fstack-protector-strong)", "readelf", r"\bUND __stack_chk_fail\b"),
    ("checked copies (_FORTIFY_SOURCE)", "readelf", r"\bUND __\w+_chk\b"),
    ("assertions of the library (_GLIBCXX_ASSERTIONS)", "readelf", r"\bUND \w*__glibcxx_assert_fail"),
]
# How often each has to be in the code of a program: that of libraries in archives alone has a few.
MARKS = {
    "x86-64": [("marked targets of jumps (-fcf-protection)", r"\bendbr64\b", 100),
               ("probed stack (-fstack-clash-protection)", r"\bor[bwlq]\s+\$0x0,(0x\w+)?\(%rsp\)", 1)],
    "AArch64": [("marked targets of jumps (-mbranch-protection)", r"\b(bti|paciasp)\b", 100)],
}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def missing(path):
    """What a program lacks."""
    read = {"readelf": output("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", path)}
    yield from (what for what, tool, pattern in SIGNS if not re.search(pattern, read[tool]))
    code = output("objdump", "-d", "--no-show-raw-insn", path)
    for machine, marks in MARKS.items():
        if machine in read["readelf"]:
            yield from (what for what, pattern, least in marks if len(re.findall(pattern, code)) < least)


def problems(folder, release):
    found = glob.glob(os.path.join(folder, f"podreeve_*~{REVISIONS[release]}_*.deb"))
    if len(found) != 1:
        return [f"there is not one .deb of {release} in {folder}: ./dev package {release}"]
    with tempfile.TemporaryDirectory() as unpacked:
        subprocess.run(["dpkg-deb", "-x", found[0], unpacked], check=True)
        return [f"{os.path.basename(found[0])}: {name} lacks {what}"
                for name in PROGRAMS for what in missing(os.path.join(unpacked, name))]


if __name__ == "__main__":
    tree.finish(problems(*sys.argv[1:]), "packaging/cmake/PodreeveTargets.cmake has the flags")
