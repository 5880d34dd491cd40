#!/usr/bin/env python3
"""The glossary's words, and one thing a type name: check_words.py ROOT."""

import collections
import os
import re
import sys

import tree

PRODUCT = ("runtime/", "quadlet/", "manifests/", "agent/")
# Not in identifiers, names of files and literals of the product: what the field calls it.
WORDS = {
    "verdict": "decision, probe result, health", "wish": "request", "standing": "dependency status", "census": "counts",
    "board": "status", "unwell": "unhealthy", "park": "retain", "wedge": "stuck", "oversee": "start gate", "asker": "prober",
    "question": "probe", "answer": "reply, result", "judge": "evaluate", "weigh": "evaluate", "settle": "resolve",
    "stands": "is converged", "astray": "orphaned", "knot": "cycle", "sooner": "cheaper ending", "whom": "subject",
    "tell": "report, notify", "anew": "recreated",
}
WHOLE = {"way": "direction", "in_force": "effective", "inforce": "effective"}  # as an identifier of its own
FORMS = {"stood": "stands", "told": "tell", "wedging": "wedge", "parking": "park", "overseer": "oversee", "overseeing": "oversee",
         "settling": "settle", "judging": "judge", "wishes": "wish"}
# Not in comments and documents either.
PROSE = ("verdict", "verdicts", "wish", "wishes", "census", "unwell", "parked", "wedged", "standing", "standings", "overseer")
# A server answers; and the mark of a container that an earlier release has retained.
SPARED = re.compile(r"\banswer(s|ed|ing)?\b|^-parked-$", re.I)
LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"')
DOCUMENTS = (".md", ".1", ".5", ".8", ".in")
TYPE = re.compile(r"^(?:template <[^\n]*>\n)?(?:struct|class|enum class|enum|using)\s+(\w+)\b(?!\s*::)([^\n]*)", re.M)


def word_of(part):
    """The word of the table that this is a form of, or nothing."""
    part = part.lower()
    part = FORMS.get(part, part)
    for end in ("", "s", "es", "d", "ed", "r", "rs", "ing"):
        if part.endswith(end) and part[:len(part) - len(end)] in WORDS:
            return part[:len(part) - len(end)]
    return None


def parts_of(identifier):
    return [part for part in re.split(r"_|(?<=[a-z0-9])(?=[A-Z])", identifier) if part]


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def identifiers(name, text):
    plain = re.sub(r"^#include[^\n]*", "", tree.bare(text), flags=re.M)
    for match in re.finditer(r"[A-Za-z_]\w*", plain):
        line = line_of(plain, match.start())
        for part in parts_of(match.group(0)):
            if word := word_of(part):
                yield f"{name}:{line}: '{match.group(0)}' says {word}: {WORDS[word]}"
        if field := WHOLE.get(match.group(0).strip("_").lower()):
            yield f"{name}:{line}: '{match.group(0)}': {field}"


def literals(name, text):
    code = re.sub(r"//[^\n]*|^#include[^\n]*", "", text, flags=re.M)
    for match in LITERAL.finditer(code):
        for word in re.findall(r"[A-Za-z]+", SPARED.sub("", match.group(1))):
            if found := word_of(word):
                yield f"{name}:{line_of(code, match.start())}: {match.group(0)} says {found}: {WORDS[found]}"


def prose(name, text):
    for match in re.finditer(r"\b(" + "|".join(PROSE) + r")\b", text, re.I):
        yield f"{name}:{line_of(text, match.start())}: '{match.group(0)}': see the glossary of docs/architecture.md"


def types(root):
    """Names at namespace scope that mean two things."""
    found = collections.defaultdict(list)
    for name in tree.code(root):
        if name.startswith(PRODUCT):
            text = tree.read(root, name)
            for match in TYPE.finditer(text):
                rest = match.group(2)
                declares = re.match(r"\s*;", rest) or (match.group(0).startswith("using") and "=" not in rest)
                if not declares:
                    found[match.group(1)].append(name)
    return [f"{names[1]}:1: '{type_name}' is also a type of {names[0]}" for type_name, names in sorted(found.items()) if len(names) > 1]


def problems(root):
    found = types(root)
    for name in tree.files(root):
        if name.startswith(PRODUCT) and name.endswith(tree.CODE):
            text = tree.read(root, name)
            for part in parts_of(os.path.splitext(os.path.basename(name))[0]):
                if word := word_of(part):
                    found.append(f"{name}:1: the file's name says {word}: {WORDS[word]}")
            found += [*identifiers(name, text), *literals(name, text), *prose(name, "\n".join(re.findall(r"//[^\n]*", text)))]
        elif name.endswith(DOCUMENTS) and not name.startswith("tests/"):
            found += prose(name, tree.read(root, name))
    return found


if __name__ == "__main__":
    tree.finish(problems(sys.argv[1]), "the words are in tests/lint/check_words.py and in the glossary of docs/architecture.md")
