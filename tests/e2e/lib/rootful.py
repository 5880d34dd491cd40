"""The same host as root's agent keeps it: systemd's system manager, root's podman, manifests in /etc."""

import json
import os
import urllib.parse

from lib.lab import Lab

MANIFESTS = "/etc/podreeve/apps"
STATE = "/var/lib/podreeve"
SOCKET = "/run/podreeve/podreeve.sock"
PODMAN_SOCKET = "/run/podman/podman.sock"


class RootLab(Lab):
    """A Lab whose agent, podman and commands are root's."""

    def __init__(self, lab):
        super().__init__(lab.name, lab.release)
        self.enter, self.asker = lab.enter, lab.asker

    def run(self, *command, **options):
        return self.root(*command, **options)

    def systemctl(self, *arguments, check=True):
        return self.root("systemctl", *arguments, check=check).stdout.strip()

    def put_manifest(self, name, text):
        here = self.path(f"{MANIFESTS}/.{name}.swp")
        with open(here, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(here, 0o600)
        os.rename(here, self.path(f"{MANIFESTS}/{name}"))

    def remove_manifest(self, name):
        os.unlink(self.path(f"{MANIFESTS}/{name}"))

    def status(self):
        return self.ask(SOCKET, "/v1/apps")

    def events(self):
        return self.ask(SOCKET, "/v1/events?since=0")["events"]

    def diff(self):
        return self.ask(SOCKET, "/v1/diff")

    def libpod(self, target, **parameters):
        return self.ask(PODMAN_SOCKET, f"/v4.0.0/libpod/{target}?{urllib.parse.urlencode(parameters)}")

    def inspect(self, container):
        status, body = self.asker.ask(PODMAN_SOCKET, f"/v4.0.0/libpod/containers/{container}/json")
        return body if status == 200 else None

    def reset(self):
        """No app, no container, no state of root's; the image is there and the agent runs."""
        self.root("sh", "-c", f"systemctl stop podreeve; systemctl reset-failed podreeve; systemctl start podman.socket; "
                  f"find {MANIFESTS} -mindepth 1 -delete; rm -rf {STATE}; podman pod rm -f -t 0 -a; podman rm -f -t 0 -a; "
                  "podman volume rm -f -a; podman secret rm -a; podman image exists localhost/busybox:latest || "
                  "tar -C /opt/busybox -c . | podman import -q - localhost/busybox:latest", check=False)
        self.start_agent()
        self.wait_until(lambda: not json.dumps(self.status()["apps"]).strip("[]"), 30, "root's agent knows no app")
        return self
