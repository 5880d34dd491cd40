"""JSON over a unix socket of a host: looking at it again and again starts no process there.

The agent looks its peer up in its own /proc, so who asks has to be in the host's pid namespace: a process of this file is, and
takes one request a line, [socket, method, target], and gives one reply a line, [status, body] or [0, what went wrong].
"""

import http.client
import json
import socket
import subprocess
import sys

WITHIN = 60  # seconds


class Unreachable(Exception):
    """Nobody answers, or what is answered is no JSON."""


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("podreeve", timeout=WITHIN)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target):
    connection = Connection(path)
    try:
        connection.request(method, target)
        reply = connection.getresponse()
        return [reply.status, json.loads(reply.read() or b"null")]
    except (OSError, http.client.HTTPException, ValueError) as failure:
        return [0, f"{method} {target}: {failure!r}"]
    finally:
        connection.close()


def serve():
    for line in sys.stdin:
        print(json.dumps(ask(*json.loads(line))), flush=True)


class Asker:
    """A process in the pid namespace of the host whose first process is pid; ends with it, or with this one."""

    def __init__(self, pid):
        self.pid = pid
        self.process = subprocess.Popen(["nsenter", "-t", str(pid), "-p", sys.executable, __file__], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, path, target, method="GET"):
        """(status, body) of what listens at that path of the host; Unreachable."""
        try:
            self.process.stdin.write(json.dumps([f"/proc/{self.pid}/root{path}", method, target]) + "\n")
            self.process.stdin.flush()
            status, body = json.loads(self.process.stdout.readline() or '[0, "the host is gone"]')
        except OSError as failure:
            status, body = 0, repr(failure)
        if status == 0:
            raise Unreachable(body)
        return status, body

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


if __name__ == "__main__":
    serve()
