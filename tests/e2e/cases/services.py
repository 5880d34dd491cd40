"""Services: order up and down, for life; requests; the way down of the host; one app as a unit of systemd."""

import json
import re
import time

from lib import manifests
from lib.lab import CommandFailed, measures

CHAIN = ("db", "api", "web")


def dependent(name, on=None, is_="healthy", policy="stay"):
    extra = "stop_grace_secs: 3\n"
    if on:
        extra += f"depends_on: [{{app: {on}, is: {is_}, policy: {policy}}}]\n"
    return manifests.single(name, extra=extra)


def three_apps(lab):
    """db, api that needs it, web that needs api: up, and nothing left to do."""
    lab.put_manifest("web.yaml", dependent("web", "api"))
    lab.put_manifest("api.yaml", dependent("api", "db"))
    lab.put_manifest("db.yaml", dependent("db"))
    lab.wait_until(lambda: lab.is_up(*CHAIN), 60, "all three are up")
    lab.settle()


def time_of(event):
    """When it was, in a form that sorts: podman 4 writes text, whose fraction has no zeros at the end."""
    if "timeNano" in event:
        return event["timeNano"]
    second, fraction = re.match(r"([^.Z+]*)\.?(\d*)", event["Time"]).groups()
    return second + fraction.ljust(9, "0")


def events(lab, since):
    """[("start", "db"), …]: what podman tells of containers, in the order of its times."""
    lab.root("journalctl", "--sync")  # podman's events are in it
    lines = lab.podman("events", "--stream=false", "--since", str(since), "--format", "json").splitlines()
    told = sorted((json.loads(line) for line in lines if line), key=time_of)
    return [(event["Status"], event.get("Name")) for event in told if event["Type"] == "container"]


def lives(lab, since):
    """["start db", "died web", …] of the chain by podman's own events, in the order of their times."""
    return [f"{status} {name}" for status, name in events(lab, since) if status in ("start", "died") and name in CHAIN]


def reboot(lab):
    """Reboots a host whose agent starts with it."""
    lab.systemctl("enable", "podreeve")
    try:
        lab.reboot()
    finally:
        lab.systemctl("disable", "podreeve", check=False)


def now(lab):
    return int(lab.run("date", "+%s").stdout)


UP = ["start db", "start api", "start web"]
DOWN = ["died web", "died api", "died db"]


def case_comes_up_in_order_from_cold(lab):
    """Written in the wrong order, started in the right one."""
    began = now(lab)
    three_apps(lab)
    assert lives(lab, began) == UP, lives(lab, began)


def case_a_removed_provider_comes_back_and_its_dependents_stay(lab):
    """podman rm -f of db: db alone is made anew."""
    three_apps(lab)
    time.sleep(1.1)  # podman takes --since by the second
    began = now(lab)
    lab.podman("rm", "-f", "-t", "0", "db")
    lab.wait_until(lambda: lab.is_up(*CHAIN), 30, "db is back")
    lab.settle()
    seen = [life for life in lives(lab, began) if life != "died db"]
    assert seen == ["start db"], seen


def case_stops_in_reverse_and_comes_back_in_order(lab):
    """podreeve stop db takes web and api along, first; start brings all back."""
    three_apps(lab)
    time.sleep(1.1)
    began = now(lab)
    said = lab.podreeve("stop", "db", "--wait", "--timeout", "60")
    assert said["order"] == [["web"], ["api"], ["db"]] and said["at_most_secs"] == 3 * (3 + 15), said
    assert lives(lab, began) == DOWN, lives(lab, began)
    lab.stop_agent()
    lab.start_agent()
    lab.settle()
    assert not lab.containers("status=running")
    time.sleep(1.1)
    began = now(lab)
    lab.podreeve("start", "db", "--wait", "--timeout", "60")
    lab.wait_until(lambda: lab.is_up(*CHAIN), 30, "all are back")
    assert lives(lab, began) == UP, lives(lab, began)


def case_a_stop_survives_a_reboot(lab):
    """What a person stopped stays down; the rest comes up in order."""
    three_apps(lab)
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    lab.podreeve("stop", "beat", "--wait", "--timeout", "60")
    time.sleep(1.1)
    began = now(lab)
    reboot(lab)
    lab.wait_until(lambda: lab.is_up(*CHAIN), 60, "the chain is back after the reboot")
    starts = [life for life in lives(lab, began) if life.startswith("start")]
    assert starts[-3:] == UP, starts
    assert lab.app("beat")["state"] == "Finished" and not lab.running("beat")


def case_restart_is_of_one_app(lab):
    """podreeve restart api: the others stay."""
    three_apps(lab)
    time.sleep(1.1)
    began = now(lab)
    lab.podreeve("restart", "api", "--wait", "--timeout", "60")
    assert lives(lab, began) == ["died api", "start api"], lives(lab, began)


def case_a_blocked_app_says_by_whom(lab):
    """A database without an image: web names db, and why walks the chain."""
    lab.put_manifest("web.yaml", dependent("web", "api"))
    lab.put_manifest("api.yaml", dependent("api", "db"))
    lab.put_manifest("db.yaml", manifests.single("db", image="localhost/absent:1"))
    lab.wait_until(lambda: "blocked by db: " in lab.message("web"), 60, "web tells what blocks it")
    chain = lab.podreeve("why", "web")["chain"]
    assert [link["app"] for link in chain] == ["web", "api", "db"], chain
    assert "absent" in chain[2]["reason"] and chain[2]["next"], chain
    text = lab.run("podreeve", "why", "web").stdout
    assert re.search(r"web is Waiting .*\n.*\n.*api is Waiting", text), text
    return chain[2]["reason"].splitlines()[0][:80]


def case_a_condition_holds_a_start_back(lab):
    """A path that is not there yet; the app starts within seconds once it is."""
    lab.put_manifest("beat.yaml", manifests.single(extra="conditions:\n  - path: /home/app/go\n"))
    lab.wait_until(lambda: "waits for path /home/app/go" in lab.message("beat"), 20, "it says what it waits for")
    assert "beat" not in lab.containers()
    lab.run("touch", "/home/app/go")
    lab.wait_until(lambda: lab.is_up("beat"), 30, "it has started")
    lab.run("rm", "/home/app/go")


PRE_STOP = """\
apiVersion: v1
kind: Pod
metadata: {name: neat}
spec:
  terminationGracePeriodSeconds: 10
  containers:
    - name: main
      image: localhost/busybox:latest
      command: [sh, -c, "WAIT"]
      lifecycle:
        preStop: {exec: {command: [sh, -c, "echo neatly > /out/said"]}}
      volumeMounts: [{name: out, mountPath: /out}]
  volumes:
    - name: out
      hostPath: {path: /home/app/out, type: DirectoryOrCreate}
""".replace("WAIT", manifests.WAIT)


def case_a_pre_stop_hook_runs_before_the_end(lab):
    """lifecycle.preStop.exec, and not at other times."""
    lab.run("rm", "-rf", "/home/app/out")
    lab.put_manifest("neat.yaml", PRE_STOP)
    lab.wait_until(lambda: lab.is_up("neat"), 30, "neat is up")
    lab.settle()
    assert lab.run("ls", "/home/app/out").stdout == ""
    lab.podreeve("stop", "neat", "--wait", "--timeout", "60")
    assert lab.run("cat", "/home/app/out/said").stdout == "neatly\n"


def mend(lab, names):
    """Milliseconds from kill -9 to running again, killed one after the other: the smallest median of three rounds, since what else
    the machine does only adds."""
    medians = []
    for _ in range(3):
        took = []
        time.sleep(11)  # a good run, so that nothing backs off
        for name in names:
            began = time.time()
            lab.kill_process(name)
            took.append(lab.wait_restarted(name, began) * 1000)
        medians.append(sorted(took)[len(took) // 2])
    return min(medians)


@measures
def case_crash_loops_do_not_slow_a_healthy_app(lab):
    """50 containers that keep ending beside some that are killed: their repair is at most 1.5 times slower."""
    good = [f"good{number}" for number in range(5)]
    for name in good:
        lab.put_manifest(f"{name}.yaml", manifests.single(name))
    lab.wait_until(lambda: lab.is_up(*good), 60, "the good ones are up")
    alone = mend(lab, good)
    crash = manifests.single("NAME").replace(manifests.WAIT, "exit 3")
    for number in range(50):
        lab.put_manifest(f"crash{number}.yaml", crash.replace("NAME", f"crash{number}"))
    lab.wait_until(lambda: sum(app["state"] == "CrashLoop" for app in lab.apps().values()) >= 45, 180, "they are in crash loops")
    beside = mend(lab, good)
    assert beside <= alone * 1.5, (alone, beside)
    return f"{alone:.0f} ms alone, {beside:.0f} ms beside 50 crash loops"


def case_a_reboot_stops_apps_in_order(lab):
    """The host goes down: web, api, db, and the service container of an app with pods last of it."""
    three_apps(lab)
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up(*CHAIN, "shop"), 60, "all are up")
    lab.settle()
    time.sleep(1.1)
    began = now(lab)
    reboot(lab)
    lab.wait_until(lambda: lab.is_up(*CHAIN, "shop"), 60, "all are back")
    ends = [life for life in lives(lab, began) if life.startswith("died")]
    assert ends == DOWN, ends
    service = lab.service_of("shop")
    shop = [name for name in deaths(lab, began) if name.startswith("shop-") or name == service]
    assert set(shop[:-1]) == set(manifests.SHOP_CONTAINERS) and shop[-1] == service, shop


def deaths(lab, since):
    """The containers that have died, in podman's own order."""
    return [name for status, name in events(lab, since) if status == "died" and name]


def pod_that_needs(name, on=None):
    text = manifests.pod(name)
    return text.replace(f"{{name: {name}}}", f"{{name: {name}, annotations: {{podreeve.io/depends-on: {on}=healthy}}}}", 1) if on else text


def case_a_poweroff_stops_dependent_apps_in_reverse_and_service_containers_last(lab):
    """systemctl poweroff, as podman's events and the agent's journal tell it."""
    lab.put_manifest("web.yaml", pod_that_needs("web", "api"))
    lab.put_manifest("api.yaml", pod_that_needs("api", "db"))
    lab.put_manifest("db.yaml", pod_that_needs("db"))
    lab.wait_until(lambda: lab.is_up(*CHAIN), 60, "all three are up")
    lab.settle()
    time.sleep(1.1)
    began = now(lab)
    lab.systemctl("enable", "podreeve")
    try:
        lab.power_cycle()
    finally:
        lab.systemctl("disable", "podreeve", check=False)
    lab.wait_until(lambda: lab.is_up(*CHAIN), 60, "all are back")
    ends = [name for name in deaths(lab, began) if name.endswith(("-main", "-service"))]
    assert ends == [name for app in ("web", "api", "db") for name in (f"{app}-main", lab.service_of(app))], ends
    told = "\n".join(lab.journal_before_boot("podreeve.service"))
    said = re.findall(r"(\w+): Waiting the host goes down", told)
    assert said == ["web", "api", "db"] and "DeployFailed" not in told, told


QUADLET = "/home/app/.config/containers/systemd"


def case_service_containers_of_others_are_left_alone(lab):
    """What podman kube play --service-container and Quadlet made is systemd's and people's: neither mended nor removed."""
    quadlet = lab.podman_version() >= (4, 4)
    # podman 4.3 looks for nothing in an image that names no PATH
    lab.write("/home/app/played.yaml", manifests.pod("played").replace("[sh,", "[/bin/sh,"))
    lab.podman("kube", "play", "--service-container=true", "/home/app/played.yaml")
    if quadlet:
        lab.write("/home/app/quad.yaml", manifests.pod("quad"))
        lab.write(f"{QUADLET}/quad.kube", "[Kube]\nYaml=/home/app/quad.yaml\n")
        lab.systemctl("daemon-reload")
        lab.systemctl("start", "quad.service")
    theirs = lab.ids()
    services = [name for name in theirs if name.endswith("-service")]
    assert len(services) == 1 + quadlet and len(theirs) == 2 * len(services), theirs
    lab.put_manifest("ours.yaml", manifests.pod("ours"))
    lab.wait_until(lambda: lab.is_up("ours"), 30, "ours is up")
    lab.settle()
    assert {name: lab.ids()[name] for name in theirs} == theirs
    assert set(lab.apps()) == {"ours"}, lab.apps()
    lab.podman("stop", "-t", "0", "played-main")
    if quadlet:
        lab.systemctl("stop", "quad.service")
    lab.podreeve("reconcile")
    lab.remove_manifest("ours.yaml")
    lab.wait_until(lambda: not lab.apps(), 30, "ours is gone")
    lab.settle()
    left = lab.containers()
    assert left["played-main"]["State"] == "exited" and "quad-main" not in left, left
    assert all(left[name]["Id"] == theirs[name] for name in theirs if "played" in name or name in left), left
    lab.podman("kube", "down", "/home/app/played.yaml")
    lab.run("rm", "-rf", QUADLET)
    lab.systemctl("daemon-reload")
    return ", ".join(services) + ("" if quadlet else "; this podman has no Quadlet")


FIRST_COMMAND = "wget -q -O- http://db:8080/ready >>/said/web 2>&1 || echo too early >>/said/web; " + manifests.WAIT

FIRST_REQUEST = """\
app:
  id: web
  name: web
  version: "1"
  stop_grace_secs: 0
  depends_on: [{app: db, is: healthy}]
  volumes: [{type: bind, source: /home/app/said, target: /said}]
  container:
    image: localhost/busybox:latest
    entrypoint: [sh, -c]
    command: ["COMMAND"]
"""

SLOW_DB = """\
app:
  id: db
  name: db
  version: "1"
  stop_grace_secs: 0
  container:
    image: localhost/busybox:latest
    entrypoint: [sh, -c]
    command: ["rm -rf /www; mkdir /www; httpd -p 8080 -h /www; sleep 3; echo ready >/www/ready; WAIT"]
  health:
    readiness: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1}
""".replace("WAIT", manifests.WAIT)


def case_nobody_asks_a_provider_that_is_not_ready(lab):
    """web needs db healthy, and db listens three seconds before it can answer: web's first request is always answered."""
    lab.run("sh", "-c", "rm -rf said; mkdir said")
    said = lambda: lab.run("cat", "/home/app/said/web", check=False).stdout.split("\n")[:-1]  # noqa: E731
    lab.put_manifest("web.yaml", FIRST_REQUEST.replace("COMMAND", FIRST_COMMAND))
    lab.put_manifest("db.yaml", SLOW_DB)
    lab.wait_until(lambda: said() == ["ready"], 60, "web has asked once")
    lab.settle()
    for name in ("db", "web"):  # web first could be started again beside a db that is about to die
        lab.podman("rm", "-f", "-t", "0", name)
    lab.wait_until(lambda: len(said()) == 2, 60, "web has asked again")
    lab.settle()
    reboot(lab)
    lab.wait_until(lambda: len(said()) == 3, 60, "web has asked after the reboot")
    assert said() == ["ready"] * 3, said()


LAST_REQUEST = FIRST_REQUEST.replace("stop_grace_secs: 0", "stop_grace_secs: 8").replace("COMMAND", (
    'trap \\"wget -q -O- http://db:8080/ready >>/said/web 2>&1 || echo too late >>/said/web; exit 0\\" TERM; '
    "sleep 1000000 & wait"))


def case_what_goes_down_with_the_host_can_still_ask_what_it_needs(lab):
    """web's last request, when it is told to end, is answered by db, which it finds by its name."""
    lab.run("sh", "-c", "rm -rf said; mkdir said")
    lab.put_manifest("web.yaml", LAST_REQUEST)
    lab.put_manifest("db.yaml", SLOW_DB)
    for times in (1, 2):
        lab.wait_until(lambda: lab.is_up("web", "db"), 60, "both are up")
        lab.settle()
        reboot(lab)
        said = lab.run("cat", "/home/app/said/web", check=False).stdout
        assert said == "ready\n" * times, said


def case_a_restart_of_the_agent_leaves_apps(lab):
    """systemctl restart podreeve is not the way down."""
    three_apps(lab)
    time.sleep(1.1)
    began = now(lab)
    lab.systemctl("restart", "podreeve")
    lab.settle()
    assert lives(lab, began) == [], lives(lab, began)


def unit_of(lab, file):
    return "podreeve-kube@" + lab.run("systemd-escape", file).stdout.strip() + ".service"


def case_one_file_as_a_unit(lab):
    """podreeve-kube@: start returns when it is up, stop when it is down and away; the agent's companions stay as they are."""
    lab.put_manifest("proxy.container", "[Container]\nImage=localhost/busybox:latest\nExec=sleep 1000000\nStopTimeout=1\n")
    lab.wait_until(lambda: lab.is_up("proxy"), 30, "the agent's companion runs")
    proxy = lab.pid_of("systemd-proxy")
    lab.write("/home/app/single.yaml", manifests.pod("solo"))
    unit = unit_of(lab, "/home/app/single.yaml")
    lab.systemctl("start", unit)
    assert lab.running("solo-main")
    names = lab.podman("ps", "-a", "--format", "{{.Names}}").split()
    assert [name.endswith("-service") for name in names].count(True) == 1, names
    assert lab.app("single") is None, "the user's agent leaves it alone"
    lab.kill_process("solo-main")
    lab.wait_until(lambda: lab.running("solo-main"), 20, "it is mended")
    lab.systemctl("stop", unit)
    assert "solo-main" not in lab.containers() and lab.systemctl("show", "-P", "Result", unit) == "success"
    assert lab.pid_of("systemd-proxy") == proxy, "it has touched the agent's companion"


def case_a_failing_app_fails_its_unit(lab):
    """The exit code of the container is that of the unit."""
    text = manifests.pod("solo").replace(manifests.WAIT, "sleep 1; exit 7").replace("spec:\n", "spec:\n  restartPolicy: Never\n", 1)
    lab.write("/home/app/failing.yaml", text)
    unit = unit_of(lab, "/home/app/failing.yaml")
    try:
        lab.systemctl("start", unit)
    except CommandFailed:
        pass
    lab.wait_until(lambda: lab.systemctl("show", "-P", "ActiveState", unit, check=False) == "failed", 30, "the unit has failed")
    assert lab.systemctl("show", "-P", "ExecMainStatus", unit) == "7"
    story = lab.run("journalctl", "--user-unit", unit, "--no-pager", check=False).stdout
    assert "failing" in story, story
