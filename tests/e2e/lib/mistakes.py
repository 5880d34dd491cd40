"""What a careless hand does to a host, as rows of a table, and what must not come of it.

Every row meets the same four apps, up and settled: `db`, a pod with a claim and an emptyDir; `web`, one container; `solo`, one pod;
and `idle`, a pod with a claim that a person stopped. Both claims hold a file that cannot be made again.
"""

import collections
import json
import os
import re
import time
import traceback

from lib import manifests
from lib.lab import APP_UID, MANIFESTS, STATE, CommandFailed
from lib.rest import Unreachable

PRECIOUS = "cannot be made again\n"
VOLUMES = "/home/app/.local/share/containers/storage/volumes"
CLAIMS = ("db-data", "idle-data")
CONTAINERS = ("db-main", "web", "solo-main", "idle-main")
RUNNING = ("db", "web", "solo")

# what      the mistake, in words
# do        what the hand does: a command of 'app' for a shell, or a function of the lab
# told      {app: words}: one of the words is said of the app by status or an event ("": of the agent, by status or its
#           journal) within half a minute
# mend      how the hand takes it back; None: there is nothing to take back
# anew      containers that may have another id afterwards, since podman itself removed them
#           (idle-main: and what a person said of it is forgotten, so that it may run)
# lost      claims that podman itself removed: their app has to say so by name
# restarted the agent may be another process afterwards
# blind     podman cannot be asked while the mistake stands
# during    what else has to hold while the mistake stands: a function of the lab
Mistake = collections.namedtuple("Mistake", "what do told mend anew lost restarted blind during",
                                 defaults=({}, None, (), (), False, False, None))
Before = collections.namedtuple("Before", "ids agent")


def root(words):
    """A command of root for a shell."""
    return lambda lab: lab.root("sh", "-c", f"M={MANIFESTS}; S={STATE}; {words}")


def act(lab, what):
    if isinstance(what, str):
        lab.run("sh", "-c", f"M={MANIFESTS}; S={STATE}; {what}")
    elif what:
        what(lab)


def with_claim(name):
    return (f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}-data}}\nspec:\n"
            "  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n---\n"
            f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  terminationGracePeriodSeconds: 1\n  containers:\n"
            f"    - name: main\n      image: localhost/busybox:latest\n      command: [sh, -c, \"{manifests.WAIT}\"]\n"
            "      volumeMounts: [{name: data, mountPath: /data}, {name: scratch, mountPath: /scratch}]\n"
            f"  volumes:\n    - name: data\n      persistentVolumeClaim: {{claimName: {name}-data}}\n"
            "    - name: scratch\n      emptyDir: {}\n")


APPS = {"db": lambda: with_claim("db"), "idle": lambda: with_claim("idle"), "solo": lambda: manifests.pod("solo"),
        "web": lambda: manifests.single("web", extra="stop_grace_secs: 1\n")}


def precious_file(lab, claim):
    return lab.path(f"{VOLUMES}/{claim}/_data/precious")


def four_apps(lab):
    for name, text in APPS.items():
        lab.put_manifest(f"{name}.yaml", text())
    lab.run("sh", "-c", f"rm -rf ~/kept && cp -a {MANIFESTS} ~/kept")
    lab.wait_until(lambda: lab.is_up(*APPS), 60, "four apps are up")
    for claim in CLAIMS:
        with open(precious_file(lab, claim), "w", encoding="utf-8") as file:
            file.write(PRECIOUS)
        os.chown(precious_file(lab, claim), APP_UID, APP_UID)
    lab.run("podreeve", "stop", "idle", "--wait")
    lab.settle()


def reads_precious(lab, claim):
    try:
        with open(precious_file(lab, claim), encoding="utf-8") as file:
            return file.read() == PRECIOUS
    except OSError:
        return False


def words_of(lab, app, since):
    """All that is said of an app, or of the agent, since that event and journal cursor."""
    event, cursor = since
    if not app:
        journal = lab.run("journalctl", "--user", "-u", "podreeve", "-o", "cat", "--after-cursor", cursor, check=False).stdout
        return lab.run("podreeve", "status", check=False).stdout + journal
    found = lab.app(app) or {}
    told = [f"{one['state']} {one['message']}" for one in lab.events() if one["app"] == app and one["seq"] > event]
    return "\n".join([json.dumps(found, ensure_ascii=False), *told])


def is_told(lab, app, words, since):
    said = words_of(lab, app, since)
    return any(word in said for word in words)


def now(lab):
    shown = lab.run("journalctl", "--user", "-n", "0", "--show-cursor").stdout
    return max((one["seq"] for one in lab.events()), default=0), re.search(r"-- cursor: (.*)", shown).group(1)


def looks_twice(lab):
    """Two passes see the host as it is, as far as the agent can be asked."""
    for _ in range(2):
        lab.run("podreeve", "reconcile", check=False, timeout=60)


def told_all(lab, row, since):
    for app, words in row.told.items():
        lab.wait_until(lambda app=app, words=words: is_told(lab, app, words, since), 40,
                       f"{app or 'the agent'} says one of {words}")


def compare(before, ids, anew):
    """Nobody but those that may be anew is another one, away, or there twice; a name is no identity."""
    away = {name: old[:8] for name, old in before.ids.items() if name in CONTAINERS and name not in anew and old not in ids.values()}
    assert not away, f"not the containers of before: {away}; there are {ids}"
    added = {name for name, id in ids.items() if id not in before.ids.values() and not name.endswith("-service")} - set(anew)
    assert not added, f"there are also {added}"


def assert_kept(lab, row):
    for claim in set(CLAIMS) - set(row.lost):
        assert reads_precious(lab, claim), f"the content of {claim} is lost"


def stays_while_it_stands(lab, row, before):
    if not row.blind:
        looks_twice(lab)
        compare(before, lab.ids(), row.anew)
        assert_kept(lab, row)


def as_before(lab, row):
    """All apps are as their manifests say, and the one that a person stopped is not started by anybody."""
    apps = lab.apps()
    return lab.is_up(*RUNNING) and not any(apps[name]["conditions"] for name in RUNNING) and set(apps) == set(APPS) and \
        ("idle-main" in row.anew or not lab.running("idle-main")) and lab.is_converged()


def comes_back(lab, row, before, since):
    lab.wait_until(lambda: as_before(lab, row), 60, "all apps are as before")
    compare(before, lab.ids(), row.anew)
    assert_kept(lab, row)
    assert row.restarted or lab.agent_pid() == before.agent, "the agent is another process"
    if row.anew:
        starts_again(lab, row, since)


def starts_again(lab, row, since):
    """What was stopped comes back when a person says so, with its data or with a word of what it lost."""
    lab.run("podreeve", "start", "idle", "--wait", "--timeout", "40")
    assert lab.running("db-main", "idle-main"), "the owners of the claims do not run"
    assert_kept(lab, row)
    for claim in row.lost:
        assert is_told(lab, claim.split("-", maxsplit=1)[0], (claim,), since), f"{claim} was made anew without a word"
    lab.run("podreeve", "stop", "idle", "--wait")


def restarts_after_death(lab):
    """What dies meanwhile is started again, the same one."""
    known = lab.ids()["web"]
    lab.wait_until(lambda: time.time() - (lab.started_at("web") or time.time()) > 10.5, 30, "it has had a good run")
    since = time.time()
    lab.kill_process("web")
    lab.wait_restarted("web", since)
    assert lab.ids()["web"] == known


def one_mistake(lab, row):
    before, since = Before(lab.ids(), lab.agent_pid()), now(lab)
    try:
        act(lab, row.do)
        told_all(lab, row, since)
        stays_while_it_stands(lab, row, before)
        if row.during:
            row.during(lab)
    finally:
        act(lab, row.mend)
    comes_back(lab, row, before, since)


def all_of(lab, rows):
    """Each mistake in turn on one host, or those whose words PODREEVE_ROWS finds; after one that did harm, or took data, the next
    meets a host as on its first day."""
    chosen = [row for row in rows if re.search(os.environ.get("PODREEVE_ROWS", ""), row.what)]
    failed, fresh = [], True
    for row in chosen:
        try:
            if fresh:
                lab.reset()
                four_apps(lab)
            fresh = bool(row.lost)
            one_mistake(lab, row)
        except (AssertionError, CommandFailed, Unreachable, OSError, KeyError, ValueError):
            fresh = True
            failed.append(f"**** {row.what}\n{traceback.format_exc(limit=-4)}\n{lab.report()}")
    names = [text.split("\n", 1)[0] for text in failed]
    assert not failed, "\n".join([f"{len(failed)} of {len(chosen)} did harm:", *names, *failed])
    return f"{len(chosen)} mistakes"
