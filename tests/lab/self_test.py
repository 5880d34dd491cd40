#!/usr/bin/env python3
"""The lab keeps its promises: self_test.py RELEASE. Real podman and systemd inside, two at once, and nothing left of a
host, however its user ended."""

import os
import signal
import subprocess
import sys
import time
import unittest

LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab")
HOME = os.environ.get("PODREEVE_LAB_HOME", "/var/cache/podreeve-lab")
RELEASE = sys.argv.pop() if len(sys.argv) > 1 and sys.argv[-1] in ("bookworm", "trixie", "forky") else "trixie"


def lab(*arguments, check=True):
    return subprocess.run([LAB, *arguments], capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL)


def remains(name):
    """What of a host is still there: its folder, its cgroup, its processes."""
    places = [f"{HOME}/labs/{name}", f"/sys/fs/cgroup/unified/podreeve-lab-{name}", f"/sys/fs/cgroup/podreeve-lab-{name}"]
    found = subprocess.run(["pgrep", "-f", f"--machine=lab-{name} "], capture_output=True, text=True, check=False)
    return [place for place in places if os.path.exists(place)] + found.stdout.split()


class LabTest(unittest.TestCase):
    def setUp(self):
        self.names = [f"self-{os.getpid()}-{letter}" for letter in "ab"]
        for name in self.names:
            self.addCleanup(lab, "down", name)

    def assert_gone(self, name):
        deadline = time.monotonic() + 20
        while remains(name) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(remains(name), [])

    def test_two_hosts_at_once_are_apart(self):
        for name in self.names:
            lab("up", "--for-pid", str(os.getpid()), name, RELEASE)
            said = lab("run", name, "podman", "run", "--rm", "busybox", "echo", "hello from", name).stdout
            self.assertEqual(said.strip(), f"hello from {name}")
            self.assertEqual(lab("run", name, "systemctl", "--user", "is-system-running", "--wait").stdout.strip(), "running")
        lab("run", self.names[0], "podman", "create", "--name", "mine", "busybox")
        self.assertEqual(lab("run", self.names[1], "podman", "ps", "-aq").stdout, "")
        lab("down", self.names[0])
        self.assertEqual(remains(self.names[0]), [])
        self.assertEqual(lab("run", self.names[1], "echo", "up").stdout, "up\n")
        lab("down", self.names[1])
        self.assertEqual(remains(self.names[1]), [])

    def test_a_host_goes_down_with_its_user_killed(self):
        user = subprocess.Popen(["sleep", "1000"])
        lab("up", "--for-pid", str(user.pid), self.names[0], RELEASE)
        self.assertNotEqual(remains(self.names[0]), [])
        user.kill()
        user.wait()
        self.assert_gone(self.names[0])

    def test_an_interrupted_boot_leaves_nothing(self):
        for delay in (0.2, 0.5, 0.9):
            boot = subprocess.Popen([LAB, "up", self.names[0], RELEASE], stderr=subprocess.DEVNULL)
            time.sleep(delay)
            boot.send_signal(signal.SIGINT if delay == 0.5 else signal.SIGTERM)
            if boot.wait() != 0:
                self.assert_gone(self.names[0])
            lab("down", self.names[0])

    def test_a_pull_comes_from_the_host_s_own_registry(self):
        name = self.names[0]
        lab("up", "--for-pid", str(os.getpid()), name, RELEASE)
        registry = lab("registry", name).stdout.strip()
        lab("image", name, f"{registry}/web:1", "ENV COLOR=red")
        for command in (["push", "-q"], ["rmi"], ["pull", "-q"]):
            lab("run", name, "podman", *command, f"{registry}/web:1")
        self.assertIn("COLOR=red", lab("run", name, "podman", "run", "--rm", f"{registry}/web:1", "env").stdout)

    def test_a_reboot_keeps_what_was_stored(self):
        name = self.names[0]
        lab("up", "--for-pid", str(os.getpid()), name, RELEASE)
        lab("run", name, "sh", "-c", "echo kept > file; podman create --name kept busybox")
        lab("reboot", name)
        self.assertEqual(lab("run", name, "cat", "file").stdout, "kept\n")
        self.assertIn("kept", lab("run", name, "podman", "ps", "-a").stdout)

    def test_a_wrong_name_and_an_unknown_release_are_refused(self):
        self.assertIn("a-z", lab("up", "../x", RELEASE, check=False).stderr)
        self.assertIn("no release 'woody'", lab("up", self.names[0], "woody", check=False).stderr)
        self.assertIn("no host named", lab("run", self.names[0], "true", check=False).stderr)


if __name__ == "__main__":
    unittest.main()
