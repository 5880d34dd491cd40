"""A wall clock that jumps under the agent, beside a podman whose clock does not: nothing that runs is touched, no wait grows."""

import glob
import os
import tempfile
import time

from cases.health import wait_ready, web
from lib import manifests
from lib.lab import APP_UID, LAB, CommandFailed, execute

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
RC = "/home/app/.faketimerc"
# libfaketime also shifts absolute times of timers whose clock is steady, FAKETIME_DONT_FAKE_MONOTONIC or not; before it in the list
# of what is preloaded, this hands them to the kernel as they are.
STEADY_TIMERS = """
#include <sys/syscall.h>
#include <unistd.h>
int timerfd_settime(int fd, int flags, const void* value, void* old) { return syscall(SYS_timerfd_settime, fd, flags, value, old); }
int timerfd_gettime(int fd, void* value) { return syscall(SYS_timerfd_gettime, fd, value); }
"""
SHORT = "echo up; sleep 1; exit 1"


def fake(lab, offset):
    """The agent's wall clock is off by that much from now on."""
    here = lab.path(RC)
    with open(here + ".new", "w", encoding="utf-8") as file:
        file.write(offset + "\n")
    os.chown(here + ".new", APP_UID, APP_UID)
    os.rename(here + ".new", here)


def under_a_fake_clock(lab):
    """The agent, restarted; only its wall clock is faked, neither steady time nor what stat tells."""
    found = glob.glob(LIBRARY)
    if not found:
        raise CommandFailed("there is no libfaketime on this machine: packaging/build-deps.txt, role lab")
    execute(LAB, "put", lab.name, found[0], "/opt/libfaketime.so")
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "steady.so")
        execute("cc", "-shared", "-fPIC", "-O1", "-x", "c", "-o", made, "-", stdin=STEADY_TIMERS)
        execute(LAB, "put", lab.name, made, "/opt/steady.so")
    fake(lab, "+0")
    lab.write("/home/app/.config/systemd/user/podreeve.service.d/clock.conf", "\n".join([
        "[Service]", "Environment=LD_PRELOAD=/opt/steady.so:/opt/libfaketime.so", f"Environment=FAKETIME_TIMESTAMP_FILE={RC}",
        "Environment=FAKETIME_NO_CACHE=1", "Environment=FAKETIME_DONT_FAKE_MONOTONIC=1", "Environment=NO_FAKE_STAT=1", ""]))
    lab.systemctl("daemon-reload")
    lab.systemctl("restart", "podreeve")


def real_clock(lab):
    lab.run("rm", "-rf", "/home/app/.config/systemd/user/podreeve.service.d")
    lab.systemctl("daemon-reload")


def agents_time(lab):
    """Of the newest event, as the agent's own clock tells it."""
    return max(lab.events(), key=lambda event: event["seq"])["time"]


def short_lived(name):
    return manifests.single(name).replace(manifests.WAIT, SHORT)


def restarts_of(lab, name):
    """-1: the agent does not know it (yet)."""
    return (lab.app(name) or {"restarts": -1})["restarts"]


def jump(lab, offset, number):
    """One that waits for its next start is started within its wait; what runs, runs on; what dies is back at once."""
    name = f"short{number}"
    lab.put_manifest(f"{name}.yaml", short_lived(name))
    lab.wait_until(lambda: restarts_of(lab, name) >= 2, 60, "two short runs are over")
    before, began = {n: i for n, i in lab.ids().items() if not n.startswith("short")}, lab.started_at("web")
    fake(lab, offset)
    restarts = restarts_of(lab, name)
    # after its third and fourth short run it rests for 4 s and 8 s, and a fifth more at the most
    _, took = lab.wait_until(lambda: restarts_of(lab, name) >= restarts + 2, 60, f"{offset}: two more starts")
    assert took < 2 * (4 + 8) * 1.2 + 2 * 1, f"{offset}: two more starts took {took:.1f} s: a rest is longer than twice its own length"
    lab.podreeve("reconcile")
    lab.wait_until(lambda: time.time() - (lab.started_at("web") or time.time()) > 10.5, 30, "it has had a good run")
    assert lab.started_at("web") == began, f"{offset}: web was restarted"
    since = time.time()
    lab.kill_process("web")
    back = lab.wait_restarted("web", since)
    assert back < 20, f"{offset}: back after {back:.1f} s"
    assert {n: i for n, i in lab.ids().items() if not n.startswith("short")} == before, f"{offset}: other containers"
    return took, back


def restart_of_the_agent(lab, offset, number):
    """What was persisted under the clock before is bounded when it is read."""
    name = f"short{number}"
    restarts = restarts_of(lab, name)
    fake(lab, offset)
    lab.systemctl("restart", "podreeve")
    lab.wait_until(lambda: restarts_of(lab, name) > restarts, 40, f"{offset}, restarted: one more start")
    lab.remove_manifest(f"{name}.yaml")
    lab.wait_until(lambda: name not in lab.ids(), 30, f"{offset}: {name} is removed")


def case_a_wall_clock_that_jumps(lab):
    """By 3 h and 10 years, forward and back, and back again; with short runs that wait, deaths, and restarts of the agent."""
    under_a_fake_clock(lab)
    try:
        lab.put_manifest("web.yaml", web(health="readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1, failureThreshold: 30}\n"))
        lab.put_manifest("pod.yaml", manifests.pod("pod"))
        lab.put_manifest("idle.yaml", manifests.single("idle", extra="stop_grace_secs: 1\n"))
        lab.wait_until(lambda: lab.is_up("web", "pod", "idle"), 60, "three apps are up")
        lab.run("podreeve", "stop", "idle", "--wait")
        wait_ready(lab, "web")
        prober, took = lab.run("pgrep", "-x", "podreeve-probe").stdout, {}
        assert prober
        began = int(time.time())
        for number, offset in enumerate(("+3h", "-3h", "+10y", "-10y")):
            took[offset] = jump(lab, offset, number)
            year = int(agents_time(lab)[:4]) - time.gmtime().tm_year
            assert abs(year - {"+10y": 10, "-10y": -10}.get(offset, 0)) <= 1, f"the clock was not faked: {agents_time(lab)}"
            restart_of_the_agent(lab, ("-3h", "+3h", "-10y", "+10y")[number], number)
            fake(lab, "+0")
        assert not lab.running("idle")
        journal = lab.run("journalctl", "--user", "-u", "podreeve", "-o", "cat", f"--since=@{began}").stdout
        assert "stuck" not in journal and "Unhealthy" not in journal.replace("short", ""), journal[-3000:]
    finally:
        real_clock(lab)
    return "; ".join(f"{offset}: two starts in {waited:.1f} s, a death mended in {back:.2f} s"
                     for offset, (waited, back) in took.items())
