"""A throw-away Debian host with podreeve installed, as the end-to-end cases see it."""

import datetime
import glob
import hashlib
import json
import os
import re
import shlex
import subprocess
import time
import urllib.parse

from lib.rest import Asker, Unreachable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
LAB = os.path.join(ROOT, "tests/lab/lab")
REVISIONS = {"bookworm": "deb12", "trixie": "deb13", "forky": "deb14"}
MANIFESTS = "/home/app/.config/podreeve/apps"
STATE = "/home/app/.local/state/podreeve"
SOCKET = "/run/user/1000/podreeve/podreeve.sock"
PODMAN_SOCKET = "/run/user/1000/podman/podman.sock"
APP_UID = 1000


def measures(case):
    """A case that holds a time or a cost against a bound: nothing else runs on the machine meanwhile."""
    case.measures = True
    return case


def long(case):
    """A case that is too heavy for every day: with PODREEVE_LONG, or asked for by name."""
    case.long = True
    return case


class CommandFailed(Exception):
    """A command that should have ended well did not."""


# What the case has done so far, (time, words): of its story, should it fail.
STEPS = []


def execute(*command, behind=(), check=True, timeout=180, stdin=""):
    """The completed process; behind: what stands before the command and is of no interest to a reader."""
    began = time.time()
    done = subprocess.run([*behind, *command], capture_output=True, text=True, errors="backslashreplace", timeout=timeout,
                          input=stdin)
    words = shlex.join(command)
    STEPS.append((began, f"{words}  ->  {done.returncode}, {time.time() - began:.2f} s"))
    if check and done.returncode != 0:
        raise CommandFailed(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def seconds_of(text):
    """Of podman's time with nanoseconds, since 1970."""
    day, fraction, zone = re.fullmatch(r"([^.Z+]*)(\.\d*)?(.*)", text).groups()
    return datetime.datetime.fromisoformat(day + zone.replace("Z", "+00:00")).timestamp() + float(fraction or 0)


class Lab:
    """One host. All commands run as the user 'app', unless the method says root."""

    def __init__(self, name, release):
        self.name, self.release = name, release
        self.enter, self.asker = {}, None

    # the host

    def up(self, keep=False):
        """Boots; the host goes down with this process, however that ends, unless it is kept."""
        execute(LAB, "up", *([] if keep else ["--for-pid", str(os.getpid())]), self.name, self.release, timeout=900)
        self.booted()
        return self

    def booted(self):
        """How this boot of the host is entered and asked."""
        self.forget()
        self.enter = {user: execute(LAB, "enter", self.name, user).stdout.splitlines() for user in ("app", "root")}
        self.asker = Asker(int(self.enter["root"][self.enter["root"].index("-t") + 1]))

    def forget(self):
        """Before the host goes down: it waits for who is in its pid namespace, and stops nsenter with its child."""
        if self.asker:
            self.asker.end()
        self.asker = None

    def down(self):
        self.forget()
        execute(LAB, "down", self.name)

    def install(self):
        """Installs the .deb of this release by apt, without a network."""
        found = glob.glob(os.path.join(ROOT, "dist", f"podreeve_*~{REVISIONS[self.release]}_*.deb"))
        if len(found) != 1:
            raise CommandFailed(f"there is not one .deb of {self.release} in dist/: ./dev package {self.release}")
        execute(LAB, "put", self.name, found[0], "/tmp/podreeve.deb")
        self.root("apt-get", "install", "-y", "/tmp/podreeve.deb")

    def run(self, *command, **options):
        return execute(*command, behind=self.enter["app"], **options)

    def root(self, *command, **options):
        return execute(*command, behind=self.enter["root"], **options)

    def path(self, file):
        """A file of the host, as this machine reaches it."""
        return f"/proc/{self.asker.pid}/root{file}"

    def image(self, reference, *changes):
        execute(LAB, "image", self.name, reference, *changes)

    def registry(self):
        return execute(LAB, "registry", self.name).stdout.strip()

    def reboot(self):
        self.forget()
        execute(LAB, "reboot", self.name, timeout=240)
        self.booted()

    def power_cycle(self):
        """systemctl poweroff, and on again."""
        self.forget()
        execute(LAB, "power-cycle", self.name, timeout=240)
        self.booted()

    def journal_before_boot(self, unit):
        """What that unit of the user said before the host was last booted, line by line."""
        lines = self.root("journalctl", "-b", "-1", "-o", "json", f"_SYSTEMD_USER_UNIT={unit}", "--no-pager").stdout
        return [json.loads(line)["MESSAGE"] for line in lines.splitlines()]

    def curl(self, url, check=True):
        return self.root("curl", "-s", "--fail", "--max-time", "3", url, check=check).stdout

    def systemctl(self, *arguments, check=True):
        return self.run("systemctl", "--user", *arguments, check=check).stdout.strip()

    # manifests

    def draft(self, path, text):
        """Writes what is to become a file of 'app' under a hidden name beside it, which it returns."""
        folder, name = os.path.split(path)
        self.run("mkdir", "-p", folder)
        hidden = f"{folder}/.{name}.swp"
        here = self.path(hidden)
        with open(here, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(here, APP_UID, APP_UID)
        os.chmod(here, 0o644)
        return hidden

    def write(self, path, text):
        """Writes a file of 'app' in one step, as editors do: under another name, then renamed."""
        hidden = self.draft(path, text)
        os.rename(self.path(hidden), self.path(path))

    def put_manifest(self, name, text):
        self.write(f"{MANIFESTS}/{name}", text)

    def remove_manifest(self, name):
        os.unlink(self.path(f"{MANIFESTS}/{name}"))

    # the agent

    def start_agent(self):
        self.systemctl("start", "podreeve")

    def stop_agent(self):
        self.systemctl("stop", "podreeve")

    def agent_pid(self):
        return int(self.systemctl("show", "-P", "MainPID", "podreeve"))

    def podreeve(self, *arguments, codes=(0,)):
        """What `podreeve … --json` prints; a CommandFailed when its exit code is none of codes."""
        done = self.run("podreeve", *arguments, "--json", check=False)
        if done.returncode not in codes:
            raise CommandFailed(f"podreeve {shlex.join(arguments)} ended with {done.returncode}:\n"
                                f"{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def ask(self, socket, target):
        """What the agent or podman answers over its socket; a CommandFailed when that is not 200."""
        try:
            status, body = self.asker.ask(socket, target)
        except Unreachable as failure:
            raise CommandFailed(str(failure)) from failure
        if status != 200:
            raise CommandFailed(f"{target}: {status} {body}")
        return body

    def status(self):
        """What `podreeve status --json` prints."""
        return self.ask(SOCKET, "/v1/apps")

    def events(self):
        """Of the agent, as `podreeve events --json` prints them."""
        return self.ask(SOCKET, "/v1/events?since=0")["events"]

    def diff(self):
        """What `podreeve diff --json` prints."""
        return self.ask(SOCKET, "/v1/diff")

    def apps(self):
        return {app["name"]: app for app in self.status()["apps"]}

    def message(self, name):
        """What status says of an app beside its state; empty while it does not know it."""
        return (self.app(name) or {}).get("message", "")

    def app(self, name):
        return self.apps().get(name)

    def is_up(self, *names):
        """Each of these apps, or each there is, runs with all its parts."""
        apps = self.apps()
        chosen = [apps.get(name) for name in names or apps]
        return all(app and app["state"] == "Running" and app["parts_ready"] == app["parts_total"] for app in chosen)

    def is_converged(self):
        """Nothing is under way and nothing would be changed."""
        return self.diff()["converged"] and not any(app.get("change") for app in self.apps().values())

    def condition(self, app, text):
        """The app's conditions, as one text, when text is in it."""
        found = self.app(app)
        said = json.dumps(found["conditions"]) + found["message"] if found else ""
        return said if text in said else None

    # podman

    def podman(self, *arguments, check=True, **options):
        return self.run("podman", *arguments, check=check, **options).stdout.strip()

    def podman_version(self):
        return tuple(int(part) for part in self.podman("version", "--format", "{{.Client.Version}}").split(".")[:2])

    def holds_service_containers(self):
        """podman itself ties pods to their service container, over REST too."""
        return self.podman_version() >= (4, 5)

    def libpod(self, target, **parameters):
        """What podman's own REST API answers."""
        return self.ask(PODMAN_SOCKET, f"/v4.0.0/libpod/{target}?{urllib.parse.urlencode(parameters)}")

    def containers(self, *filters):
        """podman's own list, by name; infra containers left out. A filter is key=value."""
        wanted = {}
        for key, value in (one.split("=", 1) for one in filters):
            wanted.setdefault(key, []).append(value)
        found = self.libpod("containers/json", all="true", filters=json.dumps(wanted))
        return {item["Names"][0]: item for item in found if not item["IsInfra"]}

    def inspect(self, container):
        """What podman inspect shows of it; None: there is none."""
        status, body = self.asker.ask(PODMAN_SOCKET, f"/v4.0.0/libpod/containers/{container}/json")
        return body if status == 200 else None

    def pid_of(self, container):
        """Of its main process; 0: none runs."""
        found = self.inspect(container)
        return found["State"]["Pid"] if found else 0

    def service_of(self, app):
        """What the service container of that app is called."""
        owner = self.run("cat", f"{STATE}/owner").stdout.strip()
        return hashlib.sha256(f"{owner}/{app}".encode()).hexdigest()[:12] + "-service"

    def ids(self):
        """{container: id} of all that are there, infra containers left out."""
        return {name: item["Id"] for name, item in self.containers().items()}

    def running(self, *names):
        found = self.containers()
        return all(name in found and found[name]["State"] == "running" for name in names)

    def kill_process(self, container):
        """kill -9 of the container's main process, as the kernel's OOM killer would."""
        pid = self.pid_of(container)
        assert pid, f"{container} does not run"
        self.root("kill", "-9", str(pid))

    def started_at(self, container):
        """When podman last started it, in seconds of the clock that this machine and the host share; None: not running."""
        found = self.inspect(container)
        return seconds_of(found["State"]["StartedAt"]) if found and found["State"]["Status"] == "running" else None

    def removed_at(self, container):
        """When podman (5.0 or newer) removed that id, on the same clock."""
        events = self.podman("events", "--stream=false", "--since", "5m", "--format", "json", "--filter", "event=remove",
                             "--filter", f"container={container}")
        return json.loads(events.splitlines()[-1])["timeNano"] / 1e9

    def wait_restarted(self, container, since, timeout=20):
        """Waits until the container was started after since; the seconds between, by podman's own record."""
        at, _ = self.wait_until(lambda: started if (started := self.started_at(container) or 0) > since else 0, timeout,
                                f"{container} is started again")
        return at - since

    def inventory(self):
        """All that podman holds but for ids and infra, comparable between two runs."""
        return {
            "containers": sorted((name, item["State"], item["Image"]) for name, item in self.containers().items()),
            "pods": sorted((pod["Name"], pod["Status"], len(pod["Containers"])) for pod in self.libpod("pods/json") or []),
            "volumes": sorted(volume["Name"] for volume in self.libpod("volumes/json") or []),
            "secrets": sorted(secret["Spec"]["Name"] for secret in self.libpod("secrets/json") or []),
        }

    # waiting

    def wait_until(self, condition, timeout, what):
        """Returns what condition gave as soon as it is true, and the seconds it took. Looks for at most half of the time, since
        what is waited for may need the core that looking takes."""
        began = time.monotonic()
        last = ""
        while True:
            looked = time.monotonic()
            try:
                value = condition()
                if value:
                    return value, time.monotonic() - began
            except (CommandFailed, Unreachable, KeyError, IndexError, json.JSONDecodeError) as failure:
                last = f"; the last try: {failure}"
            if time.monotonic() - began > timeout:
                raise AssertionError(f"not within {timeout} s: {what}{last}")
            time.sleep(min(max(time.monotonic() - looked, 0.05), 1))

    def settle(self, timeout=60):
        """Waits until the agent has nothing left to do."""
        self.wait_until(self.is_converged, timeout, "nothing is left to do")

    def reset(self):
        """A host as on its first day: no app, no container, no state; the agent runs."""
        self.run("sh", "-c", "systemctl --user stop podreeve; systemctl --user reset-failed podreeve; "
                 f"[ -S {PODMAN_SOCKET} ] && systemctl --user start podman.socket || systemctl --user restart podman.socket; "
                 f"rm -rf {MANIFESTS} {STATE} /home/app/.cache/podreeve; mkdir -p {MANIFESTS}",
                 check=False)
        self.wait_until(self.is_empty, 60, "nothing of the case before is left")
        self.start_agent()

    def is_empty(self):
        """Removes all that podman holds; it may take several tries while podman itself clears away what has ended."""
        made = self.inventory()
        for kind, command in (("pods", "podman pod rm -f -t 0 -a"), ("containers", "podman rm -f -t 0 -a"),
                              ("volumes", "podman volume rm -f -a"), ("secrets", "podman secret rm -a")):
            if made[kind]:
                self.run(*command.split(), check=False)
        return not any(made.values())

    def report(self):
        """What a person would look at first when a case failed."""
        parts = []
        for title, command in [
            ("podreeve status", "podreeve status; podreeve status --json"),
            ("podreeve diff", "podreeve diff"),
            ("podreeve changes", "podreeve changes"),
            ("podman ps", "podman ps -a; podman pod ps; podman volume ls"),
            ("manifests", f"head -n 100 {MANIFESTS}/*"),
            ("podreeve.service", "systemctl --user status --no-pager -n 0 podreeve"),
        ]:
            done = self.run("sh", "-c", command, check=False)
            parts.append(f"---- {title}\n{done.stdout}{done.stderr}")
        return "\n".join(parts)
