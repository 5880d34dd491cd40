"""Quadlet companions: systemd keeps their units as the manifests say, whatever happens to them."""

import time

UNITS = "/home/app/.config/containers/systemd/podreeve"
WAIT = 'sh -c "trap \\"exit 0\\" TERM; sleep 1000000 & wait"'


def container(more="", service=""):
    return (f"[Container]\nImage=localhost/busybox:latest\nPull=never\nExec={WAIT}\nStopTimeout=1\n{more}"
            f"[Service]\n{service}")


def has_quadlet(lab):
    return lab.podman_version() >= (4, 4)


def active(lab, unit):
    return lab.systemctl("is-active", unit, check=False) == "active"


def since(lab, unit):
    return lab.systemctl("show", "-P", "ActiveEnterTimestampMonotonic", unit)


def bring_up(lab):
    """web.container in lan.network, and db.container, which nothing touches."""
    lab.put_manifest("lan.network", "[Network]\n")
    lab.put_manifest("web.container", container("Network=lan.network\n"))
    lab.put_manifest("db.container", container())
    lab.wait_until(lambda: lab.is_up("web", "db", "lan"), 60, "all companions run")
    lab.settle()
    time.sleep(6)  # what a unit has made is looked for once it has been active for so long


def podreeve_file(unit):
    return f"{UNITS}/{unit.split('.', maxsplit=1)[0]}/{unit}"


# What happens, the command that does it, and which units may be another run of themselves then.
DISTURBANCES = [
    ("the file is deleted", f"rm {podreeve_file('web.container')}", ()),
    ("the file is deleted and systemd reloads",
     f"rm {podreeve_file('web.container')}; systemctl --user daemon-reload", ("web",)),
    ("the folder is deleted", f"rm -r {UNITS}/web", ()),
    ("all of podreeve's units are deleted", f"rm -r {UNITS}", ()),
    ("a byte is edited", f"echo '#' >> {podreeve_file('web.container')}", ()),
    ("a key is added and systemd reloads",
     f"echo 'Nice=1' >> {podreeve_file('web.container')}; systemctl --user daemon-reload", ()),
    ("a key is added and the unit restarted",
     f"echo 'Nice=1' >> {podreeve_file('web.container')}; systemctl --user daemon-reload; systemctl --user restart web",
     ("web",)),
    ("the stamp is damaged", f"sed -i s/^Hash=/Hush=/ {podreeve_file('web.container')}", ("web",)),
    ("systemctl stop", "systemctl --user stop web", ("web",)),
    ("its process is killed", "systemctl --user kill -s KILL web", ("web",)),
    ("it is at its start limit",
     "for i in 1 2 3 4 5 6 7; do systemctl --user restart web; done; true", ("web",)),
    ("its container is removed", "podman rm -f -t 0 systemd-web", ("web",)),
    ("its network is removed", "podman network rm -f systemd-lan", ("web", "lan-network")),
    ("its network's unit is stopped", "systemctl --user stop lan-network", ("web", "lan-network")),
    ("a daemon-reload is pending", f"touch {podreeve_file('db.container')} -d '1 hour ago'", ()),
    ("somebody reloads systemd", "systemctl --user daemon-reload", ()),
    ("two units are stopped at once", "systemctl --user stop web db", ("web", "db")),
    ("two files are deleted at once",
     f"rm {podreeve_file('web.container')} {podreeve_file('db.container')}", ()),
    ("one file is deleted and another edited",
     f"rm {podreeve_file('web.container')}; echo '#' >> {podreeve_file('db.container')}", ()),
    ("a file is deleted and its unit stopped",
     f"rm {podreeve_file('web.container')}; systemctl --user stop web", ("web",)),
]


def case_whatever_happens_is_mended(lab):
    """Each disturbance within one pass, with no other unit restarted."""
    if not has_quadlet(lab):
        return "no Quadlet here"
    bring_up(lab)
    names = ("web", "db", "lan-network")
    for what, command, may_change in DISTURBANCES:
        before = {name: since(lab, name) for name in names}
        lab.run("sh", "-c", command)
        lab.podreeve("reconcile")
        lab.wait_until(lambda: lab.is_up("web", "db", "lan") and all(active(lab, name) for name in names), 45, what)
        lab.settle()
        changed = {name for name in names if since(lab, name) != before[name]}
        assert changed <= set(may_change), f"{what}: {changed} ran anew"
        files = lab.run("find", UNITS, "-type", "f").stdout.split()
        assert len(files) == 3, f"{what}: {files}"
        time.sleep(6)
    return f"{len(DISTURBANCES)} disturbances"


def case_what_a_person_has_to_mend_is_told(lab):
    """Masked units, and files that are not podreeve's."""
    if not has_quadlet(lab):
        return "no Quadlet here"
    bring_up(lab)
    lab.systemctl("stop", "web")
    lab.run("sh", "-c", "mkdir -p ~/.config/systemd/user && ln -sf /dev/null ~/.config/systemd/user/web.service")
    lab.systemctl("daemon-reload")
    lab.podreeve("reconcile")
    lab.wait_until(lambda: lab.condition("web", "Masked"), 30, "the mask is told")
    lab.run("rm", "/home/app/.config/systemd/user/web.service")
    lab.systemctl("daemon-reload")
    lab.podreeve("reconcile")
    lab.wait_until(lambda: lab.is_up("web"), 30, "it runs again")
    lab.write(podreeve_file("web.container"), container())
    lab.podreeve("reconcile")
    lab.wait_until(lambda: lab.condition("web", "Conflict"), 30, "the foreign file is told")
    assert "X-Podreeve" not in lab.run("cat", podreeve_file("web.container")).stdout
    return None


def case_an_update_that_does_not_start_is_undone(lab):
    """The previous unit is installed and runs."""
    if not has_quadlet(lab):
        return "no Quadlet here"
    bring_up(lab)
    before = lab.run("cat", podreeve_file("web.container")).stdout
    lab.put_manifest("web.container", container("Network=lan.network\n").replace("busybox:latest", "nothing:1"))
    lab.wait_until(lambda: lab.condition("web", "CompanionFailed"), 60, "the failure is told")
    lab.wait_until(lambda: active(lab, "web"), 60, "the former one runs")
    assert lab.run("cat", podreeve_file("web.container")).stdout == before
    return None


def case_a_refused_unit_changes_nothing(lab):
    """What the typed check refuses is an error with its line; the former version stays."""
    if not has_quadlet(lab):
        return "no Quadlet here"
    bring_up(lab)
    started = since(lab, "web")
    lab.put_manifest("web.container", container("Imge=x\n"))
    lab.wait_until(lambda: lab.condition("web", "did you mean 'Image'"), 30, "the error is told")
    assert since(lab, "web") == started
    return None


def case_removal_leaves_nothing(lab):
    """Unit, container and service are gone; the others are not touched."""
    if not has_quadlet(lab):
        return "no Quadlet here"
    bring_up(lab)
    started = since(lab, "db")
    lab.remove_manifest("web.container")
    lab.wait_until(lambda: lab.app("web") is None, 60, "web is forgotten")
    assert not active(lab, "web")
    assert "systemd-web" not in lab.podman("ps", "-a", "--format", "{{.Names}}")
    assert lab.run("test", "-e", f"{UNITS}/web", check=False).returncode != 0
    assert since(lab, "db") == started
    return None


def case_without_quadlet_the_app_says_so(lab):
    """And all that needs no Quadlet goes on."""
    if has_quadlet(lab):
        return "Quadlet is here"
    lab.put_manifest("web.container", container())
    lab.put_manifest("clock.yaml", "app: {id: clock, name: clock, version: 1, container: {image: 'localhost/busybox:latest', "
                     "command: [sleep, '1000000']}}\n")
    lab.wait_until(lambda: lab.condition("web", "NoQuadlet"), 60, "the condition is told")
    lab.wait_until(lambda: lab.is_up("clock"), 60, "the other app runs")
    return None
