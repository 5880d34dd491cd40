"""A careless hand on the agent's state and under the manifests' disk: what runs runs on, and what is wrong is told.

Rows of their own elsewhere: a store that is garbage (bad_input); a read-only state (outage); a second agent (agent).
"""

from lib.lab import MANIFESTS, STATE
from lib.mistakes import Mistake, all_of, restarts_after_death, root


def on_a_disk(lab, directory, size):
    """The directory is a file system of its own, of that size, with what it held."""
    lab.root("sh", "-c", f"cp -a {directory} /tmp/kept && mount -t tmpfs -o size={size},uid=1000,gid=1000,mode=755 small {directory} && "
             f"cp -a /tmp/kept/. {directory}/ && rm -rf /tmp/kept")


def fill(lab, directory):
    lab.run("sh", "-c", f"dd if=/dev/zero of={directory}/.filler bs=4k status=none", check=False)


def state_on_a_small_disk(lab):
    lab.stop_agent()
    on_a_disk(lab, STATE, "3m")
    lab.start_agent()
    lab.settle()
    fill(lab, STATE)
    lab.run("podreeve", "restart", "solo", check=False)  # a request, that has to be written


def state_on_the_large_disk(lab):
    lab.run("rm", "-f", f"{STATE}/.filler")
    lab.settle()
    lab.stop_agent()
    lab.root("sh", "-c", f"cp -a {STATE} /tmp/kept && umount {STATE} && rm -rf {STATE} && mv /tmp/kept {STATE}")
    lab.start_agent()


def manifests_on_a_small_disk(lab):
    on_a_disk(lab, MANIFESTS, "64k")
    lab.settle()
    fill(lab, MANIFESTS)
    lab.run("sh", "-c", f"cat ~/kept/solo.yaml ~/kept/db.yaml > {MANIFESTS}/web.yaml", check=False)


def state_is_lost(lab):
    """With nobody there who knows it."""
    lab.stop_agent()
    lab.run("rm", "-rf", STATE)
    lab.start_agent()


def owner_is_written(lab):
    """The message says how to take all over again, and that helps."""
    lab.wait_until(lambda: lab.condition("web", "owner"), 30, "the owner is told")
    owner = lab.inspect("web")["Config"]["Labels"]["io.podreeve.owner"]
    assert owner in lab.condition("web", "owner"), "and by its name"
    lab.run("sh", "-c", f"printf '%s\\n' {owner} > {STATE}/owner")
    lab.systemctl("restart", "podreeve")


def edited(statement):
    def edit(lab):
        lab.stop_agent()
        lab.run("sqlite3", f"{STATE}/state.db", statement)
        lab.start_agent()
    return edit


def yesterdays_state(lab):
    lab.stop_agent()
    lab.run("cp", "-a", STATE, f"{STATE}.old")
    lab.start_agent()
    lab.run("podreeve", "restart", "db", "--wait")
    lab.run("podreeve", "start", "idle", "--wait")
    lab.stop_agent()
    lab.run("sh", "-c", f"rm -rf {STATE}; mv {STATE}.old {STATE}")
    lab.start_agent()


STATES = [
    Mistake("its disk is full", state_on_a_small_disk, {"": ("No space left", "disk is full")}, state_on_the_large_disk, restarted=True,
            during=restarts_after_death),
    # Again, if the agent writes a file into it between rm's last look and its end.
    Mistake("it is deleted, and the agent runs on", "rm -rf $S || rm -rf $S", {"": ("was removed while the agent runs",)},
            "systemctl --user restart podreeve", anew=("idle-main",), restarted=True, during=restarts_after_death),
    Mistake("it is deleted while the agent is stopped", state_is_lost, {"web": ("owner",)}, owner_is_written, anew=("idle-main",),
            restarted=True),
    Mistake("tables of it are dropped", edited("DROP TABLE tasks; DROP TABLE changes;"), anew=("idle-main",), restarted=True),
    Mistake("its rows hold what is no JSON", edited("UPDATE apps SET extra = 'x' || extra; UPDATE changes SET data = 'x' || data;"),
            anew=("idle-main",), restarted=True),
    Mistake("yesterday's is put back", yesterdays_state, restarted=True),
    Mistake("nobody may write into it", "chmod -R a-w $S", mend="chmod -R u+w $S", during=restarts_after_death),
    Mistake("what was accepted is deleted", "rm -rf $S/accepted", during=restarts_after_death),
]

DISKS = [
    Mistake("that of the manifests is full while an editor writes", manifests_on_a_small_disk, {"web": ("ManifestError",)},
            root("umount -l $M")),
    Mistake("that of the manifests is read-only", root("mount --bind $M $M; mount -o remount,bind,ro $M"), mend=root("umount -l $M"),
            during=restarts_after_death),
]


def case_mistakes_with_the_state(lab):
    """Full, deleted, edited, old: nothing that runs is touched for it."""
    return all_of(lab, STATES)


def case_mistakes_with_disks(lab):
    """Full and read-only under the manifests."""
    return all_of(lab, DISKS)
