"""An app that means harm: what its containers do costs its neighbours no more than the same containers without podreeve would."""

import statistics
import textwrap
import time

from cases.health import messages, probers, wait_ready, web
from lib.lab import PODMAN_SOCKET, long, measures

NEIGHBOURS = [f"near{number}" for number in range(10)]
MEDIAN, WORST = 1.2, 3

# What it runs and how it is probed: a container whose port is PORT.
CONTAINERS = {
    "informs": (r"""exec nc -ll -p PORT -e sh -c 'while :; do printf "HTTP/1.1 100 Continue\r\n\r\n"; done'""", """\
        readinessProbe: {httpGet: {path: /, port: PORT}, periodSeconds: 1}
        livenessProbe: {httpGet: {path: /live, port: PORT}, periodSeconds: 1, failureThreshold: 1000}
        """),
    "babbles": ("exec nc -ll -p PORT -e cat /dev/urandom", """\
        readinessProbe: {httpGet: {path: /, port: PORT}, periodSeconds: 1}
        livenessProbe: {tcpSocket: {port: PORT}, periodSeconds: 1, failureThreshold: 1000}
        """),
    "frames": (r"""exec nc -ll -p PORT -e sh -c 'while :; do printf "\\0\\0\\0\\4\\0\\0\\0\\0\\0"; done'""", """\
        readinessProbe: {grpc: {port: PORT}, periodSeconds: 1}
        livenessProbe: {grpc: {port: PORT, service: x}, periodSeconds: 1, failureThreshold: 1000}
        """),
    "silent": ("exec nc -ll -p PORT -e sleep 1000000", """\
        readinessProbe: {httpGet: {path: /, port: PORT}, periodSeconds: 1}
        livenessProbe: {grpc: {port: PORT}, periodSeconds: 1, failureThreshold: 1000}
        """),
    "halves": ("exec sleep 1000000", r"""
        readinessProbe: {exec: {command: [/bin/sh, -c, 'while :; do printf "\303\050\360\237"; done']}, periodSeconds: 1}
        """),
    "hangs": ("exec sleep 1000000", """\
        readinessProbe: {exec: {command: [/bin/sh, -c, 'trap "" TERM HUP; sleep 1000000']}, periodSeconds: 1}
        livenessProbe: {exec: {command: [sleep, '1000000']}, periodSeconds: 1, failureThreshold: 1000}
        """),
    "forks": ("while :; do usleep 10000; done", ""),
    "nests": ("cd /nest && mkfifo pipe; i=0; while [ $i -lt 1100 ]; do mkdir -p d && cd d && i=$((i + 1)); done; exec sleep 1000000", ""),
    "asks": ("while :; do nslookup never.example 192.0.2.53; done", """\
        readinessProbe: {exec: {command: [nslookup, never.example, 192.0.2.53]}, periodSeconds: 1}
        """),
}


def tenant(name, probes=True):
    """One pod with all of them; without probes it is what podman alone runs."""
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  terminationGracePeriodSeconds: 0\n  containers:\n"
    for number, (container, (command, asked)) in enumerate(CONTAINERS.items()):
        port = str(8000 + number)
        text += (f"    - name: {container}\n      image: localhost/busybox:latest\n      command: [sh, -c]\n      args:\n"
                 f"        - |\n          {command.replace('PORT', port)}\n      volumeMounts: [{{name: nest, mountPath: /nest}}]\n")
        if probes:
            text += textwrap.indent(textwrap.dedent(asked.replace("PORT", port)), " " * 6)
    return text + "  volumes:\n    - name: nest\n      emptyDir: {}\n"


def flood(lab):
    """Events of podman's, some twenty a second, for as long as the case takes; in both arms."""
    lab.systemctl("reset-failed")
    lab.run("systemd-run", "--user", "--quiet", "--unit", "flood", "sh", "-c",
            f"while :; do curl -s -o /dev/null --unix-socket {PODMAN_SOCKET} -H 'Content-Type: application/json' -d '{{\"Name\":\"flood\"}}' "
            f"http://d/v4.0.0/libpod/volumes/create; curl -s -o /dev/null --unix-socket {PODMAN_SOCKET} -X DELETE "
            "http://d/v4.0.0/libpod/volumes/flood; sleep 0.05; done")


def rested(lab, names):
    lab.wait_until(lambda: all(time.time() - (lab.started_at(name) or time.time()) > 10.5 for name in names), 60,
                   "each has had a good run")


def repairs(lab):
    """Seconds from the death of each neighbour until it runs again."""
    rested(lab, NEIGHBOURS)
    took = []
    for name in NEIGHBOURS:
        since = time.time()
        lab.kill_process(name)
        took.append(lab.wait_restarted(name, since))
    return took


def unheard(lab):
    """Those whose probes have found nothing so far; what is told is text."""
    said = {name: [text for text in messages(lab, "tenant", "Unhealthy") if f"tenant-{name} " in text] for name in CONTAINERS}
    assert all(text.isprintable() for texts in said.values() for text in texts), said
    return [name for name, (_, asked) in CONTAINERS.items() if asked and not said[name]]


def kept(lab):
    """The tenant is an app."""
    lab.put_manifest("tenant.yaml", tenant("tenant"))
    lab.wait_until(lambda: lab.running(*(f"tenant-{name}" for name in CONTAINERS)), 60, "the tenant is up")
    time.sleep(5)
    # Its commands that hang take turns in the share of one app, so that each is told after some of them.
    lab.wait_until(lambda: not unheard(lab), 60, "each of its probes has been told")
    took = repairs(lab)
    lab.remove_manifest("tenant.yaml")
    lab.wait_until(lambda: not lab.containers("label=io.podreeve.app=tenant"), 90, "the tenant is gone")
    return took


def not_kept(lab):
    """The same containers, run by podman alone."""
    lab.write("/home/app/stranger.yaml", tenant("stranger", probes=False))
    lab.podman("kube", "play", "--quiet", "/home/app/stranger.yaml")
    time.sleep(5)
    took = repairs(lab)
    lab.podman("pod", "rm", "-f", "-t", "0", "stranger")
    lab.podman("volume", "rm", "-f", "nest", check=False)
    return took


@long
@measures
def case_a_tenant_that_means_harm(lab):
    """Every kind of harm at once; ten neighbours are killed twice each, beside it as an app and beside the same containers alone."""
    for name in NEIGHBOURS:
        lab.put_manifest(f"{name}.yaml", web(name, health="""\
            readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1}
            liveness: {tcpSocket: {port: 8080}, periodSeconds: 1}
            """))
    for name in NEIGHBOURS:
        wait_ready(lab, name)
    flood(lab)
    agent, prober = lab.agent_pid(), probers(lab)
    first = max(event["seq"] for event in lab.events())
    took = {"kept": [], "not kept": []}
    try:
        for _ in range(2):
            took["not kept"] += not_kept(lab)
            took["kept"] += kept(lab)
    finally:
        lab.systemctl("stop", "flood", check=False)
    slow = {arm: (statistics.median(times), max(times)) for arm, times in took.items()}
    told = "; ".join(f"{arm}: median {median:.3f} s, worst {worst:.3f} s" for arm, (median, worst) in slow.items())
    unknown = [event for event in lab.events() if event["app"] in NEIGHBOURS and event["seq"] > first and
               ("Unknown" in event["state"] or "cannot ask" in event["message"])]
    harm = {
        "the agent is another process": lab.agent_pid() != agent,
        "the prober is another process": probers(lab) != prober,
        f"neighbours' probes could not be asked: {unknown[:3]}": unknown,
        f"nothing was found of {unheard(lab)}": unheard(lab),
        f"repairs are slower by more than {MEDIAN}": slow["kept"][0] > MEDIAN * slow["not kept"][0],
        f"the worst repair is slower by more than {WORST}": slow["kept"][1] > WORST * slow["not kept"][1],
    }
    assert not any(harm.values()), "\n".join([told, *(words for words, is_so in harm.items() if is_so)])
    return told
