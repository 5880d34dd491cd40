"""Root's agent: the system's systemd, netavark, ports below 1024, manifests in /etc/podreeve/apps."""

import contextlib
import os
import re

from lib import manifests, units
from lib.rootful import MANIFESTS, SOCKET, STATE, RootLab

ALL = manifests.SHOP_CONTAINERS


@contextlib.contextmanager
def rooted(lab):
    """Root's agent on a host as on its first day; it is stopped in the end, with all that it kept."""
    root = RootLab(lab)
    try:
        yield root.reset()
    finally:
        with contextlib.suppress(Exception):  # what the case has found is what matters
            root.reset()
            root.stop_agent()


def shop_is_up(root, **options):
    root.put_manifest("shop.yaml", manifests.shop(**{"port": 80, **options}))
    root.wait_until(lambda: root.is_up("shop"), 60, "shop is up")
    root.settle()
    return root.ids()


def page(root):
    return root.curl("http://localhost:80/index.html", check=False).strip()


def case_an_app_comes_up_on_a_port_below_1024(lab):
    """In root's podman, by netavark; the user's agent and podman know nothing of it."""
    with rooted(lab) as root:
        shop_is_up(root, page="welcome")
        assert page(root) == "welcome"
        assert root.podman("info", "--format", "{{.Host.NetworkBackend}}") == "netavark"
        assert not lab.ids() and lab.app("shop") is None


def case_what_breaks_is_repaired(lab):
    """Killed and removed containers, a removed pod; what did not break stays."""
    with rooted(lab) as root:
        before = shop_is_up(root)
        root.kill_process("shop-web-side")
        root.wait_until(lambda: root.running(*ALL) and root.is_up("shop"), 30, "the killed container runs again")
        assert root.ids() == before
        root.podman("rm", "-f", "-t", "0", "shop-web-side")
        root.wait_until(lambda: root.running(*ALL) and root.is_up("shop"), 30, "the removed container runs again")
        assert {name for name in ALL if root.ids()[name] != before[name]} == {"shop-web-side"}
        root.podman("pod", "rm", "-f", "-t", "0", "shop-db")
        root.wait_until(lambda: root.running(*ALL) and root.is_up("shop"), 30, "the removed pod runs again")
        assert root.podman("exec", "shop-db-db", "cat", "/data/starts").split() == ["start", "start"]
        root.settle()
        assert page(root) == "hello"


def case_an_update_and_a_removal(lab):
    """One container is replaced by an edit; a deleted file takes all but the claim's volume."""
    with rooted(lab) as root:
        before = shop_is_up(root)
        root.put_manifest("shop.yaml", manifests.shop(port=80, color="blue"))
        root.wait_until(lambda: "COLOR=blue" in root.podman("exec", "shop-web-side", "env"), 30, "the new env is there")
        root.wait_until(lambda: root.is_up("shop"), 30, "shop is up")
        root.settle()
        assert {name for name in ALL if root.ids()[name] != before[name]} == {"shop-web-side"}
        root.remove_manifest("shop.yaml")
        root.wait_until(lambda: not root.ids(), 60, "shop is gone")
        root.settle()
        assert root.inventory()["volumes"] == ["shop-data"] and not root.inventory()["secrets"], root.inventory()


def case_probes_are_asked_inside_the_containers_network(lab):
    """A port that is not published; and what the prober holds."""
    with rooted(lab) as root:
        root.put_manifest("web.yaml", manifests.single("web", extra="""\
            health:
              readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1}
            """).replace(manifests.WAIT, "mkdir -p /w; echo up > /w/up; exec httpd -f -p 8080 -h /w"))
        root.wait_until(lambda: (root.app("web") or {}).get("health") == "healthy", 30, "web is healthy")
        root.podman("exec", "web", "rm", "/w/up")
        root.wait_until(lambda: root.app("web")["health"] == "unhealthy", 20, "web is unhealthy")
        said = [event["message"] for event in root.events() if event["state"] == "Unhealthy"]
        assert "404" in said[-1], said


def case_host_paths_are_made_for_any_user_but_not_behind_a_link(lab):
    """DirectoryOrCreate; a container that plants a link gets no directory of root's elsewhere."""
    def hostpath(name, path):
        return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/busybox:latest
      command: [sh, -c, "{manifests.WAIT}"]
      volumeMounts: [{{name: data, mountPath: /data}}]
  volumes:
    - name: data
      hostPath: {{path: {path}, type: DirectoryOrCreate}}
"""
    with rooted(lab) as root:
        try:
            root.put_manifest("first.yaml", hostpath("first", "/srv/shared/box"))
            root.wait_until(lambda: root.is_up("first"), 30, "first is up")
            assert root.root("stat", "-c", "%a", "/srv/shared", "/srv/shared/box").stdout.split() == ["755", "755"]
            root.podman("exec", "first-main", "ln", "-s", "/etc", "/data/planted")
            root.put_manifest("second.yaml", hostpath("second", "/srv/shared/box/planted/made-by-root"))
            said, _ = root.wait_until(lambda: root.condition("second", "is a link"), 30, "second says why it is not up")
            assert "/srv/shared/box/planted" in said, said
            assert not os.path.exists(root.path("/etc/made-by-root"))
            assert root.is_up("first")
        finally:
            root.root("rm", "-rf", "/srv/shared")


def case_a_companion_is_a_unit_of_the_system(lab):
    """Installed in /etc/containers/systemd, and put back when it is stopped (podman 4.4 and newer)."""
    if lab.podman_version() < (4, 4):
        return "this podman has no Quadlet"
    with rooted(lab) as root:
        root.put_manifest("lamp.container", units.container())
        root.wait_until(lambda: root.systemctl("is-active", "lamp.service", check=False) == "active", 60, "lamp runs")
        assert root.root("test", "-f", "/etc/containers/systemd/podreeve/lamp/lamp.container").returncode == 0
        root.settle()
        root.systemctl("stop", "lamp.service")
        root.wait_until(lambda: root.systemctl("is-active", "lamp.service", check=False) == "active", 30, "lamp runs again")
        root.remove_manifest("lamp.container")
        root.wait_until(lambda: root.app("lamp") is None and "systemd-lamp" not in root.containers(), 60, "lamp is gone")
    return None


def case_what_it_keeps_is_for_root_alone(lab):
    """Manifests, state and socket; another user reads none of it."""
    with rooted(lab) as root:
        shop_is_up(root)
        modes = root.root("stat", "-c", "%a %U %n", MANIFESTS, STATE, f"{STATE}/state.db", SOCKET).stdout.splitlines()
        assert modes == [f"700 root {MANIFESTS}", f"700 root {STATE}", f"600 root {STATE}/state.db", f"600 root {SOCKET}"], modes
        for reads in (["ls", MANIFESTS], ["ls", STATE], ["curl", "-sf", "--unix-socket", SOCKET, "http://podreeve/v1/apps"]):
            assert lab.run(*reads, check=False).returncode != 0, reads
        secret = root.root("sh", "-c", "journalctl -b -o cat -u podreeve | grep -c s3cret-Pa55", check=False).stdout.strip()
        assert secret == "0", secret


def case_it_may_do_no_more_than_it_has_to(lab):
    """What the kernel says of the process: capabilities, seccomp, limits, umask."""
    with rooted(lab) as root:
        pid = root.agent_pid()
        status = dict(line.split(":\t", 1) for line in root.root("cat", f"/proc/{pid}/status").stdout.splitlines() if ":\t" in line)
        # CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, NET_BIND_SERVICE, SYS_PTRACE, SYS_ADMIN
        most = sum(1 << bit for bit in (0, 1, 2, 3, 4, 5, 10, 19, 21))
        assert int(status["CapBnd"], 16) & ~most == 0, status["CapBnd"]
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and status["Umask"] == "0077", status
        limits = root.root("cat", f"/proc/{pid}/limits").stdout
        assert re.search(r"Max core file size\s+0\s+0\s", limits), limits
        assert re.search(r"Max open files\s+8192\s", limits), limits


def case_killed_it_comes_back_and_adopts_its_apps(lab):
    """kill -9, a restart, and the host's reboot."""
    with rooted(lab) as root:
        before = shop_is_up(root)
        processes = {name: root.pid_of(name) for name in before}
        old = root.agent_pid()
        root.root("kill", "-9", str(old))
        root.wait_until(lambda: root.agent_pid() not in (0, old) and root.is_up("shop"), 30, "the agent is back")
        root.systemctl("restart", "podreeve")
        root.wait_until(lambda: root.is_up("shop"), 30, "shop is up")
        root.settle()
        assert root.ids() == before and {name: root.pid_of(name) for name in before} == processes


def case_an_upgrade_restarts_it_and_leaves_its_apps(lab):
    """The package installed anew, and purged: what root's agent knew goes with it, and the apps stay up."""
    with rooted(lab) as root:
        before = shop_is_up(root)
        old = root.agent_pid()
        root.root("dpkg", "-i", "/tmp/podreeve.deb")
        root.wait_until(lambda: root.agent_pid() not in (0, old) and root.is_up("shop"), 30, "another agent keeps shop")
        root.settle()
        assert root.ids() == before
        root.root("apt-get", "purge", "-y", "podreeve")
        try:
            assert not os.path.exists(root.path(STATE)) and root.running(*ALL)
        finally:
            root.root("rm", "-f", f"{MANIFESTS}/shop.yaml", check=False)
            root.install()


def case_after_a_reboot_everything_runs_again(lab):
    """The system's manager starts the agent, the agent its apps."""
    with rooted(lab) as root:
        shop_is_up(root)
        root.systemctl("enable", "podreeve")
        try:
            lab.reboot()
            root.enter, root.asker = lab.enter, lab.asker
            root.wait_until(lambda: root.running(*ALL) and root.is_up("shop") and page(root) == "hello", 90, "shop is up again")
        finally:
            root.systemctl("disable", "podreeve")
