"""Companions that cannot work, files that cannot be read, and what people take back, against a real systemd.

They need podman 4.4 or newer.
"""

import time

from lib import units
from lib.lab import MANIFESTS
from lib.units import BUSYBOX, OURS, Journal, installed, up


def changes(lab):
    """The numbers of all changes of companions, newest first."""
    return [change["id"] for change in lab.podreeve("changes", "-n", "500")["changes"] if "/" in change["app"]]


def newest_of(lab, app):
    return next(change["id"] for change in lab.podreeve("changes")["changes"] if change["app"] == f"{app}/companions")


def hostname(lab, app):
    return lab.podman("exec", f"systemd-{app}", "hostname", check=False)


def starts_of(journal, service):
    return sum(line.startswith(f"Starting {service}") for line in journal.lines("-t", "systemd"))


def case_what_cannot_stay_up_is_tried_more_and_more_slowly(lab):
    """A unit whose condition does not hold, and one that ends at once: each backs off, whoever reloads systemd."""
    units.fresh(lab)
    journal = Journal(lab)
    lab.put_manifest("t-cond.container", units.container(unit="ConditionPathExists=/home/app/t-path"))
    lab.put_manifest("t-ended.container", f"[Container]\nImage={BUSYBOX}\nExec=true\n")
    lab.wait_until(lambda: lab.condition("t-cond", "a condition in its [Unit] may not hold"), 30, "the condition is told")
    lab.wait_until(lambda: lab.app("t-ended")["state"] == "CrashLoop", 60, "the other is a crash loop")
    for _ in range(10):
        lab.systemctl("daemon-reload")
        time.sleep(1)  # systemd's own time, no clock to turn
    starts = starts_of(journal, "t-ended.service")
    assert starts <= 10, f"{starts} starts"
    made = len(changes(lab))
    assert made <= 30, f"{made} changes"
    lab.run("touch", "/home/app/t-path")
    lab.podreeve("start", "t-cond")
    up_again, took = lab.wait_until(lambda: lab.is_up("t-cond"), 60, "what waited for its path runs")
    assert up_again
    lab.run("rm", "/home/app/t-path")
    return f"{starts} starts, {made} changes; {took:.1f} s to notice the path"


def case_a_file_that_cannot_be_read_is_its_apps_trouble_alone(lab):
    """Root's and unreadable, in the folder of one app: the others are kept."""
    units.fresh(lab)
    lab.put_manifest("t-shut.container", units.container())
    lab.put_manifest("t-open.container", units.container())
    up(lab, "t-shut", "t-open")
    path = installed("t-shut", "t-shut.container")
    lab.root("chown", "root:root", path)
    lab.root("chmod", "0600", path)
    lab.systemctl("stop", "t-open")
    lab.wait_until(lambda: units.is_active(lab, "t-open.service"), 30, "the other app's unit is started again")
    said, _ = lab.wait_until(lambda: lab.condition("t-shut", "make it readable"), 30, "the file is told")
    assert units.is_active(lab, "t-shut.service")
    lab.root("chown", "app:app", path)
    up(lab, "t-shut", "t-open")
    return said[:120]


def case_an_undone_update_stays_undone(lab):
    """Over an agent's restart, and until the manifest changes."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container(section="HostName=old"))
    up(lab, "t-web")
    lab.put_manifest("t-web.container", units.container(section="HostName=new"))
    lab.wait_until(lambda: hostname(lab, "t-web") == "new", 60, "the update runs")
    lab.settle()
    lab.podreeve("undo", str(newest_of(lab, "t-web")))
    lab.wait_until(lambda: hostname(lab, "t-web") == "old", 60, "the version before runs")
    lab.stop_agent()
    lab.start_agent()
    time.sleep(8)  # passes that could bring it back; systemd's own time
    assert hostname(lab, "t-web") == "old" and units.is_active(lab, "t-web.service")
    lab.put_manifest("t-web.container", units.container(section="HostName=newer"))
    lab.wait_until(lambda: hostname(lab, "t-web") == "newer", 60, "another manifest is deployed")
    up(lab, "t-web")


def case_a_start_that_hangs_stops_nobody(lab):
    """podreeve stop, and the removal, of a unit that is on its way up for minutes."""
    units.fresh(lab)
    hanging = units.container(service="ExecStartPre=/bin/sleep 600").replace("TimeoutStartSec=60", "TimeoutStartSec=300")
    for name in ("t-one", "t-two"):
        lab.put_manifest(f"{name}.container", hanging)
    names = ["t-one.service", "t-two.service"]
    lab.wait_until(lambda: all(unit.active == "activating" for unit in units.states(lab, names).values()), 30, "both are on their way up")
    lab.podreeve("stop", "t-one")
    _, stopped = lab.wait_until(lambda: units.states(lab, names[:1])[names[0]].active in ("inactive", "failed"), 30, "the one is down")
    lab.remove_manifest("t-two.container")
    _, removed = lab.wait_until(lambda: units.read(lab, installed("t-two", "t-two.container")) is None, 60, "the other is removed")
    lab.wait_until(lambda: lab.app("t-one")["state"] == "Finished", 30, "the one is stopped on request")
    return f"stopped after {stopped:.1f} s, removed after {removed:.1f} s"


def case_a_failing_update_does_not_take_the_working_unit_down_again_and_again(lab):
    """The version before runs again and is left running for ten minutes."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container(section="HostName=old"))
    up(lab, "t-web")
    lab.put_manifest("t-web.container", units.container(section="HostName=new\nPull=never", image="localhost/absent:1"))
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "CompanionFailed"), 60, "the failed update is told")
    lab.wait_until(lambda: hostname(lab, "t-web") == "old", 30, "what ran before runs again")
    running = units.states(lab, ["t-web.service"])
    time.sleep(25)  # an update that failed was tried again after 5, 10 and 20 s
    assert units.states(lab, ["t-web.service"]) == running
    assert "next try at" in said, said


def case_names_and_templates(lab):
    """A file of somebody else's beside ours, a template for other units, and a removed unit that had failed."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", f"[Container]\nImage={BUSYBOX}\nExec=sleep 1000000\nStopTimeout=1\n")
    lab.put_manifest("t-job@.container", units.container())
    up(lab, "t-web", "t-job")
    journal = Journal(lab)
    units.overwrite(lab, f"{OURS}/t-web/hand.container", f"[Container]\nImage={BUSYBOX}\n")
    lab.remove_manifest("t-web.container")
    lab.wait_until(lambda: "t-web" not in lab.apps(), 60, "the app is gone")
    assert units.read(lab, f"{OURS}/t-web/hand.container") is not None
    failed = lab.run("systemctl", "--user", "--failed", "--plain", "--no-legend").stdout
    assert "t-web" not in failed, failed
    time.sleep(3)  # nothing is done for a template by itself
    assert journal.reloads() <= 1, journal.lines("-t", "systemd")
    lab.put_manifest("t-marked.container", units.container() + "[X-Podreeve]\nApp=other\n")
    checked = lab.run("podreeve", "check", f"{MANIFESTS}/t-marked.container", check=False)
    assert checked.returncode != 0 and "[X-Podreeve]" in checked.stdout + checked.stderr, checked
    assert lab.is_up("t-job")


def case_what_runs_by_another_file_is_told_and_ended_with_it(lab):
    """A copy of the generated unit, and a Quadlet of the same name, go before ours: a conflict, and ours once they go."""
    units.fresh(lab)
    lab.put_manifest("t-twin.container", units.container())
    up(lab, "t-twin")

    def command():
        return lab.podman("inspect", "--format", "{{.Config.Cmd}}", "systemd-t-twin", check=False)

    def run_the_other(path):
        lab.systemctl("daemon-reload")
        lab.systemctl("restart", "t-twin.service")
        lab.wait_until(lambda: "2000000" in command(), 30, "the other runs")
        lab.wait_until(lambda: lab.condition("t-twin", f"is that of {path}"), 30, "the conflict is told")

    def ours_is_back(timeout):
        lab.wait_until(lambda: "1000000" in command(), timeout, "what the manifest says runs")
        lab.wait_until(lambda: lab.is_up("t-twin") and lab.is_converged(), 30, "all is well")

    ours = command()
    assert "1000000" in ours, ours
    copy = "/home/app/.config/systemd/user/t-twin.service"
    made = lab.systemctl("cat", "t-twin.service").replace("1000000", "2000000")
    lab.write(copy, made)
    run_the_other(copy)
    lab.run("rm", copy)
    lab.systemctl("daemon-reload")
    ours_is_back(60)
    quadlet = "/home/app/.config/containers/systemd/t-twin.container"
    lab.write(quadlet, units.container(wait="sleep 2000000"))
    run_the_other(quadlet)
    lab.run("rm", quadlet)
    ours_is_back(150)
