#!/usr/bin/env python3
"""How much the services could do if they were taken over, by `systemd-analyze security`, may not rise: check_units.py FOLDER,
where the units as they are installed lie, in user/ and system/. The values are those of bookworm's systemd, 0 best, 100 worst;
whoever lowers one lowers it here, too. Each unit that runs the agent has it watched."""

import os
import re
import subprocess
import sys

import tree

MOST = {
    "user/podreeve.service": 67,
    "user/podreeve-kube@.service": 67,
    "user/podreeve-apps.service": 63,
    "system/podreeve.service": 39,
    "system/podreeve-kube@.service": 39,
    "system/podreeve-apps.service": 63,
}

# The agent feeds systemd's watchdog; those that only ask it end by themselves.
WATCHED = [name for name in MOST if not name.endswith("-apps.service")]
WATCHDOG = "WatchdogSec=30"


def exposure(path):
    """Of a unit, in tenths; None when systemd-analyze does not tell."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    found = re.search(r"Overall exposure level for \S+: (\d+)\.(\d)", done.stdout)
    return int(found.group(1)) * 10 + int(found.group(2)) if found else None


def is_watched(path):
    with open(path, encoding="utf-8") as unit:
        return WATCHDOG in unit.read().splitlines()


def problems(folder):
    for name in WATCHED:
        path = os.path.join(folder, name)
        if os.path.exists(path) and not is_watched(path):
            yield f"{name}: has no {WATCHDOG}, so an agent that hangs is never ended"
    for name, most in MOST.items():
        told = exposure(os.path.join(folder, name))
        if told is None:
            yield f"{name}: systemd-analyze security says nothing of it"
        elif told > most:
            yield f"{name}: {told / 10}, and was {most / 10}"
        elif told < most:
            yield f"{name}: {told / 10} is better than {most / 10}: write it into tests/lint/check_units.py"


if __name__ == "__main__":
    tree.finish(list(problems(sys.argv[1])), "packaging/systemd/hardening.*.conf say why each is as it is")
