"""Probes tell the truth from inside the containers' networks, and act on nobody who is well."""

import json
import os
import textwrap
import time

from lib.lab import long, measures

TICK = os.sysconf("SC_CLK_TCK")


def web(name="web", serve="httpd -f -p 8080 -h /www", health="", extra=""):
    """A web server whose page /up says that all is well, until somebody removes it."""
    return textwrap.dedent("""\
        app:
          id: NAME
          name: NAME
          version: "1"
          stop_grace_secs: 0
          container:
            image: localhost/busybox:latest
            entrypoint: [sh, -c]
            command: ["mkdir -p /www && echo ok > /www/up && exec SERVE"]
        """).replace("NAME", name).replace("SERVE", serve) + \
        textwrap.indent(f"health:\n{textwrap.indent(textwrap.dedent(health), '  ')}" if health else "", "  ") + \
        textwrap.indent(textwrap.dedent(extra), "  ")


def messages(lab, app, state):
    return [event["message"] for event in lab.events() if event["app"] == app and event["state"] == state]


def is_ready(lab, app, container=None):
    """The last that was told of the container's readiness is that it is ready."""
    told = [event["message"] for event in lab.events()
            if event["app"] == app and event["state"] in ("Healthy", "Unhealthy")]
    return bool(told) and told[-1] == f"{container or app} is ready"


def wait_ready(lab, app, container=None, timeout=30):
    return lab.wait_until(lambda: is_ready(lab, app, container), timeout, f"{container or app} is ready")[1]


def probers(lab):
    return lab.run("pgrep", "-x", "podreeve-probe", check=False).stdout.split()


def case_liveness_restarts_what_does_not_answer_any_more(lab):
    """The same container, started again, and nobody else."""
    lab.put_manifest("web.yaml", web(health="""\
        liveness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 2}
        readiness: {tcpSocket: {port: 8080}}
        """))
    wait_ready(lab, "web")
    time.sleep(11)  # a run of 10 s is followed by a start at once; the run is podman's: no clock to turn
    known, pid = lab.ids(), lab.pid_of("web")
    lab.podman("exec", "web", "rm", "/www/up")
    _, took = lab.wait_until(lambda: lab.pid_of("web") not in (0, pid), 30, "web was restarted")
    assert lab.ids() == known, "it is the same container"
    assert "answered 404" in messages(lab, "web", "Unhealthy")[-1]
    wait_ready(lab, "web")
    lab.settle()
    return f"restarted {took:.1f} s after its page was gone"


def case_readiness_follows_the_answers_and_restarts_nobody(lab):
    """One failure changes nothing, three do, and one success heals."""
    lab.put_manifest("web.yaml", web(health="""\
        readiness: {httpGet: {path: /up, port: 8080}, timeoutSeconds: 30, periodSeconds: 1}
        """))
    up = wait_ready(lab, "web")
    pid, known = lab.pid_of("web"), len(messages(lab, "web", "Unhealthy"))
    lab.podman("exec", "web", "mv", "/www/up", "/www/down")
    lab.wait_until(lambda: not is_ready(lab, "web"), 30, "web is told as not ready")
    assert messages(lab, "web", "Unhealthy")[known:] == ["web is not ready: readiness: port 8080: /up answered 404"]
    lab.podman("exec", "web", "mv", "/www/down", "/www/up")
    back = wait_ready(lab, "web")
    assert lab.pid_of("web") == pid
    return f"ready after {up:.1f} s, and {back:.1f} s after the page came back"


def case_an_image_of_one_static_binary_can_be_probed(lab):
    """Nothing is in the image but the server itself: no shell, no curl."""
    lab.run("sh", "-c", "rm -rf one && mkdir one && cp /bin/busybox one/httpd && "
            "tar -C one -c httpd | podman import --change 'ENTRYPOINT [\"/httpd\"]' - localhost/one:1")
    lab.put_manifest("one.yaml", textwrap.dedent("""\
        apiVersion: v1
        kind: Pod
        metadata: {name: one}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
            - name: httpd
              image: localhost/one:1
              args: ["-f", "-p", "8080", "-h", "/"]
              ports: [{name: web, containerPort: 8080}]
              readinessProbe: {httpGet: {path: /httpd, port: web}}
              livenessProbe: {tcpSocket: {port: web}}
        """))
    took = wait_ready(lab, "one", "one-httpd")
    found = lab.podman("exec", "one-httpd", "sh", "-c", "true", check=False)
    assert not found, found
    return f"ready after {took:.1f} s"


def case_a_server_may_listen_on_any_address_of_its_own(lab):
    """On the pod's address alone, on ::1 alone, and on the host's network."""
    lab.put_manifest("own.yaml", web("own", "httpd -f -p $(hostname -i):8080 -h /www", """\
        readiness: {httpGet: {path: /up, port: 8080}}
        """))
    lab.put_manifest("six.yaml", web("six", "httpd -f -p [::1]:8080 -h /www", """\
        readiness: {tcpSocket: {port: 8080}}
        """))
    lab.put_manifest("host.yaml", textwrap.dedent("""\
        apiVersion: v1
        kind: Pod
        metadata: {name: host}
        spec:
          hostNetwork: true
          terminationGracePeriodSeconds: 0
          containers:
            - name: httpd
              image: localhost/busybox:latest
              command: [httpd, -f, -p, "127.0.0.1:8099", -h, /]
              readinessProbe: {httpGet: {path: /bin/sh, port: 8099}}
        """))
    for app, container in (("own", "own"), ("six", "six"), ("host", "host-httpd")):
        wait_ready(lab, app, container)
    assert len(probers(lab)) == 1, "one process asks them all"


def case_ready_by_port(lab):
    """Without a probe: ready once the ports are open."""
    lab.put_manifest("slow.yaml", web("slow", "sh -c 'sleep 4; exec httpd -f -p 8080 -h /www'",
                                      extra="ports: [{host: 8091, container: 8080}]\nready: port\n"))
    lab.wait_until(lambda: lab.running("slow"), 30, "slow runs")
    wait_ready(lab, "slow")
    took = time.time() - lab.started_at("slow")
    assert took >= 3, took  # podman notes a start when it has ended, its process has slept since it began
    return f"{took:.1f} s after its process"


def case_commands_leave_nothing_behind(lab):
    """exec probes say what the command said, and podman keeps no session of theirs."""
    lab.put_manifest("web.yaml", web(health="""\
        readiness: {exec: {command: [cat, /www/up]}, timeoutSeconds: 30, periodSeconds: 1, failureThreshold: 1}
        """))
    wait_ready(lab, "web")
    lab.podman("exec", "web", "rm", "/www/up")
    lab.wait_until(lambda: not is_ready(lab, "web"), 30, "web is told as not ready")
    assert "exit code 1: cat: can't open '/www/up'" in messages(lab, "web", "Unhealthy")[-1]
    time.sleep(5)  # as many commands more; podman's own time, no clock to turn
    conmons = lambda: len(lab.run("pgrep", "-x", "conmon").stdout.split())  # noqa: E731
    if lab.podman_version() >= (5, 0):  # those of commands that run just now come and go
        lab.wait_until(lambda: conmons() <= 4, 10, "no conmon of an ended command is left")
    return f"{conmons()} conmon processes"


def probed_web(lab, failures):
    """web, which is restarted after so many failures: up, ready, and nothing left to do. The prober that asks it."""
    lab.put_manifest("web.yaml", web(health=f"""\
        liveness: {{httpGet: {{path: /up, port: 8080}}, initialDelaySeconds: 2, timeoutSeconds: 30, periodSeconds: 1, failureThreshold: {failures}}}
        readiness: {{tcpSocket: {{port: 8080}}}}
        """))
    wait_ready(lab, "web")
    lab.settle()
    (prober,) = probers(lab)
    return prober


def case_a_prober_that_dies_takes_nobody_down(lab):
    """It is started again, and ends with the agent."""
    first, pid = probed_web(lab, failures=1), lab.pid_of("web")
    lab.root("kill", "-9", first)
    lab.wait_until(lambda: probers(lab) and probers(lab) != [first], 10, "there is another prober")
    time.sleep(3)  # a few askings of the new one; podman's containers live in real time
    assert lab.pid_of("web") == pid and not messages(lab, "web", "Unhealthy")
    lab.root("kill", "-9", str(lab.agent_pid()))
    lab.wait_until(lambda: len(probers(lab)) <= 1 and lab.agent_pid(), 10, "the prober has ended with its agent")
    lab.stop_agent()
    assert not probers(lab) and lab.pid_of("web") == pid


def case_a_prober_follows_podman_into_another_user_namespace(lab):
    """podman system migrate: podman's first process goes, and what runs next is in a user namespace the prober never saw."""
    first = probed_web(lab, failures=2)
    # Held open, or the kernel may give its number to the next one.
    with open(user_namespace(lab, lab.pid_of("web")), encoding="ascii") as held:
        before = os.fstat(held.fileno()).st_ino
        # Masked, or the agent starts it again, and what it serves may still be in the namespace that is about to go.
        lab.systemctl("mask", "--runtime", "--now", "podman.socket", "podman.service")
        lab.podman("system", "migrate")
        lab.systemctl("unmask", "--runtime", "podman.socket", "podman.service")
        lab.systemctl("start", "podman.socket")
        lab.wait_until(lambda: lab.is_up("web") and namespace_of(lab, lab.pid_of("web")) not in (0, before), 60,
                       "web runs in another user namespace")
    wait_ready(lab, "web")
    _, took = lab.wait_until(lambda: probers(lab) not in ([], [first]), 60, "there is another prober")
    time.sleep(5)  # a few askings of the new one; podman's containers live in real time
    pid = lab.pid_of("web")
    lab.podman("exec", "web", "rm", "/www/up")
    lab.wait_until(lambda: lab.pid_of("web") not in (0, pid), 30, "its probe sees that it is unhealthy, and it is restarted")
    told = [message for message in messages(lab, "web", "Unhealthy") if "cannot ask" in message]
    assert not told, told
    return f"another prober after {took:.1f} s"


def user_namespace(lab, pid):
    return lab.path(f"/proc/{pid}/ns/user")


def namespace_of(lab, pid):
    """The number of its user namespace; 0 when the process is gone."""
    try:
        return os.stat(user_namespace(lab, pid)).st_ino
    except OSError:
        return 0


def case_a_restart_of_the_agent_changes_nobody_s_health(lab):
    """What was well stays so until a probe says otherwise, and what was not is not let go on."""
    lab.put_manifest("good.yaml", web("good", health="""\
        liveness: {httpGet: {path: /up, port: 8080}, timeoutSeconds: 30, periodSeconds: 1, failureThreshold: 2}
        readiness: {httpGet: {path: /up, port: 8080}, timeoutSeconds: 30, periodSeconds: 1, failureThreshold: 2}
        """))
    lab.put_manifest("bad.yaml", web("bad", health="""\
        readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1, failureThreshold: 2}
        """))
    wait_ready(lab, "good")
    wait_ready(lab, "bad")
    lab.podman("exec", "bad", "rm", "/www/up")
    lab.wait_until(lambda: lab.app("bad")["health"] == "unhealthy", 20, "bad is told as unhealthy")
    pids = [lab.pid_of("good"), lab.pid_of("bad")]
    lab.settle()
    seen, told = set(), len(lab.events())
    lab.systemctl("restart", "podreeve")
    end = time.monotonic() + 6
    while time.monotonic() < end:
        status = lab.run("podreeve", "status", "--json", check=False)
        apps = {app["name"]: app for app in json.loads(status.stdout)["apps"]} if status.returncode == 0 else {}
        seen |= {(name, app["health"]) for name, app in apps.items() if app["state"] == "Running"}
    assert seen == {("good", "healthy"), ("bad", "unhealthy")}, seen
    fresh = [event for event in lab.events()[told:] if event["state"] in ("Healthy", "Unhealthy")]
    assert {event["app"] for event in fresh} <= {"good"}, fresh
    assert [lab.pid_of("good"), lab.pid_of("bad")] == pids


def crowd(number, servers):
    """A pod of web servers, each with an http and a tcp probe a second."""
    containers = "".join(textwrap.indent(textwrap.dedent(f"""\
        - name: s{at}
          image: localhost/busybox:latest
          command: [httpd, -f, -p, "{9000 + at}", -h, /]
          livenessProbe: {{httpGet: {{path: /etc/hostname, port: {9000 + at}}}, periodSeconds: 1}}
          readinessProbe: {{tcpSocket: {{port: {9000 + at}}}, periodSeconds: 1}}
        """), "    ") for at in range(servers))
    return textwrap.dedent(f"""\
        apiVersion: v1
        kind: Pod
        metadata: {{name: crowd{number}}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
        """) + containers


def cpu_seconds(lab, *pids):
    """User and system time of these processes of the host, all threads, in seconds."""
    total = 0
    for pid in pids:
        with open(lab.path(f"/proc/{pid}/stat"), encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


@long
@measures
def case_five_hundred_probes_a_second_cost_three_percent_of_a_core(lab):
    """250 servers in 25 pods, an http and a tcp probe each, agent and prober together."""
    pods, servers, seconds = 25, 10, 20
    for number in range(pods):
        lab.put_manifest(f"crowd{number}.yaml", crowd(number, servers))
        if number % 3 == 2 or number == pods - 1:  # 250 starts at once would keep servers from answering within a second
            lab.wait_until(lambda up=number + 1: len(lab.apps()) == up and lab.is_up(), 120, f"the servers of {number + 1} pods run")
    lab.settle(120)
    time.sleep(10)  # what follows is measured in the machine's time: no clock to turn
    agent, (prober,) = lab.agent_pid(), probers(lab)
    measured, told = [], max(event["seq"] for event in lab.events())
    while len(measured) < 3 and not (measured and min(measured)[0] <= 0.03):  # what else the machine does only adds
        before, by_prober, at = cpu_seconds(lab, agent, prober), cpu_seconds(lab, prober), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - at
        measured.append(((cpu_seconds(lab, agent, prober) - before) / took, (cpu_seconds(lab, prober) - by_prober) / took))
    share, of_prober = min(measured)
    assert not [event for event in lab.events() if event["seq"] > told and event["state"] == "Unhealthy"]
    assert share <= 0.03, f"{measured} of a core"
    each = of_prober / (pods * servers * 2)
    return f"{share:.2%} of a core, {of_prober:.2%} of it the prober: {each * 1e6:.0f} µs a probe"


def cpu_of_all(lab):
    """What all processes of the host have used so far, those that have ended too."""
    total = 0
    proc = lab.path("/proc")
    for pid in filter(str.isdigit, os.listdir(proc)):
        try:
            with open(f"{proc}/{pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICK


def measure(lab, seconds=20):
    """(what the whole host used, what the agent and its prober did) within so many seconds, a second."""
    pids = [lab.agent_pid(), *probers(lab)]
    before, ours, at = cpu_of_all(lab), cpu_seconds(lab, *pids), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - at
    return (cpu_of_all(lab) - before) / took, (cpu_seconds(lab, *pids) - ours) / took


@measures
def case_a_probe_over_the_network_costs_a_twentieth_of_a_command(lab):
    """Five servers, asked every second by a command, and then 50 of them by tcp: CPU a probe, podman's and conmon's included."""
    quiet = crowd(0, 5).replace("livenessProbe", "NO").replace("readinessProbe", "NO")
    quiet = "".join(line for line in quiet.splitlines(keepends=True) if "NO:" not in line)
    lab.put_manifest("crowd0.yaml", quiet)
    lab.wait_until(lambda: len(lab.apps()) == 1 and lab.is_up(), 120, "five servers run")
    lab.settle()
    idle, _ = measure(lab)
    asked = quiet.replace("command: [httpd", "livenessProbe: {exec: {command: [\"true\"]}, periodSeconds: 1}\n      command: [httpd")
    lab.put_manifest("crowd0.yaml", asked)
    lab.settle()
    time.sleep(3)
    by_command = (measure(lab)[0] - idle) / 5
    for number in range(5):
        lab.put_manifest(f"crowd{number}.yaml", crowd(number, 10))
    lab.wait_until(lambda: len(lab.apps()) == 5 and lab.is_up(), 240, "fifty servers run")
    lab.settle(120)
    time.sleep(5)
    by_prober = measure(lab)[1] / 100
    assert by_command >= 20 * by_prober, (by_command, by_prober)
    return f"{by_command * 1e3:.1f} ms a command, {by_prober * 1e6:.0f} µs over the network"


def case_servers_that_never_stop_talking_blind_nobody(lab):
    """Endless headers fail the probe of their own app; another's is told in time, by the same prober."""
    # YAML makes the \n a line's end, and yes adds one: an empty line ends a head.
    for name, line in (("continues", "HTTP/1.1 100 C\\n"), ("headers", "HTTP/1.1 200 OK")):
        lab.put_manifest(f"{name}.yaml", web(name, f"nc -ll -p 8080 -e yes '{line}'", """\
            readiness: {httpGet: {port: 8080}, initialDelaySeconds: 3, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 3}
            """))
        lab.wait_until(lambda name=name: any("no end of headers" in text for text in messages(lab, name, "Unhealthy")),
                       30, f"{name} is told as not ready")
    lab.put_manifest("web.yaml", web(health="""\
        readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1}
        """))
    wait_ready(lab, "web")
    known = probers(lab)
    lab.podman("exec", "web", "rm", "/www/up")
    lab.wait_until(lambda: not is_ready(lab, "web"), 30, "web is told as not ready")
    assert probers(lab) == known, "nobody had to start another"


def case_the_prober_has_let_go_of_what_it_does_not_need(lab):
    """Of a user: no rights to gain, few system calls, and one capability in podman's user namespace."""
    lab.put_manifest("web.yaml", web(health="readiness: {httpGet: {path: /up, port: 8080}, periodSeconds: 1}"))
    wait_ready(lab, "web")
    prober = probers(lab)[0]
    status = lab.root("cat", f"/proc/{prober}/status").stdout
    told = dict(line.split(":", 1) for line in status.splitlines())
    assert told["NoNewPrivs"].strip() == "1", status
    assert told["Seccomp"].strip() == "2", status
    assert told["CapEff"].strip() == told["CapPrm"].strip() == "0000000000200000", status
    assert told["CapBnd"].strip() == "0000000000000000", status


def case_commands_that_hang_keep_no_other_app_waiting(lab):
    """Three apps whose commands take for ever, and a fourth that is told all the same."""
    for name in ("one", "two", "three"):
        lab.put_manifest(f"{name}.yaml", web(name, health="""\
            readiness: {exec: {command: [sleep, "1000"]}, periodSeconds: 1, timeoutSeconds: 600}
            liveness: {exec: {command: [sleep, "1000"]}, periodSeconds: 1, timeoutSeconds: 600}
            """))
    for name in ("one", "two", "three"):
        lab.wait_until(lambda name=name: lab.running(name), 30, f"{name} runs")
    time.sleep(3)  # their commands are under way
    lab.put_manifest("web.yaml", web(health="""\
        readiness: {exec: {command: [cat, /www/up]}, periodSeconds: 1, failureThreshold: 1}
        """))
    return f"ready after {wait_ready(lab, 'web', timeout=20):.1f} s"
