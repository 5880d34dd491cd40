"""A podman that misbehaves: something else answers on its socket, as a file, for the time of a `with`."""

import contextlib
import os
import socket
import threading

from lib.lab import APP_UID, PODMAN_SOCKET

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLibpod-API-Version: 5.4.2\r\n"


def hang(connection):
    """Reads and never answers."""
    while connection.recv(65536):
        pass


def cut(connection):
    """Ends in the middle of a reply."""
    connection.recv(65536)
    connection.sendall(HEAD + b'Content-Length: 1000\r\n\r\n[{"Id": "0123')


def fail(connection):
    """Answers 500 to everything."""
    body = b'{"cause":"disk on fire","message":"cannot read: disk on fire","response":500}'
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


@contextlib.contextmanager
def absent(lab):
    """No socket at all."""
    stop_podman(lab)
    lab.run("rm", "-f", PODMAN_SOCKET)
    try:
        yield
    finally:
        start_podman(lab)


@contextlib.contextmanager
def refusing(lab):
    """A socket nobody listens on."""
    stop_podman(lab)
    bound(lab).close()
    try:
        yield
    finally:
        start_podman(lab)


@contextlib.contextmanager
def answering(lab, answer):
    """Every connection is served by answer, in a thread of its own."""
    stop_podman(lab)
    listener = bound(lab)
    listener.listen(64)
    connections = []
    threading.Thread(target=serve, args=(listener, answer, connections), daemon=True).start()
    try:
        yield
    finally:
        # a server that ends takes its connections along
        for one in (listener, *connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        listener.close()
        start_podman(lab)


def stop_podman(lab):
    """Masked: one that is merely stopped is started again by the agent."""
    lab.systemctl("mask", "--runtime", "podman.socket")
    lab.systemctl("stop", "podman.socket", "podman.service")


def start_podman(lab):
    lab.run("rm", "-f", PODMAN_SOCKET)
    lab.systemctl("unmask", "--runtime", "podman.socket")
    lab.systemctl("restart", "podman.socket")


def bound(lab):
    lab.run("rm", "-f", PODMAN_SOCKET)
    path = lab.path(PODMAN_SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chown(path, APP_UID, APP_UID)
    return listener


def serve(listener, answer, connections):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connections.append(connection)
        threading.Thread(target=serve_one, args=(connection, answer), daemon=True).start()


def serve_one(connection, answer):
    with connection, contextlib.suppress(OSError):
        answer(connection)
