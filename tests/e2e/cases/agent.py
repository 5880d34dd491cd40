"""The agent as a service: starts, stops, is told to look, and tells how it is."""

import re

from lib import manifests
from lib.lab import SOCKET


def two_apps(lab):
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    lab.settle()
    return lab.ids()


def pids(lab):
    return {name: item["Pid"] for name, item in lab.containers().items()}


def case_stopped_and_started_again_it_adopts_its_apps(lab):
    """SIGTERM leaves the apps up; the next start finds them and changes nothing."""
    before, processes = two_apps(lab), pids(lab)
    lab.stop_agent()
    assert lab.systemctl("show", "-P", "Result", "podreeve") == "success"
    assert pids(lab) == processes
    lab.start_agent()
    lab.settle()
    # A container without a probe that podman started "this second" is taken to be up a second later.
    lab.wait_until(lambda: lab.is_up("shop", "beat"), 30, "both apps are told as up")
    assert lab.ids() == before and pids(lab) == processes


def case_killed_it_is_restarted_by_systemd_and_adopts_its_apps(lab):
    """kill -9 of the agent costs the apps nothing."""
    before, processes = two_apps(lab), pids(lab)
    old = lab.agent_pid()
    lab.root("kill", "-9", str(old))
    lab.wait_until(lambda: lab.agent_pid() not in (0, old) and lab.is_up("shop", "beat"), 30, "the agent is back")
    lab.settle()
    assert lab.ids() == before and pids(lab) == processes


def case_what_changed_while_it_was_down_is_caught_up_with(lab):
    """A new, an edited and a deleted manifest, and a removed container."""
    two_apps(lab)
    lab.stop_agent()
    lab.put_manifest("shop.yaml", manifests.shop(color="blue"))
    lab.put_manifest("new.yaml", manifests.pod("new"))
    lab.remove_manifest("beat.yaml")
    lab.podman("rm", "-f", "-t", "0", "shop-db-db")
    lab.start_agent()
    lab.wait_until(lambda: set(lab.apps()) == {"shop", "new"} and lab.is_up(), 60, "all of it is done")
    lab.settle()
    assert "COLOR=blue" in lab.podman("exec", "shop-web-side", "env")
    assert not lab.containers("label=io.podreeve.app=beat")


def case_the_service_tells_how_it_is(lab):
    """Type=notify with a watchdog, and a STATUS line with the apps that are up."""
    two_apps(lab)
    shown = dict(line.split("=", 1) for line in lab.systemctl(
        "show", "-p", "Type,WatchdogUSec,StatusText,SubState,NRestarts", "podreeve").splitlines())
    assert shown["Type"] == "notify" and shown["SubState"] == "running" and shown["NRestarts"] == "0", shown
    assert shown["WatchdogUSec"] == "30s", shown
    lab.wait_until(lambda: re.search(r"\b2\b.*\b2\b", lab.systemctl("show", "-P", "StatusText", "podreeve")), 10,
                   "the STATUS line says 2 of 2 apps")
    return lab.systemctl("show", "-P", "StatusText", "podreeve")


def case_sighup_makes_a_pass_and_keeps_the_process(lab):
    """systemctl reload: a pass at once, same process."""
    two_apps(lab)
    process, passes = lab.agent_pid(), lab.podreeve("status")["agent"]["passes"]
    lab.systemctl("reload", "podreeve")
    lab.wait_until(lambda: lab.status()["agent"]["passes"] > passes, 10, "a pass was made")
    assert lab.agent_pid() == process


def case_its_socket_is_for_its_user_alone(lab):
    """Mode 0600, and another user is refused by uid too."""
    assert lab.run("stat", "-c", "%a %U", SOCKET).stdout.split() == ["600", "app"]
    reply = lab.run("curl", "-s", "--unix-socket", SOCKET, "http://podreeve/v1/apps").stdout
    assert '"apps"' in reply, reply
    stranger = lab.root("setpriv", "--reuid=2000", "--regid=2000", "--clear-groups", "curl", "-s", "--unix-socket",
                        SOCKET, "http://podreeve/v1/apps", check=False)
    assert '"apps"' not in stranger.stdout, stranger.stdout


def case_the_http_interface_answers(lab):
    """Every resource that is promised, and a clear 404."""
    two_apps(lab)

    def get(path, *options):
        return lab.run("curl", "-s", "-w", " %{http_code}", *options, "--unix-socket", SOCKET,
                       f"http://podreeve{path}").stdout

    for path in ("/v1/apps", "/v1/apps/shop", "/v1/changes", "/v1/changes/1"):
        assert get(path).endswith(" 200"), (path, get(path))
    assert get("/v1/apps/nobody").endswith(" 404")
    assert get("/v1/reconcile", "-X", "POST")[-3] == "2"
    assert "shop" in lab.run("podreeve", "events").stdout


def case_once_converges_and_exits(lab):
    """podreeved --once: apps are up when it has ended, and it ended with 0."""
    lab.stop_agent()
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.run("podreeved", "--once", timeout=120)
    assert lab.running(*manifests.SHOP_CONTAINERS)
    before = lab.ids()
    lab.run("podreeved", "--once", timeout=120)
    assert lab.ids() == before


def case_check_needs_no_agent(lab):
    """podreeve check: 0 for a good file, 1 with file:line:column for a bad one."""
    lab.stop_agent()
    lab.write("/home/app/good.yaml", manifests.shop())
    lab.write("/home/app/bad.yaml", manifests.shop().replace("hostPort", "hostPrt"))
    assert lab.run("podreeve", "check", "good.yaml").returncode == 0
    bad = lab.run("podreeve", "check", "bad.yaml", check=False)
    line = next(at for at, text in enumerate(manifests.shop().split("\n"), 1) if "hostPort" in text)
    assert bad.returncode == 1 and re.search(rf"bad\.yaml:{line}:\d+:.*hostPrt.*hostPort", bad.stdout + bad.stderr), bad
    gone = lab.run("podreeve", "status", check=False)
    assert gone.returncode == 1 and "podreeve" in gone.stderr, gone


def case_two_agents_do_not_fight(lab):
    """A second agent of the same user refuses to start, and says why."""
    second = lab.run("podreeved", check=False, timeout=30)
    assert second.returncode not in (0, 124) and second.stderr, second
    assert lab.systemctl("is-active", "podreeve") == "active"
