"""Quadlet companions against a real systemd and the real generator. They need podman 4.4 or newer but for the last case."""

import collections
import os
import time

from lib import manifests, units
from lib.lab import MANIFESTS
from lib.units import OURS, QUADLET, Journal

BUSYBOX = "localhost/busybox:latest"


def up(lab, *apps, timeout=120):
    lab.wait_until(lambda: lab.is_up(*apps), timeout, f"{', '.join(apps)} up")
    lab.settle()


def installed(app, file):
    return f"{OURS}/{app}/{file}"


def changes_of(lab, app):
    """What podreeve has done for an app's companions, newest first."""
    return [change for change in lab.podreeve("changes")["changes"] if change["app"].startswith(f"{app}/")]


# Disturbances. Each row has an app of its own, called u01, u02, …; all stand side by side, and the rows are worked through one by
# one: nothing but what the row names may be restarted, of all that runs.

Row = collections.namedtuple("Row", "what happens restarted told reloads files undo",
                             defaults=((), "", 0, None, None))


def one_container(app):
    return {f"{app}.container": units.container()}


def with_drop_in(app):
    return {f"{app}.container": units.container(), f"{app}.container.d/10-here.conf": "[Container]\nHostName=here\n"}


def restarting(app):
    return {f"{app}.container": units.container(service="Restart=always\nRestartSec=100ms")}


def limited(app):
    return {f"{app}.container": units.container(unit="StartLimitBurst=2\nStartLimitIntervalSec=600")}


def network(app):
    return {f"{app}.network": "[Network]\n"}


def volume(app):
    return {f"{app}.volume": "[Volume]\n"}


def in_network(app):
    return {f"{app}.network": "[Network]\n", f"{app}.container": units.container(section=f"Network={app}.network")}


def three(app):
    return {f"{app}.yaml": units.app(app, {f"{app}{part}.container": units.container() for part in "abc"})}


def instances(app):
    return {f"{app}.yaml": units.app(app, {f"{app}@.container": (units.container(), "instances: [a, b]\n")})}


def policy(restart):
    return lambda app: {f"{app}.yaml": units.app(app, {f"{app}.container": (units.container(), f"restart: {restart}\n")})}


def file_of(app):
    return installed(app, f"{app}.container")


def reload(lab):
    lab.systemctl("daemon-reload")


def shell(script, *also):
    """Runs a script of 'app', in which @ is the app's name, and F its unit file."""
    def happens(lab, app):
        lab.run("sh", "-c", script.replace("F", file_of(app)).replace("@", app), check=False)
        for one in also:
            one(lab)
    return happens


def append(text, *also):
    def happens(lab, app):
        units.overwrite(lab, file_of(app), units.read(lab, file_of(app)) + text)
        for one in also:
            one(lab)
    return happens


def replace(old, new):
    def happens(lab, app):
        text = units.read(lab, file_of(app))
        assert old in text, text
        units.overwrite(lab, file_of(app), text.replace(old, new))
    return happens


def overwrite(text):
    return lambda lab, app: units.overwrite(lab, file_of(app), text)


def manifest(text):
    return lambda lab, app: lab.put_manifest(f"{app}.container", text)


def inline(text, fields):
    return lambda lab, app: lab.put_manifest(f"{app}.yaml", units.app(app, {f"{app}.container": (text, fields)}))


def three_files_gone(lab, app):
    lab.run("rm", "-r", f"{OURS}/{app}")
    lab.systemctl("stop", f"{app}a", f"{app}b", f"{app}c")
    reload(lab)


def reached_start_limit(lab, app):
    for _ in range(4):
        lab.systemctl("restart", app, check=False)
    assert units.states(lab, [f"{app}.service"])[f"{app}.service"].result == "start-limit-hit"


def kill_container(lab, app):
    lab.kill_process(f"systemd-{app}")


def foreign_drop_in(lab, app):
    units.overwrite(lab, f"{file_of(app)}.d/50-mine.conf", "[Container]\nHostName=mine\n")


ONE = ("@.service",)
REMOVE_FILE = shell("rm -rf F")

FILES = [
    Row("the unit file is deleted", shell("rm F"), reloads=1),
    Row("the unit file is deleted, and systemd reloads", shell("rm F", reload), reloads=1),
    Row("the app's folder is deleted", shell(f"rm -r {OURS}/@"), reloads=1),
    Row("podreeve's whole folder is deleted", shell(f"rm -r {OURS}"), reloads=1),
    Row("a byte is added", append("#"), reloads=1),
    Row("a byte is changed", replace("StopTimeout=1", "StopTimeout=2"), reloads=1),
    Row("a key is added, and systemd reloads", append("\n[Service]\nNice=5\n", reload), reloads=1),
    Row("a key is added, and it runs as edited", lambda lab, app: (append("\n[Service]\nNice=5\n", reload)(lab, app),
                                                                 lab.systemctl("restart", app)), ONE, reloads=1),
    Row("a drop-in is edited", shell("echo HostName=there >> F.d/10-here.conf"), reloads=1, files=with_drop_in),
    Row("a drop-in is deleted", shell("rm -r F.d"), reloads=1, files=with_drop_in),
    Row("a drop-in of somebody's comes", foreign_drop_in, told="50-mine.conf", undo=shell("rm -r F.d")),
    Row("the stamp is damaged", replace("Hash=", "Hush="), reloads=1),
    Row("garbage is written over the unit", overwrite("\1\2 garbage \0 [[["), told="Conflict", undo=REMOVE_FILE),
    Row("the unit file is emptied", overwrite(""), told="Conflict", undo=REMOVE_FILE),
    Row("the unit file is half as long", lambda lab, app: units.overwrite(
        lab, file_of(app), (lambda text: text[:len(text) // 2])(units.read(lab, file_of(app)))),
        reloads=1),
    Row("somebody's own stands there instead", overwrite(units.container()), told="Conflict", undo=REMOVE_FILE),
    Row("a link stands there instead", shell("mv F /home/app/@.container; ln -s /home/app/@.container F"), told="Conflict",
        undo=REMOVE_FILE),
    Row("a directory stands there instead", shell("rm F; mkdir F"), told="Conflict", undo=REMOVE_FILE),
    Row("a daemon-reload is pending", shell("touch -d '1 hour ago' F"), reloads=1),
    Row("somebody reloads systemd", lambda lab, app: reload(lab)),
    Row("the manifest changes", manifest(units.container(section="HostName=new")), ONE, reloads=1),
    Row("a drop-in comes into the manifests",
        lambda lab, app: lab.put_manifest(f"{app}.container.d/20-more.conf", "[Container]\nHostName=more\n"), ONE, reloads=1),
    Row("the manifest's drop-in goes", lambda lab, app: lab.run("rm", "-r", f"{MANIFESTS}/{app}.container.d"), ONE, reloads=1,
        files=with_drop_in),
    Row("the manifest changes with 'on-next-start'", inline(units.container(section="HostName=new"), "restart: on-next-start\n"),
        reloads=1, files=policy("on-next-start")),
    Row("the manifest changes with 'report'", inline(units.container(section="HostName=new"), "restart: report\n"),
        told="RestartPending", reloads=1, files=policy("report"), undo=shell("podreeve restart @ --wait --timeout 60")),
]

UNITS = [
    Row("systemctl stop", shell("systemctl --user stop @"), ONE),
    Row("it is killed and fails", shell("systemctl --user kill -s KILL @"), ONE),
    Row("it is at its start limit", reached_start_limit, ONE, files=limited),
    Row("it is masked and stopped", shell("systemctl --user mask @; systemctl --user stop @"), told="Masked",
        undo=shell("systemctl --user unmask @; systemctl --user start @")),
    Row("its container is removed", shell("podman rm -f -t 0 systemd-@"), ONE),
    Row("its container is stopped by podman", shell("podman stop -t 1 systemd-@"), ONE),
    Row("its container is killed", kill_container, ONE),
    Row("its network is removed", shell("podman network rm systemd-@"), ("@-network.service",), files=network),
    Row("a network is removed with who uses it", shell("podman network rm -f systemd-@"), ("@.service", "@-network.service"),
        files=in_network),
    Row("the unit of a network is stopped, and so who needs it", shell("systemctl --user stop @-network"),
        ("@.service", "@-network.service"), files=in_network),
    Row("its network's unit is stopped", shell("systemctl --user stop @-network"), ("@-network.service",), files=network),
    Row("its volume is removed", shell("podman volume rm systemd-@"), ("@-volume.service",), files=volume),
    Row("an instance of a template is stopped", shell("systemctl --user stop @@a"), ("@@a.service",), files=instances),
    Row("an instance of a template is killed", shell("systemctl --user kill -s KILL @@b"), ("@@b.service",), files=instances),
    Row("it is stopped, its file deleted, systemd reloaded", shell("systemctl --user stop @; rm F", reload), ONE, reloads=1),
    Row("three units of an app are stopped, their files deleted", three_files_gone,
        ("@a.service", "@b.service", "@c.service"), reloads=1, files=three),
    Row("one of three units of an app is killed", shell("systemctl --user kill -s KILL @b"), ("@b.service",), files=three),
    Row("it is edited and killed", lambda lab, app: (append("\n[Service]\nNice=5\n")(lab, app),
                                                    lab.systemctl("kill", "-s", "KILL", app)), ONE, reloads=1),
]


def services_in(app, files):
    """The services that a row's files stand for."""
    if files is three:
        return [f"{app}{part}.service" for part in "abc"]
    if files is instances:
        return [f"{app}@a.service", f"{app}@b.service"]
    if files is in_network:
        return [f"{app}.service", f"{app}-network.service"]
    kinds = {network: f"{app}-network.service", volume: f"{app}-volume.service"}
    return [kinds.get(files, f"{app}.service")]


class Village:
    """The apps of all rows, up side by side."""

    def __init__(self, lab, rows):
        self.lab = lab
        self.rows = [(f"u{number:02}", row) for number, row in enumerate(rows, 1)]
        units.fresh(lab)
        for app, row in self.rows:
            for name, text in (row.files or one_container)(app).items():
                lab.put_manifest(name, text)
        self.names = [service for app, row in self.rows for service in services_in(app, row.files)]
        self.apps = [app for app, _ in self.rows]
        lab.wait_until(lambda: len(lab.apps()) == len(rows) and lab.is_up(), 300, "all apps of the rows are up")
        lab.settle()
        time.sleep(6)  # what a unit has made is not looked for in its first seconds; the units are systemd's: no clock to turn

    def states(self):
        return units.states(self.lab, self.names)

    def is_well(self):
        return (all(unit.active == "active" for unit in self.states().values()) and self.lab.is_up(*self.apps) and
                not any(self.lab.app(app).get("change") for app in self.apps) and self.has_no_plan())

    def has_no_plan(self):
        diff = self.lab.podreeve("diff", codes=(0, 2))
        return diff["converged"] or not any(app in diff["text"] for app in self.apps)

    def give_up(self, app, row):
        """The rows after it are worked through without it."""
        self.apps.remove(app)
        self.names = [name for name in self.names if name not in services_in(app, row.files)]

    def work(self, app, row):
        """One row; the seconds until it was mended or told."""
        before, texts, journal = self.states(), self.texts(), Journal(self.lab)
        row.happens(self.lab, app)
        expected = {name.replace("@", app, 1) for name in row.restarted}
        self.lab.run("podreeve", "reconcile", check=False)

        def is_done():
            if row.told:
                return self.lab.condition(app, row.told) and not self.lab.app(app).get("change")
            after = self.states()
            return self.is_well() and all(after[name].invocation != before[name].invocation for name in expected)

        _, took = self.lab.wait_until(is_done, 25, row.told or "all is well again")
        after = self.states()
        mine = services_in(app, row.files)
        restarted = {name for name in self.names if after[name].invocation != before[name].invocation}
        assert restarted - (set(mine) if row.told else set()) == (set() if row.told else expected), f"restarted: {restarted}"
        assert journal.reloads() == row.reloads, f"{journal.reloads()} daemon-reloads instead of {row.reloads}"
        if not row.told and row.happens.__name__ == "happens" and not self.has_new_manifest(row):
            assert self.texts() == texts, "the unit files are not as they were"
        if row.undo:
            row.undo(self.lab, app)
            self.lab.run("podreeve", "reconcile", check=False)
            self.lab.wait_until(self.is_well, 40, "all is well again after what was told is undone")
        return took

    @staticmethod
    def has_new_manifest(row):
        return "manifest" in row.what

    def texts(self):
        """All that is installed: one text, without generations."""
        return self.lab.run("sh", "-c", f"cd {OURS} 2>/dev/null && find . -type f | sort | xargs grep -v '^Generation='").stdout


def work_through(lab, rows):
    """All rows; what is wrong with each comes at the end, all at once."""
    village, wrong, times = Village(lab, rows), [], []
    for app, row in village.rows:
        try:
            times.append(village.work(app, row))
        except AssertionError as failure:
            wrong.append(f"{app}, {row.what}: {failure}\n    {lab.app(app)}\n    {units.states(lab, services_in(app, row.files))}")
            print(wrong[-1], flush=True)
            village.give_up(app, row)
    assert not wrong, f"{len(wrong)} of {len(rows)} rows:\n" + "\n".join(wrong)
    return f"{len(rows)} disturbances, mended or told within {max(times):.1f} s each, {sorted(times)[len(times) // 2]:.1f} s at the median"


def case_disturbed_unit_files(lab):
    """Deleted, edited, swapped, of another version: put back or told, one daemon-reload at the most, nothing else restarted."""
    return work_through(lab, FILES)


def case_disturbed_units(lab):
    """Stopped, killed, masked, what they made removed: running again or told, and nothing else restarted."""
    return work_through(lab, UNITS)


# Single stories


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
    """One that still has the unit's label when the unit is removed, and somebody else's with none stays."""
    units.fresh(lab)
    lab.put_manifest("t-web.container", units.container())
    up(lab, "t-web")
    lab.podman("run", "-d", "--name", "lingerer", "--label", "PODMAN_SYSTEMD_UNIT=t-web.service", "busybox", "sleep", "1000000")
    lab.podman("run", "-d", "--name", "foreign", "busybox", "sleep", "1000000")
    lab.remove_manifest("t-web.container")
    lab.wait_until(lambda: set(lab.containers()) == {"foreign"}, 40, "only the foreign container is left")


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
    lab.put_manifest("t-bad.container", job.replace("NAME", "bad").replace("CODE", "3"))
    up(lab, "t-good")
    said, _ = lab.wait_until(lambda: lab.condition("t-bad", "t-bad.service"), 30, "the failed job is told")
    for _ in range(5):
        lab.run("podreeve", "reconcile", check=False)
    assert units.read(lab, "/home/app/t-jobs/good").split() == ["ran"]
    tries = len(units.read(lab, "/home/app/t-jobs/bad").split())
    assert tries <= 12, f"{tries} tries: nothing backs off"
    return said[:120]


def starts(lab, journal):
    """The order in which systemd has started units and podman containers: names."""
    return [line.split()[1].rstrip(".").removesuffix(".service") for line in journal.lines("-t", "systemd") if line.startswith("Started t-")]


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
    """20 s of ExecStartPre: another app's container and another companion are up meanwhile."""
    units.fresh(lab)
    lab.put_manifest("t-slow.container", units.container(service="ExecStartPre=/bin/sleep 20"))
    lab.wait_until(lambda: units.states(lab, ["t-slow.service"])["t-slow.service"].active == "activating", 30, "it is starting")
    began = time.monotonic()
    lab.put_manifest("beat.yaml", manifests.single())
    lab.put_manifest("t-fast.container", units.container())
    lab.wait_until(lambda: lab.is_up("beat"), 10, "beat is up")
    beat = time.monotonic() - began
    lab.wait_until(lambda: lab.is_up("t-fast"), 15, "t-fast is up")
    assert units.states(lab, ["t-slow.service"])["t-slow.service"].active == "activating"
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
