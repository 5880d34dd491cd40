"""Wrong manifests: a clear condition on that app, its last good version stays, all else is untouched."""

import os

from lib import manifests
from lib.lab import MANIFESTS, STATE


def shop_and_beat(lab):
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    lab.settle()
    return lab.ids()


def is_refused(lab, before, name, text, *words):
    """Drops a bad manifest in: the app says all of words, nothing that ran is changed, the agent goes on."""
    agent = lab.agent_pid()
    lab.put_manifest(f"{name}.yaml", text)
    said, _ = lab.wait_until(lambda: lab.condition(name, words[0]), 30, f"{name} says {words[0]!r}")
    missing = [word for word in words if word not in said]
    assert not missing, f"{missing} is not said in {said}"
    lab.podreeve("reconcile")
    after = lab.ids()
    assert {key: after.get(key) for key in before} == before
    assert lab.agent_pid() == agent
    assert lab.is_up(*({"shop", "beat"} - {name}))


def case_a_file_that_is_not_yaml(lab):
    """The running app keeps its last good version, also over a restart of the agent; a good file heals it."""
    before = shop_and_beat(lab)
    is_refused(lab, before, "shop", manifests.shop() + "\n  : [\n", "shop.yaml:")
    lab.stop_agent()
    lab.start_agent()
    lab.settle()
    assert lab.ids() == before
    lab.podman("rm", "-f", "-t", "0", "shop-web-side")
    lab.wait_until(lambda: lab.running("shop-web-side"), 30, "the last good version is still kept up")
    lab.put_manifest("shop.yaml", manifests.shop(color="blue"))
    lab.wait_until(lambda: "COLOR=blue" in lab.podman("exec", "shop-web-side", "env"), 30, "the good file is in force")
    lab.settle()
    assert not lab.condition("shop", "shop.yaml:")


def case_an_unknown_field(lab):
    """File, line, column, path, and the nearest name."""
    before = shop_and_beat(lab)
    text = manifests.shop().replace("hostPort", "hostPrt")
    line = next(at for at, row in enumerate(text.split("\n"), 1) if "hostPrt" in row)
    is_refused(lab, before, "shop", text, f"shop.yaml:{line}:", "hostPrt", "hostPort")


def case_an_unknown_dependency(lab):
    """A new app that depends on nothing there is, is held; the others run."""
    before = shop_and_beat(lab)
    is_refused(lab, before, "late", manifests.single("late", extra="depends_on: [nobody]\n"), "nobody")
    assert not lab.containers("label=io.podreeve.app=late")


def case_a_cycle(lab):
    """The path of the cycle is printed."""
    before = shop_and_beat(lab)
    lab.put_manifest("ping.yaml", manifests.single("ping", extra="depends_on: [pong]\n"))
    is_refused(lab, before, "pong", manifests.single("pong", extra="depends_on: [ping]\n"), "ping", "pong")


def case_a_host_port_that_another_app_has(lab):
    """Two manifests ask for one port: the first keeps it, the second says who has it."""
    before = shop_and_beat(lab)
    is_refused(lab, before, "thief", manifests.pod("thief", port=8080), "8080", "shop")


def case_a_host_port_that_is_taken_on_the_host(lab):
    """Somebody else listens there: a condition, and the app comes up when the port is free."""
    before = shop_and_beat(lab)
    lab.systemctl("reset-failed")
    lab.run("systemd-run", "--user", "--quiet", "--unit", "squatter", "/opt/busybox/bin/busybox", "httpd", "-f", "-p", "8090")
    lab.wait_until(lambda: lab.run("ss", "-ltnH", "sport = :8090").stdout, 10, "somebody else listens")
    is_refused(lab, before, "late", manifests.pod("late", port=8090), "8090")
    lab.systemctl("stop", "squatter")
    lab.wait_until(lambda: lab.is_up("late"), 90, "the app is up once the port is free")


def case_an_image_that_does_not_exist(lab):
    """A new app, and an edit of a running one, which keeps what it has."""
    before = shop_and_beat(lab)
    is_refused(lab, before, "lost", manifests.pod("lost", image="localhost:5000/nothing:9"), "nothing:9")
    is_refused(lab, before, "beat", manifests.single("beat", image="localhost:5000/nothing:8"), "nothing:8")


def case_files_that_are_no_manifests_for_us(lab):
    """Writable by others, a folder, a pipe, too large, a billion laughs: refused, quickly, and nothing else happens."""
    before = shop_and_beat(lab)
    target = lab.path(MANIFESTS)
    lab.put_manifest("open.yaml", manifests.pod("open"))
    lab.run("chmod", "666", f"{MANIFESTS}/open.yaml")
    os.mkdir(f"{target}/folder.yaml")
    lab.run("mkfifo", f"{MANIFESTS}/pipe.yaml")
    lab.put_manifest("large.yaml", "# " + "x" * (2 << 20) + "\n" + manifests.pod("large"))
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{one}: &{one} [{', '.join(['*' + two] * 9)}]\n" for one, two in zip("bcdefghi", "abcdefgh"))
    lab.put_manifest("laughs.yaml", laughs)
    lab.put_manifest(".hidden.yaml", manifests.pod("hidden"))
    lab.put_manifest("backup.yaml~", manifests.pod("backup"))
    lab.put_manifest("fine.yaml", manifests.pod("fine"))
    lab.wait_until(lambda: lab.is_up("fine"), 30, "the good manifest among them is up")
    lab.podreeve("reconcile")
    assert {name: lab.ids().get(name) for name in before} == before
    for name in ("large", "hidden", "backup"):
        assert not lab.containers(f"label=io.podreeve.app={name}"), name


def case_a_store_that_is_garbage(lab):
    """It is set aside and rebuilt from the labels; the containers are not touched."""
    before = shop_and_beat(lab)
    lab.stop_agent()
    folder = lab.path(STATE)
    store = [name for name in os.listdir(folder) if name.endswith((".db", ".sqlite", ".sqlite3"))]
    assert len(store) == 1, os.listdir(folder)
    for name in os.listdir(folder):
        if name.startswith(store[0]):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"this is not a database" * 1000)
    lab.start_agent()
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 30, "both apps are known again")
    lab.settle()
    assert lab.ids() == before
    assert any("corrupt" in name for name in os.listdir(folder)), os.listdir(folder)
