"""A careless hand on podman: running apps lose nothing that podman itself did not take, and what it took is named.

Rows of their own elsewhere: pause of a container, a process that dies with its conmon (trust_data); rm -f, pod rm -f, stop and pod
stop (repair); a container of ours that is run by hand under its name (removal); podman's service away, hanging or killed (outage).
"""

from lib.lab import PODMAN_SOCKET, long
from lib.mistakes import CONTAINERS, Mistake, all_of, restarts_after_death


def other_image(lab):
    lab.image("localhost/other:1", "ENV OTHER=1")
    lab.podman("tag", "localhost/busybox:latest", "localhost/mine:1")
    lab.podman("tag", "localhost/other:1", "localhost/busybox:latest")


def image_back(lab):
    lab.image("localhost/busybox:latest")


def idle_is_stopped_again(lab):
    lab.wait_until(lambda: not lab.running("idle-main") or lab.condition("idle", "stopped"), 30,
                   "it is stopped again, or told as one that was stopped")


def insist(remove, exists):
    """Until it is gone: between podman's removal of what uses it and its own, the agent may have made the first anew."""
    return f"for i in 1 2 3 4 5; do {remove}; {exists} || exit 0; done; exit 1"


CONTAINERS_AND_PODS = [
    Mistake("pause of a pod", "podman pod pause db", {"db": ("Paused", "paused")}, "podman pod unpause db"),
    Mistake("rename", "podman rename web other", {"web": ("other",)}, "podman rename other web || true"),
    Mistake("restart of all that runs", "podman restart -t 1 $(podman ps -q --filter label=io.podreeve.role=workload) || true"),
    Mistake("start of one that podreeve was told to stop", "podman start idle-main", during=idle_is_stopped_again,
            mend="podman stop -t 1 idle-main || true"),
    Mistake("SIGSTOP to a container", "podman kill -s STOP web", mend="podman kill -s CONT web"),
    Mistake("podman pod stop, all", "podman pod stop -a -t 1 || true"),
    # Masked, or the agent starts it again while podman is about to end the namespace of all.
    Mistake("podman system migrate", "systemctl --user mask --runtime --now podman.socket podman.service; podman system migrate; "
            "systemctl --user unmask --runtime podman.socket podman.service; systemctl --user start podman.socket"),
    Mistake("podman container prune and pod prune", "podman container prune -f; podman pod prune -f || true", anew=("idle-main",)),
    Mistake("podman network rm -f", "podman network rm -f -t 0 podman-default-kube-network || true", anew=CONTAINERS),
]

# Podman takes the locks of all pods and containers for it, and may lock itself out while the agent repairs what is gone already.
ALL_AT_ONCE = [
    Mistake("podman rm -f, all, with their anonymous volumes", "podman pod rm -f -a -t 0; podman rm -f -v -a -t 0", anew=CONTAINERS),
]

VOLUMES_AND_IMAGES = [
    Mistake("podman volume prune", "podman volume prune -f"),
    Mistake("untag of the image that runs", "podman untag localhost/busybox:latest", during=restarts_after_death,
            mend="podman tag $(podman inspect --format '{{.Image}}' web) localhost/busybox:latest"),
    Mistake("another image under the name of the one that runs", other_image, during=restarts_after_death,
            mend="podman tag localhost/mine:1 localhost/busybox:latest; podman rmi localhost/mine:1 localhost/other:1"),
    Mistake("podman image rm -f of the image that runs, and its containers with it", insist("podman image rm -f localhost/busybox:latest", "podman image exists localhost/busybox:latest"),
            {"web": ("busybox",), "db": ("busybox",)}, image_back, anew=CONTAINERS),
    Mistake("podman volume rm -f of the claim of a stopped app", insist("podman volume rm -f -t 0 idle-data", "podman volume exists idle-data"),
            {"idle": ("idle-data",)},
            anew=("idle-main",), lost=("idle-data",)),
    Mistake("podman volume rm -f of the claim of a running app", insist("podman volume rm -f -t 0 db-data", "podman volume exists db-data"),
            {"db": ("db-data",)},
            anew=("db-main",), lost=("db-data",)),
    # Podman removes the service container of a pod it prunes twice at once, and may fail on it before it has printed the rest.
    Mistake("podman system prune -af --volumes", "podman system prune -af --volumes || podman system prune -af --volumes",
            {"idle": ("idle-data",)},
            anew=("idle-main",), lost=("idle-data",)),
    Mistake("podman system reset -f", "podman system reset -f; systemctl --user stop podman.service; systemctl --user restart podman.socket",
            {"web": ("busybox",), "db": ("db-data",), "idle": ("idle-data",)}, image_back, anew=CONTAINERS,
            lost=("db-data", "idle-data")),
]

PODMAN_ITSELF = [
    Mistake("its socket is stopped", "systemctl --user stop podman.socket podman.service", blind=True),
    Mistake("its socket is masked", "systemctl --user mask --now podman.socket; systemctl --user stop podman.service",
            {"": ("podman.socket",)}, "systemctl --user unmask podman.socket; systemctl --user start podman.socket", blind=True),
    Mistake("its socket may not be used", f"chmod 000 {PODMAN_SOCKET}", {"web": ("Unknown",)}, f"chmod 660 {PODMAN_SOCKET}", blind=True),
    Mistake("its socket's file is deleted", f"rm {PODMAN_SOCKET}", {"web": ("Unknown",)}, "systemctl --user restart podman.socket",
            blind=True),
    Mistake("its configuration is no configuration",
            "mkdir -p ~/.config/containers; echo 'no [ configuration' > ~/.config/containers/containers.conf; "
            "systemctl --user stop podman.service", {"web": ("Unknown",)},
            "rm ~/.config/containers/containers.conf; systemctl --user reset-failed podman.socket podman.service; "
            "systemctl --user start podman.socket", blind=True),
    Mistake("every conmon is killed", "pkill -9 -x conmon"),
]


def case_mistakes_with_containers_and_pods(lab):
    """Paused, renamed, restarted, pruned, removed."""
    return all_of(lab, CONTAINERS_AND_PODS)


@long
def case_all_containers_removed_by_one_command(lab):
    """Podman 5.4 may lock itself out over it, for good: then this fails, and not for what podreeve does."""
    return all_of(lab, ALL_AT_ONCE)


def case_mistakes_with_volumes_and_images(lab):
    """Pruned, removed with all that uses them, replaced: what podman took is named, and nothing empty comes in its place unsaid."""
    return all_of(lab, VOLUMES_AND_IMAGES)


def case_mistakes_with_podman_itself(lab):
    """Its socket stopped, masked, closed, deleted; a configuration it cannot read; every conmon killed."""
    return all_of(lab, PODMAN_ITSELF)
