"""Quadlet companions, disturbed in all ways there are, against a real systemd and the real generator (podman 4.4 or newer)."""

import collections
import time

from lib import units
from lib.lab import MANIFESTS
from lib.units import OURS, Journal, installed

# Disturbances. Each row has an app of its own, called u01, u02, …; all stand side by side, and the rows are worked through one by
# one: nothing but what the row names may be restarted, of all that runs.

Row = collections.namedtuple("Row", "what happens restarted told reloads files undo",
                             defaults=((), "", 0, None, None))


def one_container(app):
    return {f"{app}.container": units.container()}


def with_drop_in(app):
    return {f"{app}.container": units.container(), f"{app}.container.d/10-here.conf": "[Container]\nHostName=here\n"}


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
    """Runs a script of 'app', in which @ is the app's name, @@a an instance of its template, and F its unit file."""
    def happens(lab, app):
        named = script.replace("F", file_of(app)).replace("@@", f"{app}\0").replace("@", app).replace("\0", "@")
        lab.run("sh", "-c", named, check=False)
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
    journal = Journal(lab)
    for _ in range(4):
        lab.systemctl("restart", app, check=False)
    # The journal, since podreeve may have mended it by the time that its state could be asked for.
    assert any("start-limit-hit" in line for line in journal.lines())


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
    Row("a drop-in of somebody's comes", foreign_drop_in, told="50-mine.conf", reloads=1, undo=shell("rm -r F.d")),
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
                self.rests() and self.has_no_plan())

    def rests(self):
        apps = self.lab.apps()
        return not any(apps[app].get("change") for app in self.apps)

    def has_no_plan(self):
        diff = self.lab.diff()
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
