"""Apps come up from files alone."""

import json
import os

from lib import manifests
from lib.lab import MANIFESTS


def case_two_apps_come_up_from_files_alone(lab):
    """Two pods with ConfigMap, Secret and volume, and a single container, in the order they need."""
    lab.put_manifest("shop.yaml", manifests.shop(page="welcome"))
    lab.put_manifest("beat.yaml", manifests.single())
    _, took = lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    assert lab.curl("http://localhost:8080/index.html").strip() == "welcome"
    assert lab.podman("exec", "shop-db-db", "cat", "/data/prepared", "/data/password").split() == [
        "prepared", "s3cret-Pa55"]
    assert "red" in lab.podman("exec", "shop-web-side", "env")
    lab.settle()
    summary = lab.podreeve("status")["summary"]
    assert "s3cret-Pa55" not in json.dumps([lab.podreeve("status"), lab.podreeve("changes"), lab.events()])
    return f"up after {took:.2f} s; {summary}"


def case_everything_made_is_labelled_and_restarted_by_nobody_else(lab):
    """podreeve's labels are on each object, and podman's own restart policy is off."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    mine = lab.containers("label=io.podreeve.app")
    assert {"shop-web-httpd", "shop-web-side", "shop-db-db"} <= set(mine), sorted(mine)
    owners = set()
    for name, item in mine.items():
        labels = item["Labels"]
        assert labels["io.podreeve.app"] in ("shop", "beat"), name
        assert labels["io.podreeve.part"] and labels["io.podreeve.role"], name
        # No manifest describes a service container: the one that podman 4 gets has no spec.
        assert labels["io.podreeve.spec"] or labels["io.podreeve.role"] == "service", name
        owners.add(labels["io.podreeve.owner"])
        policy = lab.podman("inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", name)
        assert policy in ("", "no"), f"{name}: {policy}"
    assert len(owners) == 1, owners


def case_the_service_container_is_first_up_and_last_down(lab):
    """podman's own order of events, for an app of two pods."""
    if not lab.holds_service_containers():
        return order_held_by_the_agent(lab)
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    assert lab.podman("inspect", "--format", "{{.IsService}}", lab.service_of("shop")) == "true"
    lab.settle()
    lab.remove_manifest("shop.yaml")
    lab.wait_until(lambda: not lab.ids(), 60, "shop is gone")
    # the clock of podman's events starts over with each reset of the host, the journal does not
    events = container_events(lab)
    service = lab.service_of("shop")
    names = (service, *manifests.SHOP_CONTAINERS)
    starts = [name for name, action in events if action == "start" and name in names]
    deaths = [name for name, action in events if action == "died" and name in names]
    assert starts[0] == service, events
    assert set(names) <= set(starts), events
    assert deaths[-1] == service, events
    return "start: " + ", ".join(starts)


def container_events(lab):
    """(name, action) of the containers' events, from the creation of the app's last service container on. Made under
    another name, and by some podmans started under it, that one is told by its id."""
    text = lab.podman("events", "--stream=false", "--since", "10m", "--format", "json", "--filter", "type=container")
    items = [json.loads(line) for line in text.splitlines()]
    name = lab.service_of("shop")
    service = [item["ID"] for item in items if item["Name"] == name and item["Status"] == "rename"][-1]
    first = next(at for at, item in enumerate(items) if item["ID"] == service)
    return [(name if item["ID"] == service else item["Name"], item["Status"]) for item in items[first:]]


def order_held_by_the_agent(lab):
    """A podman without service containers over REST: the app comes up and goes whole all the same."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    lab.remove_manifest("shop.yaml")
    lab.wait_until(lambda: not lab.ids(), 60, "shop is gone")
    return "this podman does not hold service containers"


def case_an_app_waits_for_the_app_it_depends_on(lab):
    """depends_on: the dependent starts after its dependency, and says what it waits for."""
    lab.put_manifest("late.yaml", manifests.single("late", extra="depends_on: [base]\n"))
    found, _ = lab.wait_until(lambda: lab.condition("late", "base"), 20, "late names the dependency it lacks")
    assert not lab.containers("label=io.podreeve.app=late"), found
    lab.put_manifest("base.yaml", manifests.single("base"))
    lab.wait_until(lambda: lab.is_up("base", "late"), 30, "both are up")
    started = [lab.podman("inspect", "--format", "{{.State.StartedAt.UnixNano}}", name)
               for app in ("base", "late") for name in lab.containers(f"label=io.podreeve.app={app}")]
    assert int(started[0]) < int(started[1]), started


def case_twenty_apps_converge_and_then_nothing_is_done(lab):
    """After that, passes call nothing that changes podman and write nothing to the store."""
    for number in range(20):
        text = manifests.pod(f"p{number:02}") if number % 2 else manifests.single(f"p{number:02}")
        lab.put_manifest(f"p{number:02}.yaml", text)
    _, took = lab.wait_until(lambda: len(lab.apps()) == 20 and lab.is_up(), 120, "20 apps are up")
    lab.settle()
    before, ids = store_files(lab), lab.ids()
    since = lab.run("date", "+%s.%N").stdout.strip()
    passes = 5
    for _ in range(passes):
        lab.podreeve("reconcile")
    assert store_files(lab) == before, "a pass over a converged host wrote to the store"
    assert lab.ids() == ids
    events = lab.podman("events", "--stream=false", "--since", since, "--until", "0s", "--format", "{{.Type}} {{.Status}}")
    assert not events, events
    return f"20 apps up after {took:.1f} s; {passes} passes without an event or a write"


def store_files(lab):
    """What would differ had a row been written; -shm is SQLite's index, which readers touch too."""
    folder = lab.path("/home/app/.local/state/podreeve")
    found = {}
    for at, _, files in os.walk(folder):
        for name in files:
            if not name.endswith("-shm"):
                status = os.stat(os.path.join(at, name))
                found[name] = (status.st_size, status.st_mtime_ns)
    assert found, f"there is no store in {folder}"
    return found


def case_a_manifest_put_in_place_by_a_link_or_masked(lab):
    """Later directories win by file name; a link to /dev/null masks."""
    runtime = "/run/user/1000/podreeve/apps"
    lab.put_manifest("beat.yaml", manifests.single(environment=("FROM=config",)))
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    lab.write(f"{runtime}/beat.yaml", manifests.single(environment=("FROM=runtime",)))
    lab.wait_until(lambda: "FROM=runtime" in lab.podman("exec", app_container(lab, "beat"), "env"), 30,
                   "the manifest of the later directory is in force")
    lab.run("ln", "-sf", "/dev/null", f"{runtime}/beat.yaml")
    lab.wait_until(lambda: not lab.containers("label=io.podreeve.app=beat"), 30, "the masked app is gone")
    os.unlink(lab.path(f"{runtime}/beat.yaml"))
    lab.wait_until(lambda: "FROM=config" in lab.podman("exec", app_container(lab, "beat"), "env"), 30,
                   f"the manifest in {MANIFESTS} is in force again")


def app_container(lab, app):
    return list(lab.containers(f"label=io.podreeve.app={app}"))[0]  # there may be none for a moment: a look in vain
