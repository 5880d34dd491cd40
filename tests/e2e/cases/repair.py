"""Whatever breaks is running again, and what did not break is left alone."""

import time

from lib import manifests
from lib.lab import measures

ALL = manifests.SHOP_CONTAINERS


def shop_is_up(lab):
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    return lab.ids()


def repaired(lab, what, same=(), timeout=30):
    """Waits until all of shop runs; those named in same are the very containers they were."""
    _, took = lab.wait_until(lambda: lab.running(*ALL) and lab.is_up("shop"), timeout, what)
    after = lab.ids()
    changed = [name for name, known in dict(same).items() if after.get(name) != known]
    assert not changed, f"{what}: {changed} should not have been made anew"
    lab.settle()
    assert lab.curl("http://localhost:8080/index.html").strip() == "hello"
    return f"running again after {took:.2f} s"


def case_kill_9_of_a_container(lab):
    """The same container is started again."""
    before = shop_is_up(lab)
    lab.kill_process("shop-web-side")
    return repaired(lab, "the killed container runs again", before.items())


@measures
def case_kill_9_is_answered_at_once(lab):
    """By podman's record of the start, not at the next pass."""
    shop_is_up(lab)
    time.sleep(11)  # all have had a run of 10 s, which clears the backoff; the runs are podman's: no clock to turn
    times = []
    for name in ALL:
        since = time.time()
        lab.kill_process(name)
        times.append(lab.wait_restarted(name, since))
    assert sorted(times)[1] < 1, times
    return "seconds: " + ", ".join(f"{took:.2f}" for took in times)


def case_rm_f_of_a_container(lab):
    """Only that container is made anew."""
    before = shop_is_up(lab)
    lab.podman("rm", "-f", "-t", "0", "shop-web-side")
    before.pop("shop-web-side")
    return repaired(lab, "the removed container runs again", before.items())


def case_pod_rm_f(lab):
    """The pod is made anew with all in it; the other pod is left alone, and the volume keeps its data."""
    before = shop_is_up(lab)
    lab.podman("pod", "rm", "-f", "-t", "0", "shop-db")
    kept = {name: before[name] for name in ("shop-web-httpd", "shop-web-side")}
    note = repaired(lab, "the removed pod runs again", kept.items())
    starts = lab.podman("exec", "shop-db-db", "cat", "/data/starts").split()
    assert starts == ["start", "start"], starts
    return note


def case_podman_stop_behind_the_agents_back(lab):
    """A stop that podreeve was not asked for is undone."""
    before = shop_is_up(lab)
    lab.podman("stop", "-t", "1", "shop-web-httpd")
    return repaired(lab, "the stopped container runs again", before.items())


def case_podman_pod_stop_behind_the_agents_back(lab):
    """The whole pod comes back as it was."""
    before = shop_is_up(lab)
    lab.podman("pod", "stop", "-t", "1", "shop-web")
    return repaired(lab, "the stopped pod runs again", before.items())


def case_everything_removed_at_once(lab):
    """All pods and containers of the user are gone: all come back."""
    shop_is_up(lab)
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    before = set(lab.ids().values())

    def all_are_gone():
        # podman 4's pod rm -f gives up when a member ends while it looks
        lab.run("sh", "-c", "podman pod rm -f -t 0 -a; podman rm -f -t 0 -a", check=False)
        return not before & set(lab.ids().values())

    # Held meanwhile: podman takes the locks of all for it, and may lock itself out over what is repaired beside it.
    lab.systemctl("kill", "-s", "STOP", "podreeve")
    try:
        lab.wait_until(all_are_gone, 20, "everything is removed")
    finally:
        lab.systemctl("kill", "-s", "CONT", "podreeve")
    note = repaired(lab, "everything runs again", timeout=60)
    lab.wait_until(lambda: lab.is_up("shop", "beat"), 30, "both are up")
    return note


def case_the_service_container_dies(lab):
    """It is up again, and so is the app."""
    before = shop_is_up(lab)
    service = lab.service_of("shop")
    lab.kill_process(service)
    lab.wait_until(lambda: lab.running(service), 30, "the service container runs again")
    return repaired(lab, "all of shop runs", before.items())


def case_a_container_that_keeps_failing_backs_off_alone(lab):
    """It says so, and the repair of a healthy app is not delayed by it."""
    shop_is_up(lab)
    lab.put_manifest("crash.yaml", manifests.single("crash").replace(manifests.WAIT, "exit 7"))
    lab.wait_until(lambda: lab.condition("crash", "BackingOff"), 30, "crash is backing off")
    before = lab.ids()
    lab.kill_process("shop-web-side")
    return repaired(lab, "the healthy app is repaired", {name: before[name] for name in ALL}.items())


def case_after_a_reboot_everything_runs_again(lab):
    """The user manager starts the agent, the agent its apps; data is kept."""
    shop_is_up(lab)
    lab.systemctl("enable", "podreeve")
    try:
        lab.reboot()
        _, took = lab.wait_until(lambda: lab.running(*ALL) and lab.is_up("shop"), 90, "shop is up after the reboot")
        starts = lab.podman("exec", "shop-db-db", "cat", "/data/starts").split()
        assert len(starts) >= 2, starts
    finally:
        lab.systemctl("disable", "podreeve")
    return f"up {took:.1f} s after the host was"
