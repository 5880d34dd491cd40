"""podman away, hanging, cut off or failing: unknown is not absent, and work resumes by itself."""

from lib import manifests, podman_outage
from lib.lab import STATE


def survives(lab, outage, word="Unknown"):
    """Both apps turn unknown and come back by themselves, the same containers as before; the agent never exits."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    lab.settle()
    before, agent = lab.ids(), lab.agent_pid()
    with outage:
        lab.run("podreeve", "reconcile", check=False)
        lab.wait_until(lambda: all(app["state"] == word for app in lab.apps().values()), 90, "the apps are unknown")
        lab.put_manifest("new.yaml", manifests.pod("new"))
        assert lab.agent_pid() == agent
    _, took = lab.wait_until(lambda: lab.is_up("shop", "beat", "new"), 90, "all apps are up again")
    lab.settle()
    after = lab.ids()
    assert {name: after.get(name) for name in before} == before, "something was made anew"
    assert lab.agent_pid() == agent
    return f"up again {took:.1f} s after podman was back"


def case_no_socket(lab):
    """podman's socket is not there."""
    return survives(lab, podman_outage.absent(lab))


def case_a_socket_that_refuses(lab):
    """Nobody listens."""
    return survives(lab, podman_outage.refusing(lab))


def case_a_socket_that_hangs(lab):
    """Requests are read and never answered."""
    return survives(lab, podman_outage.answering(lab, podman_outage.hang))


def case_replies_that_are_cut(lab):
    """The connection ends in the middle of a list."""
    return survives(lab, podman_outage.answering(lab, podman_outage.cut))


def case_a_server_that_fails(lab):
    """Everything is answered by 500."""
    return survives(lab, podman_outage.answering(lab, podman_outage.fail))


def case_a_state_on_a_file_system_that_is_read_only(lab):
    """Started on it, the agent says so, keeps up what runs and takes no request; it needs no restart when that is over."""
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 60, "the app is up")
    lab.settle()
    lab.stop_agent()
    lab.root("mount", "--bind", STATE, STATE)
    try:
        lab.root("mount", "-o", "remount,bind,ro", STATE)
        lab.start_agent()
        agent = lab.agent_pid()
        lab.wait_until(lambda: lab.is_up("beat"), 30, "the app is told as up")
        assert "Read-only file system" in lab.run("podreeve", "status").stdout
        before = lab.ids()["beat"]
        lab.root("kill", "-9", str(lab.containers()["beat"]["Pid"]))
        lab.wait_until(lambda: lab.apps()["beat"]["restarts"] == 1 and lab.is_up("beat"), 30, "it is up again")
        refused = lab.run("podreeve", "stop", "beat", check=False)
        assert refused.returncode == 1 and "Read-only file system" in refused.stderr, refused.stderr
        lab.root("mount", "-o", "remount,bind,rw", STATE)
        lab.wait_until(lambda: "Read-only" not in lab.run("podreeve", "status").stdout, 30, "the condition is over")
        lab.run("podreeve", "stop", "beat")
        assert lab.agent_pid() == agent and lab.ids()["beat"] == before
    finally:
        lab.stop_agent()
        lab.root("umount", "-l", STATE)


def case_podman_killed_in_the_middle(lab):
    """podman's service is killed again and again while apps are deployed."""
    for number in range(6):
        lab.put_manifest(f"p{number}.yaml", manifests.pod(f"p{number}"))
        lab.systemctl("kill", "-s", "KILL", "podman.service", check=False)
    lab.wait_until(lambda: len(lab.apps()) == 6 and lab.is_up(), 120, "all apps are up")
    lab.settle()
    assert len([name for name in lab.ids() if name.endswith("-main")]) == 6


def case_a_podman_that_cannot_start_is_told_in_its_own_words(lab):
    """podman.service fails at each start, until its socket has failed, too: status says why, and all is kept once it can."""
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 60, "beat is up")
    before = lab.ids()
    drop_in = "/home/app/.config/systemd/user/podman.service.d/broken.conf"
    lab.write(drop_in, "[Service]\nType=simple\nExecStart=\n"
                       "ExecStart=/bin/sh -c 'echo Error: database is locked >&2; exit 125'\n")
    lab.systemctl("daemon-reload")
    lab.systemctl("stop", "podman.service")
    lab.wait_until(lambda: "Error: database is locked" in lab.run("podreeve", "status").stdout, 60, "podman's words are told")
    lab.run("rm", drop_in)
    lab.systemctl("daemon-reload")
    lab.wait_until(lambda: lab.is_up("beat"), 60, "podman is reached again")
    assert lab.ids() == before
