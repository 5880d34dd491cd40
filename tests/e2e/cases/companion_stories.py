"""The stories of Quadlet companions: conflicts, updates, removal, order, all types of units, what they cost.

They need podman 4.4 or newer, but for the last case.
"""

import os
import time

from lib import manifests, units
from lib.lab import MANIFESTS, measures
from lib.units import BUSYBOX, OURS, QUADLET, Journal, installed, up


def changes_of(lab, app):
    """What podreeve has done for an app's companions, newest first."""
    return [change for change in lab.podreeve("changes")["changes"] if change["app"].startswith(f"{app}/")]


def case_a_reload_of_podreeves_is_counted_and_somebody_elses_is_not(lab):
    """What the other cases count by."""
    units.fresh(lab)
    journal = Journal(lab)
    lab.systemctl("daemon-reload")
    assert journal.reloads() == 0
    lab.put_manifest("t-web.container", units.container())
    up(lab, "t-web")
    assert journal.reloads() == 1, journal.lines("-t", "systemd")


def case_what_systemd_restarts_itself_is_left_to_it(lab):
    """A killed container of a unit with Restart=: systemd's restart, told by nobody's change."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container(service="Restart=always\nRestartSec=200ms"))
    up(lab, "t-web")
    known = [change["id"] for change in changes_of(lab, "t-web")]
    assert known
    lab.kill_process("systemd-t-web")
    lab.wait_until(lambda: units.states(lab, ["t-web.service"])["t-web.service"].restarts == 1 and
                   units.is_active(lab, "t-web.service"), 20, "systemd has restarted it")
    up(lab, "t-web")
    assert [change["id"] for change in changes_of(lab, "t-web")] == known, changes_of(lab, "t-web")
    assert units.states(lab, ["t-web.service"])["t-web.service"].restarts == 1


def case_two_at_once(lab):
    """A file of one app deleted, a unit of another stopped, a third's manifest changed: one pass, one reload."""
    units.fresh(lab)
    for name in ("t-one", "t-two", "t-three", "t-four"):
        lab.put_manifest(f"{name}.container", units.container())
    names = ["t-one.service", "t-two.service", "t-three.service", "t-four.service"]
    up(lab, "t-one", "t-two", "t-three", "t-four")
    before, journal = units.states(lab, names), Journal(lab)
    hidden = lab.draft(f"{MANIFESTS}/t-three.container", units.container(section="HostName=new"))
    lab.run("sh", "-c", f"mv {hidden} {MANIFESTS}/t-three.container; rm {installed('t-one', 't-one.container')}; "
            "systemctl --user stop t-two")
    lab.run("podreeve", "reconcile", check=False)
    lab.wait_until(lambda: units.read(lab, installed("t-one", "t-one.container")) and units.is_active(lab, *names) and
                   "HostName=new" in units.read(lab, installed("t-three", "t-three.container")), 30, "all is mended")
    up(lab, "t-one", "t-two", "t-three", "t-four")
    after = units.states(lab, names)
    assert [name for name in names if after[name].invocation != before[name].invocation] == ["t-two.service", "t-three.service"]
    assert journal.reloads() <= 2, journal.reloads()
    return f"{journal.reloads()} daemon-reloads"


def case_a_foreign_unit_file_is_never_overwritten(lab):
    """Of the same name in Quadlet's directory, and in podreeve's own folder."""
    units.fresh(lab)
    foreign = units.container(section="HostName=foreign")
    for place in (f"{QUADLET}/t-web.container", installed("t-own", "t-own.container")):
        units.overwrite(lab, place, foreign)
    lab.run("sh", "-c", f"systemctl --user daemon-reload; systemctl --user start t-web")
    before = units.states(lab, ["t-web.service"])
    lab.put_manifest("t-web.container", units.container())
    lab.put_manifest("t-own.container", units.container())
    for name in ("t-web", "t-own"):
        said, _ = lab.wait_until(lambda name=name: lab.condition(name, "Conflict"), 30, f"the conflict of {name} is told")
        assert f"{name}.container" in said, said
    assert units.read(lab, f"{QUADLET}/t-web.container") == foreign
    assert units.read(lab, installed("t-own", "t-own.container")) == foreign
    assert units.read(lab, installed("t-web", "t-web.container")) is None
    assert units.states(lab, ["t-web.service"]) == before
    lab.run("sh", "-c", f"systemctl --user stop t-web; rm {QUADLET}/t-web.container {OURS}/t-own/t-own.container; "
            "systemctl --user daemon-reload")
    lab.run("podreeve", "reconcile", check=False)
    up(lab, "t-web", "t-own", timeout=60)


def case_a_foreign_unit_or_container_of_its_name_is_a_conflict(lab):
    """A hand-written service; a container called as Quadlet would call ours, which would be replaced."""
    units.fresh(lab)
    lab.write("/home/app/.config/systemd/user/t-web.service", "[Service]\nExecStart=/bin/sleep 1000000\n")
    lab.systemctl("daemon-reload")
    lab.systemctl("start", "t-web")
    lab.podman("run", "-d", "--name", "systemd-t-own", "busybox", "sleep", "1000000")
    before, theirs = units.states(lab, ["t-web.service"]), lab.ids()["systemd-t-own"]
    lab.put_manifest("t-web.container", units.container())
    lab.put_manifest("t-own.container", units.container())
    for name, what in (("t-web", "t-web.service"), ("t-own", "systemd-t-own")):
        said, _ = lab.wait_until(lambda name=name: lab.condition(name, "Conflict"), 30, f"the conflict of {name} is told")
        assert what in said, said
    assert units.states(lab, ["t-web.service"]) == before and lab.ids()["systemd-t-own"] == theirs
    lab.run("sh", "-c", "systemctl --user stop t-web; rm ~/.config/systemd/user/t-web.service; systemctl --user daemon-reload; "
            "podman rm -f -t 0 systemd-t-own")
    lab.run("podreeve", "reconcile", check=False)
    up(lab, "t-web", "t-own", timeout=60)


def case_an_image_that_is_missing_is_told_and_the_rest_goes_on(lab):
    """The start fails: the unit is told with its app, another app comes up; once the image is there, so does it."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container(image="localhost/absent:1", section="Pull=never"))
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "t-web.service"), 60, "the failed start is told")
    assert not lab.is_up("t-web")
    lab.image("localhost/absent:1")
    lab.run("podreeve", "reconcile", check=False)
    up(lab, "t-web", "beat", timeout=60)
    lab.podman("rmi", "-f", "localhost/absent:1", check=False)
    return said[:160]


def case_an_update_that_does_not_start_is_rolled_back(lab):
    """The former unit file is back and runs; the app says why; another manifest brings it on."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container(section="HostName=old"))
    lab.put_manifest("t-other.container", units.container())
    up(lab, "t-web", "t-other")
    former, before = units.read(lab, installed("t-web", "t-web.container")), units.states(lab, ["t-other.service"])
    lab.put_manifest("t-web.container", units.container(section="HostName=new\nPull=never", image="localhost/absent:1"))
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "CompanionFailed"), 60, "the failed update is told")
    lab.wait_until(lambda: units.is_active(lab, "t-web.service"), 30, "what ran before runs again")
    assert units.read(lab, installed("t-web", "t-web.container")) == former
    assert lab.podman("exec", "systemd-t-web", "hostname") == "old"
    assert lab.app("t-web")["state"] == "Running"
    assert units.states(lab, ["t-other.service"]) == before
    lab.put_manifest("t-web.container", units.container(section="HostName=newer"))
    lab.wait_until(lambda: lab.podman("exec", "systemd-t-web", "hostname", check=False) == "newer", 60, "the mended version runs")
    up(lab, "t-web", "t-other")
    return said[:200]


def case_a_unit_that_quadlet_refuses_is_told_and_the_former_stays(lab):
    """With file and line; the unit that runs is not touched."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container())
    up(lab, "t-web")
    former, before = units.read(lab, installed("t-web", "t-web.container")), units.states(lab, ["t-web.service"])
    journal = Journal(lab)
    lab.put_manifest("t-web.container", units.container(section="Imge=x"))
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "Imge"), 30, "the unknown key is told")
    assert "t-web.container:" in said and "Image" in said, said
    lab.put_manifest("t-web.container", units.container(section="Network=nowhere.network"))
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "nowhere.network"), 30, "the missing network is told")
    assert units.states(lab, ["t-web.service"]) == before and journal.reloads() == 0
    assert units.read(lab, installed("t-web", "t-web.container")) == former
    return said[:200]


def case_a_bare_unit_dropped_in_and_taken_away(lab):
    """It runs; then stop, file gone, reload, in that order, and nothing of it lingers, not even a container."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container())
    lab.put_manifest("t-other.container", units.container())
    up(lab, "t-web", "t-other")
    text = units.read(lab, installed("t-web", "t-web.container"))
    assert "App=t-web" in text and "[X-Podreeve]" in text, text
    before, journal = units.states(lab, ["t-other.service"]), Journal(lab)
    lab.remove_manifest("t-web.container")
    lab.wait_until(lambda: lab.app("t-web") is None and units.read(lab, installed("t-web", "t-web.container")) is None, 40,
                   "it is gone")
    lab.settle()
    lines = journal.lines("-t", "systemd")
    stopped = next(at for at, line in enumerate(lines) if line.startswith("Stopped t-web.service"))
    reloaded = next(at for at, line in enumerate(lines) if "requested from client PID" in line)
    assert stopped < reloaded and journal.reloads() == 1, lines
    assert "systemd-t-web" not in lab.containers()
    assert lab.systemctl("show", "-P", "LoadState", "t-web.service") == "not-found"
    assert units.states(lab, ["t-other.service"]) == before
    assert not os.path.exists(lab.path(f"{OURS}/t-web"))


def case_a_container_that_lingers_goes_with_its_unit(lab):
    """One that still has the unit's label and the name the unit gives when the unit is removed; one that has only the label may
    be anybody's, and stays."""
    units.fresh(lab)
    again = f"/usr/bin/podman create --name systemd-t-web --label PODMAN_SYSTEMD_UNIT=t-web.service {BUSYBOX}"
    lab.put_manifest("t-web.container", units.container(service=f"ExecStopPost={again}"))
    up(lab, "t-web")
    lab.podman("run", "-d", "--name", "labelled", "--label", "PODMAN_SYSTEMD_UNIT=t-web.service", "busybox", "sleep", "1000000")
    lab.podman("run", "-d", "--name", "foreign", "busybox", "sleep", "1000000")
    lab.remove_manifest("t-web.container")
    lab.wait_until(lambda: "t-web" not in lab.apps() and set(lab.containers()) == {"foreign", "labelled"}, 40,
                   "only the foreign containers are left")
    assert lab.running("foreign", "labelled")


def case_all_types_of_units_in_one_app(lab):
    """A network, a volume and a pod, an image before its user; what breaks in the pod is mended."""
    units.fresh(lab)
    registry = lab.registry()
    lab.run("sh", "-c", f"podman tag {BUSYBOX} {registry}/t:1 && podman push --tls-verify=false {registry}/t:1 && "
            f"podman rmi {registry}/t:1")
    lab.put_manifest("t-all.yaml", units.app("t-all", {
        "t-lan.network": "[Network]\n",
        "t-data.volume": "[Volume]\n",
        "t-pic.image": f"[Image]\nImage={registry}/t:1\nTLSVerify=false\n",
        "t-cabin.pod": "[Pod]\nNetwork=t-lan.network\n",
        "t-guest.container": units.container(section="Pod=t-cabin.pod\nVolume=t-data.volume:/data").replace(
            f"Image={BUSYBOX}", "Image=t-pic.image"),
    }))
    up(lab, "t-all", timeout=120)
    names = ["t-lan-network.service", "t-data-volume.service", "t-pic-image.service", "t-cabin-pod.service", "t-guest.service"]
    before = units.states(lab, names)
    assert all(unit.active == "active" for unit in before.values()), before
    lab.podman("exec", "systemd-t-guest", "touch", "/data/kept")
    time.sleep(6)
    lab.podman("pod", "rm", "-f", "-t", "0", "systemd-t-cabin")
    lab.run("podreeve", "reconcile", check=False)
    lab.wait_until(lambda: units.is_active(lab, *names) and lab.running("systemd-t-guest"), 60, "the pod is back")
    up(lab, "t-all")
    after = units.states(lab, names)
    same = [name for name in names if after[name].invocation == before[name].invocation]
    assert same == names[:3], (before, after)
    lab.podman("exec", "systemd-t-guest", "ls", "/data/kept")


def case_a_kube_unit(lab):
    """What it made is removed by podman: it is up again."""
    units.fresh(lab)
    lab.write("/home/app/t-play.yml", manifests.pod("t-play"))
    lab.put_manifest("t-kube.kube", "[Kube]\nYaml=/home/app/t-play.yml\n")
    up(lab, "t-kube")
    before = units.states(lab, ["t-kube.service"])
    lab.podman("pod", "rm", "-f", "-t", "0", "t-play")
    lab.wait_until(lambda: units.is_active(lab, "t-kube.service") and lab.running("t-play-main"), 60, "it is back")
    up(lab, "t-kube")
    assert units.states(lab, ["t-kube.service"]) != before


def case_a_build_before_its_user(lab):
    """An image that a companion builds, and the container that is made of it."""
    units.fresh(lab)
    lab.write("/home/app/t-build/Containerfile", f"FROM {BUSYBOX}\nENV BUILT=yes\n")
    lab.put_manifest("t-made.yaml", units.app("t-made", {
        "t-user.container": units.container().replace(f"Image={BUSYBOX}", "Image=t-made.build"),
        "t-made.build": "[Build]\nImageTag=localhost/t-made:1\nSetWorkingDirectory=/home/app/t-build\n",
    }))
    up(lab, "t-made", timeout=120)
    assert "BUILT=yes" in lab.podman("exec", "systemd-t-user", "env")


def case_what_does_one_thing_is_done_once(lab):
    """Type=oneshot: it runs to its end, its app is up, and no pass starts it again; one that fails is told."""
    units.fresh(lab)
    lab.run("rm", "-rf", "/home/app/t-jobs")
    lab.run("mkdir", "/home/app/t-jobs")
    job = (f"[Container]\nImage={BUSYBOX}\nVolume=/home/app/t-jobs:/jobs\nExec=sh -c \"echo ran >> /jobs/NAME; exit CODE\"\n"
           "[Service]\nType=oneshot\n")
    lab.put_manifest("t-good.container", job.replace("NAME", "good").replace("CODE", "0"))
    lab.put_manifest("t-over.container", job.replace("NAME", "over").replace("CODE", "0") + "RemainAfterExit=no\n")
    up(lab, "t-good")
    lab.wait_until(lambda: lab.app("t-over")["state"] == "Finished", 30, "the job that does not stay has ended")
    lab.put_manifest("t-bad.container", job.replace("NAME", "bad").replace("CODE", "3"))
    said, _ = lab.wait_until(lambda: lab.condition("t-bad", "t-bad.service"), 30, "the failed job is told")
    for _ in range(5):
        lab.run("podreeve", "reconcile", check=False)
        lab.systemctl("daemon-reload")
    for name in ("good", "over"):
        assert units.read(lab, f"/home/app/t-jobs/{name}").split() == ["ran"], name
    tries = len(units.read(lab, "/home/app/t-jobs/bad").split())
    assert tries <= 12, f"{tries} tries: nothing backs off"
    return said[:120]


SHOP = """\
app:
  id: t-shop
  name: t-shop
  version: "1"
  container:
    image: localhost/busybox:latest
    entrypoint: [sh, -c]
    command: ["WAIT"]
  depends_on: [{companion: t-proxy.container, is: started}]
  companions:
    - name: t-back.container
      depends_on: [{companion: t-proxy.container}]
      text: |
BACK
    - name: t-proxy.container
      depends_on: [{app: t-base, is: healthy}]
      text: |
PROXY
""".replace("WAIT", manifests.WAIT)


def case_companions_and_containers_wait_for_each_other(lab):
    """A companion for another app's container, the app's container for that companion, another companion for it too."""
    units.fresh(lab)
    lab.put_manifest("t-shop.yaml", SHOP.replace("BACK", units.indented(units.container(), 8)).replace(
        "PROXY", units.indented(units.container(), 8)))
    lab.wait_until(lambda: lab.app("t-shop"), 30, "t-shop is known")
    journal = Journal(lab)
    lab.put_manifest("t-base.yaml", manifests.single("t-base"))
    up(lab, "t-base", "t-shop")
    began = {name: lab.started_at(name) for name in ("t-base", "systemd-t-proxy", "t-shop", "systemd-t-back")}
    assert began["t-base"] < began["systemd-t-proxy"] < min(began["t-shop"], began["systemd-t-back"]), began
    assert journal.reloads() == 1
    assert "Requires=t-proxy.service" in units.read(lab, f"{OURS}/t-shop/t-back.container.d/90-podreeve.conf")
    assert "t-proxy.service" in lab.systemctl("show", "-P", "After", "t-back.service")
    shop = lab.app("t-shop")
    assert shop["parts_total"] == 3 == shop["parts_ready"], shop
    lab.podreeve("stop", "t-shop", "--wait", "--timeout", "60")
    assert not any(unit.active == "active" for unit in units.states(lab, ["t-proxy.service", "t-back.service"]).values())
    assert not lab.running("t-shop") and lab.running("t-base")
    lab.podreeve("start", "t-shop", "--wait", "--timeout", "60")
    up(lab, "t-base", "t-shop")


def case_a_slow_companion_delays_no_app(lab):
    """One that is still in its ExecStartPre: another app's container and another companion are up meanwhile."""
    units.fresh(lab)
    lab.run("rm", "-f", "/home/app/t-go")
    lab.put_manifest("t-slow.container", units.container(
        service="ExecStartPre=/bin/sh -c 'until [ -e /home/app/t-go ]; do sleep 0.2; done'\nTimeoutStartSec=300"))
    lab.wait_until(lambda: units.states(lab, ["t-slow.service"])["t-slow.service"].active == "activating", 30, "it is starting")
    began = time.monotonic()
    lab.put_manifest("beat.yaml", manifests.single())
    lab.put_manifest("t-fast.container", units.container())
    lab.wait_until(lambda: lab.is_up("beat"), 60, "beat is up")
    beat = time.monotonic() - began
    lab.wait_until(lambda: lab.is_up("t-fast"), 60, "t-fast is up")
    assert units.states(lab, ["t-slow.service"])["t-slow.service"].active == "activating"
    lab.run("touch", "/home/app/t-go")
    up(lab, "t-slow", "t-fast", "beat")
    return f"beat was up after {beat:.1f} s"


def case_kill_9_of_the_agent_in_between(lab):
    """While it mends and while it rolls out: the next one goes on, and all ends as without."""
    units.fresh(lab)
    lab.write("/home/app/.config/systemd/user/podreeve.service.d/fast.conf", "[Service]\nRestartSec=100ms\n")
    lab.systemctl("daemon-reload")
    for name in ("t-one", "t-two"):
        lab.put_manifest(f"{name}.container", units.container())
    up(lab, "t-one", "t-two")
    for number, delay in enumerate((0.0, 0.05, 0.1, 0.2, 0.4, 0.8)):
        lab.put_manifest("t-one.container", units.container(section=f"HostName=h{number}"))
        lab.run("sh", "-c", f"rm {installed('t-two', 't-two.container')}; systemctl --user stop t-two; systemctl --user daemon-reload")
        time.sleep(delay)
        lab.systemctl("kill", "-s", "KILL", "podreeve", check=False)
        lab.wait_until(lambda number=number: lab.podman("exec", "systemd-t-one", "hostname", check=False) == f"h{number}", 60,
                       f"round {number}: the new version runs")
        up(lab, "t-one", "t-two")
        assert units.is_active(lab, "t-one.service", "t-two.service")
    assert sorted(lab.containers()) == ["systemd-t-one", "systemd-t-two"], lab.containers().keys()


def case_the_managers_reexec_and_the_buss_restart(lab):
    """Nothing is restarted for it, and what happens afterwards is noticed as before."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container())
    up(lab, "t-web")
    notes = []
    for what in (("daemon-reexec",), ("restart", "dbus.service")):
        before, agent = units.states(lab, ["t-web.service"]), lab.agent_pid()
        lab.systemctl(*what, check=False)
        lab.wait_until(lambda: lab.is_up("t-web"), 40, f"t-web is known as up after {what}")
        assert units.states(lab, ["t-web.service"]) == before
        time.sleep(11)  # a good run, so that nothing backs off
        began = time.monotonic()
        lab.systemctl("stop", "t-web")
        lab.wait_until(lambda: units.is_active(lab, "t-web.service"), 15, f"a stop after {what} is undone")
        notes.append(f"{what[0]}: mended after {time.monotonic() - began:.1f} s")
        up(lab, "t-web")
        assert lab.agent_pid() == agent
    return "; ".join(notes)


def cpu_seconds(lab, pid):
    """User and system time of the agent's own threads so far."""
    fields = lab.root("cat", f"/proc/{pid}/stat").stdout.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@measures
def case_two_hundred_companions_cost_a_pass_little(lab):
    """A pass that finds all well: at most 50 ms of the agent's CPU."""
    units.fresh(lab)
    for number in range(10):
        text = units.app(f"n{number}", {f"n{number * 20 + one}.network": "[Network]\nInternal=true\n" for one in range(20)})
        lab.write(f"/home/app/many/n{number}.yaml", text)
    lab.run("sh", "-c", f"mv /home/app/many/*.yaml {MANIFESTS}/")
    lab.wait_until(lambda: len(lab.apps()) == 10 and lab.is_up(), 400, "200 companions are up")
    lab.settle()
    pid, passes, rounds = lab.agent_pid(), lab.podreeve("status")["agent"]["passes"], 40
    before = cpu_seconds(lab, pid)
    for _ in range(rounds):
        lab.run("podreeve", "reconcile")
    spent = cpu_seconds(lab, pid) - before
    made = lab.podreeve("status")["agent"]["passes"] - passes
    assert made >= rounds, made
    cost = spent / made * 1000
    assert cost <= 50, f"{cost:.1f} ms of CPU a pass"
    return f"{cost:.1f} ms of CPU a pass"


GENERATOR = "/usr/lib/systemd/user-generators/podman-user-generator"


def case_without_quadlet_an_app_says_so_and_the_rest_goes_on(lab):
    """Debian 12's podman has none; elsewhere it is put away meanwhile."""
    units.fresh(lab)
    lab.stop_agent()
    lab.root("sh", "-c", f"if [ -e {GENERATOR} ]; then mv {GENERATOR} /root/; fi")
    try:
        lab.start_agent()
        lab.put_manifest("t-web.container", units.container())
        lab.put_manifest("t-shop.yaml", SHOP.replace("  depends_on: [{companion: t-proxy.container, is: started}]\n", "").replace(
            "BACK", units.indented(units.container(), 8)).replace("PROXY", units.indented(units.container(), 8)))
        lab.put_manifest("t-base.yaml", manifests.single("t-base"))
        lab.wait_until(lambda: lab.is_up("t-base") and lab.running("t-shop"), 60, "the containers of all apps run")
        said = [lab.wait_until(lambda name=name: lab.condition(name, "NoQuadlet"), 20, f"{name} says so")[0]
                for name in ("t-web", "t-shop")]
        assert all("4.4" in one for one in said), said
        lab.kill_process("t-shop")
        lab.wait_until(lambda: lab.running("t-shop"), 20, "it is mended as ever")
        assert not os.path.exists(lab.path(OURS))
    finally:
        lab.root("sh", "-c", f"if [ -e /root/podman-user-generator ]; then mv /root/podman-user-generator {GENERATOR}; fi")
    return said[0][:160]
