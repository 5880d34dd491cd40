"""What a container, a file or a name holds is never the end of the agent, nor another app's trouble."""

import re
import textwrap
import time

from cases.health import web
from lib.lab import MANIFESTS


def canary(lab):
    """An app whose repair tells whether the agent is at work, up."""
    lab.put_manifest("canary.yaml", web("canary"))
    lab.wait_until(lambda: lab.is_up("canary"), 60, "the canary is up")
    return lab.agent_pid()


def repaired(lab):
    """How long after its death the canary runs again."""
    lab.wait_until(lambda: time.time() - (lab.started_at("canary") or time.time()) > 10.5, 30, "it has had a good run")
    since = time.time()
    lab.kill_process("canary")
    return lab.wait_restarted("canary", since)


def readiness(name, probe):
    return web(name, health=f"readiness: {{{probe}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1}}\n")


def is_told(lab, app, text):
    found = lab.app(app)
    return found and found["health"] == "unhealthy" and text in found["message"] and found["message"]


def assert_text(message):
    assert message.isprintable(), ascii(message)


def unharmed(lab, pid, what):
    took = repaired(lab)
    assert lab.agent_pid() == pid, f"the agent died of {what}"
    journal = lab.run("journalctl", "--user", "-u", "podreeve", "-o", "cat", check=False).stdout
    assert "type_error" not in journal and "terminate called" not in journal, journal[-2000:]
    return f"the canary was back after {took:.2f} s"


def case_a_probe_that_prints_a_byte_that_is_no_text(lab):
    pid = canary(lab)
    command = r"""exec: {command: [/bin/sh, -c, 'printf "\377\033[2J\n"; exit 1']}"""
    lab.put_manifest("bad.yaml", readiness("bad", command))
    said, _ = lab.wait_until(lambda: is_told(lab, "bad", r"\xff\x1b[2J"), 60, "the probe's words are told, escaped")
    assert_text(said)
    unharmed(lab, pid, "a byte")
    lab.stop_agent()
    lab.start_agent()  # what was kept of it is no trouble either
    lab.wait_until(lambda: is_told(lab, "bad", r"\xff"), 60, "it is told by the next agent")
    return unharmed(lab, lab.agent_pid(), "a byte that was kept")


def case_words_that_are_cut_inside_a_character(lab):
    """Of an exec probe, and of an answer that names a path of 150 times two bytes."""
    pid = canary(lab)
    words = "x" * 119 + "é" * 20
    lab.put_manifest("says.yaml", readiness("says", f"exec: {{command: [/bin/sh, -c, 'echo {words}; exit 1']}}"))
    for name, letters in (("even", "a"), ("odd", "ab")):
        lab.put_manifest(f"{name}.yaml", readiness(name, f"httpGet: {{path: '/{letters}{'é' * 150}', port: 8080}}"))
    for name in ("says", "even", "odd"):
        said, _ = lab.wait_until(lambda name=name: is_told(lab, name, ""), 60, f"{name} is unhealthy")
        assert_text(said)
        assert "\ufffd" not in said and not re.search(r"\\x[0-9a-f]{2}$", said), said
    return unharmed(lab, pid, "half a character")


def case_file_names_that_are_no_text(lab):
    """A drop-in, a unit file, a manifest and a drop-in of that are called so."""
    pid = canary(lab)
    lab.put_manifest("t-web.container", textwrap.dedent("""\
        [Container]
        Image=localhost/busybox:latest
        Exec=sleep 1000000
        """))
    lab.wait_until(lambda: lab.app("t-web"), 30, "the unit is an app")
    lab.run("sh", "-c", textwrap.dedent(rf"""
        byte=$(printf '\377')
        mkdir -p {MANIFESTS}/t-web.container.d {MANIFESTS}/canary.yaml.d
        printf '[Container]\nHostName=x\n' > "{MANIFESTS}/t-web.container.d/$byte.conf"
        printf '[Container]\nImage=x\n' > "{MANIFESTS}/t-$byte.container"
        printf 'app: [' > "{MANIFESTS}/odd-$byte.yaml"
        """))
    said, _ = lab.wait_until(lambda: lab.condition("t-web", "xff.conf"), 30, "the drop-in's name is told")
    assert "ManifestError" in said, said
    lab.wait_until(lambda: any("xff.yaml" in name for name in lab.apps()), 30, "the manifest's name is told")
    for words in (("status",), ("diff",), ("check", MANIFESTS), ("events",)):
        done = lab.run("podreeve", *words, check=False)
        assert done.returncode in (0, 1, 2) and "internal error" not in done.stderr, (words, done.stderr)
    return unharmed(lab, pid, "a file's name")
