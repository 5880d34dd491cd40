"""The package is installed over another, with apps up: agents change, and what they keep does not."""

import contextlib
import glob
import os

from lib import manifests
from lib.lab import LAB, REVISIONS, ROOT, STATE, CommandFailed, execute, long

# The state of the source whose packages and stores are out there.
EARLIER = "91f9774"
EARLIER_SCHEMA = 2  # the newest that it knows
EXAMPLES = os.path.join(ROOT, "manifests/examples")


def example_apps():
    return {name[:-len(".yaml")] for name in os.listdir(EXAMPLES) if name.endswith(".yaml")}


def examples_are_up(lab):
    """All examples run, and nothing is left to do; (ids, processes)."""
    for name in example_apps():
        with open(os.path.join(EXAMPLES, name + ".yaml"), encoding="utf-8") as file:
            lab.put_manifest(name + ".yaml", file.read())
    lab.wait_until(lambda: set(lab.apps()) == example_apps() and lab.is_up(), 90, "all examples are up")
    lab.settle()
    return running(lab)


def running(lab):
    """{container: (id, pid of its process)}"""
    return {name: (item["Id"], item["Pid"]) for name, item in lab.containers().items()}


def another_agent(lab, old):
    lab.wait_until(lambda: lab.agent_pid() not in (0, old) and lab.is_up(), 40, "another agent keeps the apps")
    lab.settle()


@contextlib.contextmanager
def another_user(lab, name):
    """A user with a manager of its own and no agent in it; his or her uid."""
    lab.root("sh", "-c", f"useradd -m {name} && touch /var/lib/systemd/linger/{name} && systemctl start user@$(id -u {name})")
    uid = lab.root("id", "-u", name).stdout.strip()
    try:
        yield uid
    finally:
        lab.root("sh", "-c", f"systemctl stop user@{uid}; rm /var/lib/systemd/linger/{name}; userdel -r {name}", check=False)


def state_of_agent(lab, name, uid):
    return lab.root("runuser", "-u", name, "--", "env", f"XDG_RUNTIME_DIR=/run/user/{uid}", "systemctl", "--user", "is-active",
                    "podreeve", check=False).stdout.strip()


def case_agents_that_run_are_restarted_and_no_others(lab):
    """A user's agent; those of root and of a user who has none running are not started."""
    before = examples_are_up(lab)
    old = lab.agent_pid()
    with another_user(lab, "idle") as uid:
        lab.root("dpkg", "-i", "/tmp/podreeve.deb")
        another_agent(lab, old)
        assert running(lab) == before
        assert state_of_agent(lab, "idle", uid) == "inactive"
    assert lab.root("systemctl", "is-active", "podreeve", check=False).stdout.strip() == "inactive"


def case_a_policy_against_restarts_is_kept(lab):
    """policy-rc.d says no: the agent that runs goes on."""
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    lab.settle()
    old = lab.agent_pid()
    lab.root("sh", "-c", "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d")
    try:
        lab.root("dpkg", "-i", "/tmp/podreeve.deb")
        assert lab.agent_pid() == old
    finally:
        lab.root("rm", "/usr/sbin/policy-rc.d")


def case_a_package_that_goes_leaves_the_apps_up(lab):
    """apt-get purge: agents stop, containers run on; installed again, all is adopted."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    before = running(lab)
    lab.root("mkdir", "-p", "/var/lib/podreeve/accepted")
    try:
        lab.root("apt-get", "purge", "-y", "podreeve")
        assert running(lab) == before
        assert not lab.root("pgrep", "-x", "podreeved", check=False).stdout
        assert not os.path.exists(lab.path("/var/lib/podreeve"))
    finally:
        lab.install()
    lab.systemctl("daemon-reload")
    lab.start_agent()
    lab.wait_until(lambda: lab.is_up("shop"), 30, "shop is up")
    lab.settle()
    assert running(lab) == before


def case_a_newer_store_is_refused_with_all_apps_up(lab):
    """What a later podreeve wrote: the agent says so and starts nothing, and goes on once that one is back."""
    before = examples_are_up(lab)
    lab.stop_agent()
    schema = schema_of_state(lab)
    lab.run("sqlite3", f"{STATE}/state.db", "PRAGMA user_version = 9000")
    lab.run("systemctl", "--user", "start", "podreeve", check=False)
    told, _ = lab.wait_until(lambda: [line for line in journal(lab) if "written by a newer podreeve (schema 9000" in line], 30,
                             "the agent says why it does not start")
    assert "install that one again or move the file away" in told[-1], "it says what to do"
    lab.stop_agent()
    assert running(lab) == before
    assert not glob.glob(lab.path(f"{STATE}/*corrupt*")), "it is no damage"
    lab.run("sqlite3", f"{STATE}/state.db", f"PRAGMA user_version = {schema}")
    lab.start_agent()
    lab.wait_until(lab.is_up, 30, "all examples are up")
    lab.settle()
    assert running(lab) == before
    return told[-1][:120]


def schema_of_state(lab):
    return int(lab.run("sqlite3", f"{STATE}/state.db", "PRAGMA user_version").stdout)


def journal(lab):
    return lab.root("journalctl", "--no-pager", "-o", "cat", "-n", "200", "_SYSTEMD_USER_UNIT=podreeve.service").stdout.splitlines()


def earlier_package(lab):
    found = glob.glob(os.path.join(ROOT, f"build/at-{EARLIER}/dist/podreeve_*~{REVISIONS[lab.release]}_*.deb"))
    if len(found) != 1:
        raise CommandFailed(f"there is not one .deb of {EARLIER}: ./dev package {lab.release} {EARLIER}")
    execute(LAB, "put", lab.name, found[0], "/tmp/earlier.deb")


def earlier_agent_goes_on_or_says_why_not(lab):
    """Where it knows the schema it keeps the apps; otherwise it touches nothing, and says what it knows and what to do."""
    schema = schema_of_state(lab)
    if schema <= EARLIER_SCHEMA:
        lab.wait_until(lambda: lab.agent_pid() and lab.is_up(*example_apps()), 40, "the earlier agent keeps the apps")
        lab.settle()
        return f"goes on with schema {schema}"
    refusal = f"written by a newer podreeve (schema {schema}, this one knows up to {EARLIER_SCHEMA}); install that one again"
    lab.wait_until(lambda: any(refusal in line for line in journal(lab)), 30, "the earlier agent says why it does not start")
    return f"refuses schema {schema}"


@long
def case_an_earlier_release_is_upgraded_and_put_back(lab):
    """All examples up by the earlier package: this one changes nothing of them, and neither does the way back."""
    if lab.release != "trixie":
        return "the earlier package is made for trixie alone"
    earlier_package(lab)
    lab.stop_agent()
    lab.root("dpkg", "-i", "/tmp/earlier.deb")
    try:
        lab.systemctl("daemon-reload")
        lab.reset()
        before = examples_are_up(lab)
        old = lab.agent_pid()
        lab.root("dpkg", "-i", "/tmp/podreeve.deb")
        another_agent(lab, old)
        assert running(lab) == before
        assert lab.diff()["converged"]
        lab.root("dpkg", "-i", "--force-downgrade", "/tmp/earlier.deb")
        lab.systemctl("daemon-reload")
        lab.systemctl("restart", "podreeve", check=False)
        told = earlier_agent_goes_on_or_says_why_not(lab)
        assert running(lab) == before
    finally:
        lab.root("dpkg", "-i", "/tmp/podreeve.deb")
        lab.systemctl("daemon-reload")
    lab.systemctl("restart", "podreeve")
    lab.wait_until(lambda: lab.is_up(*example_apps()), 40, "this agent keeps the apps again")
    lab.settle()
    assert running(lab) == before
    return f"the earlier agent {told}"
