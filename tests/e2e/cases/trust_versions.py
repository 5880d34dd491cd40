"""Versions and endings: what a person undid stays undone over restarts and deaths; the agent ends in time."""

import json
import subprocess
import time

from lib import manifests
from lib.lab import LAB, measures

# The agent's word for an end is 25 s at the very most; systemd would kill it after 60.
ENDS_WITHIN = 5


def version(lab, zone):
    """Puts that version of the one app in place and waits until it is deployed."""
    lab.put_manifest("beat.yaml", manifests.single(environment=(f"ZONE={zone}",), extra="stop_grace_secs: 1\n"))
    lab.wait_until(lambda: zone_that_runs(lab) == zone and lab.is_up("beat"), 60, f"{zone} runs")
    lab.settle()


def zone_that_runs(lab):
    if not lab.running("beat"):
        return None
    words = json.loads(lab.podman("inspect", "--format", "{{json .Config.Env}}", "beat"))
    return dict(word.split("=", 1) for word in words).get("ZONE")


def rests(lab):
    """It runs, and nothing of it is under way; the refused version is still told by diff."""
    return lab.is_up("beat") and not lab.app("beat").get("change")


def undo_newest(lab):
    newest = lab.podreeve("changes", "--app", "beat")["changes"][0]
    lab.podreeve("undo", str(newest["id"]))


def case_an_update_is_undone_after_a_restart_of_the_agent(lab):
    """Two versions, a restart, undo: the first runs, and is repaired."""
    version(lab, "one")
    version(lab, "two")
    lab.stop_agent()
    lab.start_agent()
    lab.settle()
    undo_newest(lab)
    lab.wait_until(lambda: zone_that_runs(lab) == "one" and rests(lab), 30, "the version before runs")
    lab.kill_process("beat")
    lab.wait_until(lambda: zone_that_runs(lab) == "one", 30, "it is repaired")


def case_an_undone_update_stays_repaired_after_a_restart_of_the_agent(lab):
    """Two versions, undo, a restart, a death: the first is started again."""
    version(lab, "one")
    version(lab, "two")
    undo_newest(lab)
    lab.wait_until(lambda: zone_that_runs(lab) == "one" and rests(lab), 30, "the version before runs")
    lab.stop_agent()
    lab.start_agent()
    lab.wait_until(lambda: rests(lab), 30, "the next agent knows it")
    lab.kill_process("beat")
    lab.wait_until(lambda: zone_that_runs(lab) == "one", 30, "it is started again")
    listed = lab.podreeve("history", "beat")["versions"]
    assert [one["deployed"] for one in listed] == [True, False], listed
    assert all(one["kept"] for one in listed), listed


def case_versions_are_private_and_go_with_the_app(lab):
    """0600 in a directory of 0700, and nothing of them is left when the app is gone."""
    version(lab, "one")
    version(lab, "two")
    kept = lab.run("find", "/home/app/.local/state/podreeve/accepted", "-mindepth", "2", "-name", "*.json", "-printf", "%m %f\n").stdout.split()
    assert kept.count("600") == 2, kept
    lab.remove_manifest("beat.yaml")
    lab.wait_until(lambda: not lab.containers(), 60, "nothing runs")
    lab.wait_until(lambda: not lab.run("find", "/home/app/.local/state/podreeve/accepted", "-mindepth", "2", "-name", "*.json").stdout, 60,
                   "no version is left")


@measures
def case_the_agent_ends_while_a_client_waits_and_podman_hangs(lab):
    """SIGSTOP to podman's service, podreeve reconcile, systemctl stop: over at once, by itself, with the store closed."""
    version(lab, "one")
    # podman's service begins with a call and ends some seconds after the last
    lab.run("curl", "-s", "--unix-socket", "/run/user/1000/podman/podman.sock", "http://d/_ping")
    service = lab.systemctl("show", "-P", "MainPID", "podman.service")
    lab.root("kill", "-STOP", service)
    waiting = [subprocess.Popen([LAB, "run", lab.name, "podreeve", *words], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for words in (["reconcile"], ["diff"], ["events", "-f"])]
    try:
        time.sleep(1)
        lab.stop_agent()
        # systemd's own record: entering the host and systemctl itself take time, too, on a machine that is busy
        began, ended = (int(lab.systemctl("show", "-P", f"{what}TimestampMonotonic", "podreeve")) for what in ("ActiveExit", "InactiveEnter"))
        took = (ended - began) / 1e6
        assert took < ENDS_WITHIN, f"the agent took {took:.1f} s to end"
        assert lab.systemctl("show", "-P", "Result", "podreeve") == "success"
        left = lab.run("ls", "/home/app/.local/state/podreeve").stdout.split()
        assert "state.db-wal" not in left, left
    finally:
        lab.root("kill", "-CONT", service)
        for one in waiting:
            one.wait(timeout=30)
    lab.start_agent()
    lab.settle()
    assert zone_that_runs(lab) == "one"


def case_a_socket_takes_no_place_that_is_taken(lab):
    """A file stays a file, a directory keeps its mode."""
    lab.run("sh", "-c", "mkdir -p d s; chmod 755 d; echo keep > d/notes")
    done = lab.run("timeout", "10", "podreeved", "--state-dir", "s", "--socket", "d/notes", check=False)
    assert done.returncode == 1 and "is no socket" in done.stderr, (done.returncode, done.stderr)
    assert lab.run("cat", "d/notes").stdout == "keep\n"
    assert lab.run("stat", "-c", "%a", "d").stdout.strip() == "755"
    before = lab.root("stat", "-c", "%a", "/run").stdout
    lab.root("timeout", "3", "podreeved", "--socket", "/run/x.sock", "--state-dir", "/root/s", check=False)
    assert lab.root("stat", "-c", "%a", "/run").stdout == before == "755\n", before
