"""A careless hand on the host: systemd, mounts, directories below /run, and file systems that answer with errors or not at all.

Rows of their own elsewhere: unit files of companions deleted, edited or masked (companions, companion_troubles); a restart, a kill
and a stop of the agent (agent); reboots and power cycles (repair, services).
"""

from lib.broken_fs import BrokenFs
from lib.lab import MANIFESTS
from lib.mistakes import Mistake, all_of, restarts_after_death, root

MANAGER_BACK = root("systemctl start user@1000")
HELD = ("RemovalHeld",)


SYSTEMD = [
    Mistake("daemon-reexec of the user's manager", "systemctl --user daemon-reexec"),
    Mistake("daemon-reexec of the system's manager", root("systemctl daemon-reexec")),
    Mistake("restart of the user's manager", root("systemctl restart user@1000"), restarted=True),
    Mistake("loginctl terminate-user", root("loginctl terminate-user app; sleep 2"), mend=MANAGER_BACK, restarted=True, blind=True),
    # podman finds processes written down that are no more and does not start until its runtime directories are as after a logout
    Mistake("all processes of the user killed", root("pkill -9 -u app; sleep 2"), restarted=True, blind=True,
            mend=root("systemctl stop user@1000; rm -rf /run/user/1000/libpod /run/user/1000/containers /run/user/1000/crun; "
                      "systemctl start user@1000")),
    Mistake("another host name", root("hostname other; echo other > /etc/hostname")),
    Mistake("a configuration of the agent that is none, and a restart",
            "echo 'interval: [' > ~/.config/podreeve/podreeve.yaml; systemctl --user restart podreeve || true",
            {"": ("podreeve.yaml",)}, "rm ~/.config/podreeve/podreeve.yaml; systemctl --user reset-failed podreeve; "
            "systemctl --user restart podreeve", restarted=True),
]

# A mount over podman's storage is no row: rootless podman stays in the mount namespace of its pause process and does not see it.
DIRECTORIES = [
    Mistake("the agent's runtime directory is deleted", "rm -rf $XDG_RUNTIME_DIR/podreeve || rm -rf $XDG_RUNTIME_DIR/podreeve", mend="systemctl --user restart podreeve",
            restarted=True),
    Mistake("podman's runtime directories are deleted", "cd $XDG_RUNTIME_DIR; rm -rf libpod containers || rm -rf libpod containers"),
]


def on_a_file_system_that_fails(lab, how, words):
    """The manifests lie on it while it works, it fails, and works again: nothing is removed, restarted or hung meanwhile."""
    with BrokenFs(lab, MANIFESTS) as files:
        lab.podreeve("reconcile")
        lab.settle()
        files.behave(how)
        lab.root("sh", "-c", "echo 2 > /proc/sys/vm/drop_caches", check=False)
        lab.run("timeout", "40", "podreeve", "reconcile", check=False)
        restarts_after_death(lab)
        lab.wait_until(lambda: any(word in lab.run("podreeve", "status", "web", check=False).stdout for word in words), 60,
                       f"one of {words} is told")
        files.behave("well")
        lab.wait_until(lambda: not lab.condition("web", "RemovalHeld"), 60, "nothing is held any more")


FILE_SYSTEMS = [
    Mistake("the manifests' answers EIO", lambda lab: on_a_file_system_that_fails(lab, "EIO", HELD)),
    Mistake("the manifests' answers ESTALE", lambda lab: on_a_file_system_that_fails(lab, "ESTALE", HELD)),
    Mistake("the manifests' answers that nothing is there", lambda lab: on_a_file_system_that_fails(lab, "ENOENT", HELD)),
    Mistake("the manifests' does not answer", lambda lab: on_a_file_system_that_fails(
        lab, "silent", ("does not answer", "not answer", "hangs", "took longer"))),
]


def case_mistakes_with_systemd(lab):
    """Executed anew, restarted, terminated, killed, renamed, misconfigured."""
    lab.systemctl("enable", "podreeve")
    try:
        return all_of(lab, SYSTEMD)
    finally:
        lab.root("systemctl", "start", "user@1000")


def case_mistakes_with_directories_of_the_host(lab):
    """The agent's and podman's runtime directories deleted while both run."""
    return all_of(lab, DIRECTORIES)


def case_mistakes_with_file_systems(lab):
    """EIO, ESTALE, ENOENT or no answer at all where the manifests are."""
    return all_of(lab, FILE_SYSTEMS)
