#!/usr/bin/env python3
"""Includes and links run one way: check_layers.py ROOT; check_layers.py --table prints the graph as docs/architecture.md has it.

ALLOWED is the graph of the architecture: a folder may include its own headers and those of what it lists, a folder or
a single header. The libraries that its CMakeLists.txt links must lie within the same graph, and what it includes must
be linked, by itself or by what it links. Tests may include anything. The table in docs/architecture.md is this one.
"""

import os
import re
import sys

import tree

# Plain values: what podman and systemd reported, on which plan decides, and which a plan hands on.
REPORTS = ["agent/observe/observed.h", "agent/observe/companions.h", "runtime/podman/types.h",
           "runtime/systemd/unit_state.h"]
RUNTIME = ["runtime/base", "runtime/loop", "runtime/http", "runtime/process", "runtime/podman", "runtime/probe",
           "runtime/systemd"]

ALLOWED = {
    "runtime/base": [],
    "runtime/loop": ["runtime/base"],
    "runtime/http": ["runtime/base"],
    "runtime/process": ["runtime/base"],
    "runtime/systemd": ["runtime/process", "runtime/base"],
    "runtime/podman": ["runtime/http", "runtime/process", "runtime/base"],
    "runtime/probe": ["runtime/process", "runtime/base"],
    "runtime/prober": ["runtime/probe", "runtime/base"],
    "quadlet": ["runtime/base"],
    "manifests": ["quadlet", "runtime/base"],
    "agent/state": ["runtime/base"],
    "agent/observe": ["quadlet", *RUNTIME],
    "agent/plan": ["manifests", "quadlet", *REPORTS, "runtime/base"],
    "agent/handlers": ["agent/plan", "agent/state", *REPORTS, "manifests/model.h", "quadlet", *RUNTIME],
    "agent/health": ["agent/observe/observed.h", "manifests/model.h", "runtime/podman", "runtime/probe", "runtime/base"],
    "agent/supervise": ["agent/state", "agent/plan", *REPORTS, "manifests/model.h", "runtime/base"],
    "agent/reconcile": ["manifests", "quadlet", "agent/observe", "agent/plan", "agent/state", "agent/handlers",
                        "agent/health",
                        "agent/supervise",
                        *RUNTIME],
    "agent/api": ["agent/state", "agent/supervise", "agent/plan", "runtime/base"],
    "agent/cli": ["manifests", "runtime/http", "runtime/base"],
}
ALLOWED["agent/daemon"] = list(ALLOWED)

# Each outside library has its room; what is not listed here (the standard library, json, fmt) may be used anywhere.
HOMES = {
    "curl/": ["runtime/http"],
    "openssl/": ["runtime/base", "runtime/prober"],
    "seccomp.h": ["runtime/prober"],
    "systemd/": ["runtime/base", "runtime/loop", "runtime/systemd"],
    "sqlite3.h": ["agent/state"],
    "yaml-cpp/": ["manifests", "agent/daemon"],
    "httplib.h": ["agent/api"],
    "CLI/": ["agent/cli", "agent/daemon"],
}

DOCUMENT = "docs/architecture.md"
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def folder_of(path):
    """The room a path lies in, or None."""
    found = [folder for folder in ALLOWED if path.startswith(folder + "/")]
    return max(found, key=len) if found else None


def may_include(folder, header):
    return folder_of(header) == folder or header in ALLOWED[folder] or folder_of(header) in ALLOWED[folder]


def links(root):
    """{folder: the folders whose libraries it links}, read from podreeve_library() and target_link_libraries()."""
    homes, wanted = {}, {}
    for name in tree.files(root):
        folder = os.path.dirname(name)
        if os.path.basename(name) != "CMakeLists.txt" or folder not in ALLOWED:
            continue
        text = re.sub(r"#[^\n]*", "", tree.read(root, name))
        wanted[folder] = set()
        for call, body in re.findall(r"(podreeve_library|target_link_libraries|add_executable)\s*\(([^)]*)\)", text):
            words = body.split()
            if call != "target_link_libraries":
                homes[words[0]] = folder
            wanted[folder].update(word for word in words[1:] if word.startswith("podreeve_"))
    return {folder: {homes[name] for name in names if name in homes} - {folder} for folder, names in wanted.items()}


def reachable(graph, folder):
    seen, todo = set(), [folder]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def link_problems(graph):
    for folder, others in sorted(graph.items()):
        allowed = {folder_of(entry + "/") or folder_of(entry) for entry in ALLOWED[folder]}
        for other in sorted(others - allowed):
            yield f"{folder}/CMakeLists.txt: {folder} must not link {other}"


def include_problems(root, name, graph):
    folder = folder_of(name)
    text = tree.read(root, name)
    if folder is None:
        yield f"{name}:1: lies in no room of the house; add its folder to ALLOWED in check_layers.py"
        return
    for match in INCLUDE.finditer(text):
        where = f"{name}:{text.count(chr(10), 0, match.start(2)) + 1}"
        quote, header = match.groups()
        if quote == "<":
            for prefix, rooms in HOMES.items():
                if header.startswith(prefix) and folder not in rooms:
                    yield f"{where}: <{header}> belongs to {', '.join(rooms)}, not to {folder}"
            continue
        other = folder_of(header)
        if other is None:
            yield f'{where}: "{header}" is not written from the root of the repository'
        elif not may_include(folder, header):
            yield f"{where}: {folder} must not include {header}"
        elif other != folder and other not in reachable(graph, folder):
            yield f"{where}: {folder} includes {header} but does not link {other}"


def table():
    """ALLOWED in Markdown."""
    rows = [f"| `{room}` | {', '.join(f'`{other}`' for other in others) or 'nothing'} |" for room, others in ALLOWED.items()
            if room != "agent/daemon"]
    return "\n".join(["| room | may include |", "|---|---|", *rows, "| `agent/daemon` | everything |"])


def document_problems(root):
    if os.path.exists(os.path.join(root, DOCUMENT)) and table() not in tree.read(root, DOCUMENT):
        yield f"{DOCUMENT}: its table of the rooms is another one than `check_layers.py --table` prints"


def problems(root):
    graph = links(root)
    found = [*link_problems(graph), *document_problems(root)]
    for name in tree.code(root, "runtime", "quadlet", "manifests", "agent"):
        found += include_problems(root, name, graph)
    return found


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        print(table())
        sys.exit()
    tree.finish(problems(sys.argv[1]), "the arrows between rooms are in docs/architecture.md")
