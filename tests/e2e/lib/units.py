"""Companions as systemd and Quadlet have them: texts of units, their files on the host, who restarted what."""

import collections
import os
import re

from lib.lab import APP_UID

# Where Quadlet looks for the units of 'app', and podreeve's own folder of it.
QUADLET = "/home/app/.config/containers/systemd"
OURS = QUADLET + "/podreeve"
BUSYBOX = "localhost/busybox:latest"

Unit = collections.namedtuple("Unit", "invocation restarts active sub result")


def container(unit="", section="", service="", image="localhost/busybox:latest", wait="sleep 1000000"):
    """A .container whose process ends at once on SIGTERM; unit, section, service: more lines of its three sections."""
    return (f"[Unit]\n{unit}\n[Container]\nImage={image}\nExec=sh -c \"trap 'exit 0' TERM; {wait} & wait\"\n"
            f"StopTimeout=1\n{section}\n[Service]\nTimeoutStartSec=60\n{service}\n")


def installed(app, file):
    """Where podreeve puts an app's unit file."""
    return f"{OURS}/{app}/{file}"


def indented(text, spaces):
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


def app(name, companions, more=""):
    """A manifest with companions only: {file name: text or (text, more fields of it)}."""
    text = f"app:\n  id: {name}\n  name: {name}\n  version: \"1\"\n{more}  companions:\n"
    for file, unit in companions.items():
        unit, fields = unit if isinstance(unit, tuple) else (unit, "")
        text += f"    - name: {file}\n{indented(fields, 6)}      text: |\n{indented(unit, 8)}"
    return text


def fresh(lab):
    """No unit of an earlier case is left, nor a file of one; the agent runs on."""
    lab.stop_agent()
    lab.run("sh", "-c", f"rm -rf {QUADLET} ~/.config/systemd/user ~/.local/state/podreeve; "
            "systemctl --user daemon-reload; systemctl --user list-units --all --plain --no-legend '*.service' "
            f"| grep -o '^[a-z][-a-z0-9@]*\\.service' | grep -E '{TEST_UNITS}' | xargs -r systemctl --user stop; "
            "systemctl --user reset-failed; podman pod rm -f -t 0 -a; podman rm -f -t 0 -a; "
            "podman network prune -f; podman volume rm -f -a", check=False)
    lab.start_agent()


# What the cases call their units.
TEST_UNITS = r"^(u[0-9]+|t-|n[0-9]+-network)"


def up(lab, *apps, timeout=120):
    """Waits until these apps run and nothing is left to do."""
    lab.wait_until(lambda: lab.is_up(*apps), timeout, f"{', '.join(apps)} up")
    lab.settle()


def states(lab, names):
    """{unit: Unit} as systemd has them now."""
    shown = lab.run("systemctl", "--user", "show", "-p", "Id,InvocationID,NRestarts,ActiveState,SubState,Result",
                    *names).stdout
    found = {}
    for block in shown.strip().split("\n\n"):
        keys = dict(line.split("=", 1) for line in block.splitlines())
        found[keys["Id"]] = Unit(keys["InvocationID"], int(keys.get("NRestarts", 0)), keys["ActiveState"],
                                 keys["SubState"], keys.get("Result", ""))
    return found


def is_active(lab, *names):
    return all(unit.active == "active" for unit in states(lab, names).values())


class Journal:
    """The user manager's journal from now on."""

    def __init__(self, lab):
        self.lab = lab
        lab.root("journalctl", "--sync")  # what was said before is no news
        shown = lab.run("journalctl", "--user", "-n", "0", "--show-cursor").stdout
        self.cursor = re.search(r"-- cursor: (.*)", shown).group(1)

    def lines(self, *options):
        self.lab.root("journalctl", "--sync")  # what was said is in it
        return self.lab.run("journalctl", "--user", "--no-pager", "-o", "cat", "--after-cursor", self.cursor,
                            *options).stdout.splitlines()

    def reloads(self):
        """Daemon-reloads that podreeve asked for."""
        return sum(bool(re.match(r"Reload(ing)? requested from client PID \d+ \('podreeve", line))
                   for line in self.lines("-t", "systemd"))


def read(lab, path):
    """A file's text; None: there is no such file."""
    try:
        with open(lab.path(path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def overwrite(lab, path, text):
    """Writes into a file as an editor that keeps its inode would; one that is not there becomes one of 'app'."""
    here = lab.path(path)
    if not os.path.isdir(os.path.dirname(here)):
        lab.run("mkdir", "-p", os.path.dirname(path))
    with open(here, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(here, APP_UID, APP_UID)


def source(text):
    """A stamped text without what says in which generation it was written."""
    return text and re.sub(r"(?m)^Generation=.*$", "", text)
