"""A file system in memory that can be told to fail: every question is answered by an error, or by nothing at all.

As a program, `broken_fs.py PID DIRECTORY`: mounts it over that directory of the host whose first process is PID, with the regular
files that are in it, and reads how to behave from its standard input, a word a line: well, EIO, ESTALE, ENOENT, silent.
"""

import ctypes
import errno
import os
import select
import struct
import subprocess
import sys

CLONE_NEWNS = 0x20000
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, BATCH_FORGET = \
    1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 28, 29, 34, 36, 42
OWNER = 1000
IN_HEADER = struct.Struct("<IIQQIIII")


class BrokenFs:
    """Mounted for the time of a `with`; behave() says how."""

    def __init__(self, lab, directory):
        self.lab, self.directory, self.server = lab, directory, None

    def __enter__(self):
        self.server = subprocess.Popen([sys.executable, __file__, str(self.lab.asker.pid), self.directory], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.server.stdout.readline() == "mounted\n"
        return self

    def behave(self, how):
        self.server.stdin.write(how + "\n")
        self.server.stdin.flush()

    def __exit__(self, *_):
        self.lab.root("umount", "-l", self.directory, check=False)
        self.server.kill()  # what still waits for an answer is told that there is none
        self.server.wait()


class Server:
    """Node 1 is the directory, node 2 + i its i-th file."""

    def __init__(self, fuse, files):
        self.fuse, self.files, self.how = fuse, files, "well"

    def attributes(self, node):
        is_directory = node == 1
        size = 0 if is_directory else len(self.files[node - 2][1])
        mode = 0o040755 if is_directory else 0o100644
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1, OWNER, OWNER, 0, 4096, 0)

    def reply(self, unique, body=b"", error=0):
        try:
            os.write(self.fuse, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # who asked has gone
                raise

    def answer(self, opcode, unique, node, body):
        if opcode == INIT:
            _, minor, readahead, _ = struct.unpack_from("<IIII", body)
            return self.reply(unique, struct.pack("<IIIIHHIIHHI7I", 7, min(minor, 31), readahead, 0, 8, 6, 4096, 1, 1, 0, *[0] * 8))
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT) or self.how == "silent":
            return None
        if self.how != "well":
            return self.reply(unique, error=getattr(errno, self.how))
        return self.answer_well(opcode, unique, node, body)

    def answer_well(self, opcode, unique, node, body):
        if opcode == LOOKUP:
            names = [name for name, _ in self.files]
            name = body.rstrip(b"\0")
            if name not in names:
                return self.reply(unique, error=errno.ENOENT)
            found = names.index(name) + 2
            return self.reply(unique, struct.pack("<QQQQII", found, 0, 0, 0, 0, 0) + self.attributes(found))
        if opcode == GETATTR:
            return self.reply(unique, struct.pack("<QII", 0, 0, 0) + self.attributes(node))
        if opcode in (OPEN, OPENDIR):
            return self.reply(unique, struct.pack("<QII", 0, 1, 0))  # past the page cache
        if opcode in (READ, READDIR):
            _, offset, size = struct.unpack_from("<QQI", body)
            whole = self.listing() if opcode == READDIR else self.files[node - 2][1]
            return self.reply(unique, b"".join(whole[offset:]) if opcode == READDIR else whole[offset:offset + size])
        if opcode == STATFS:
            return self.reply(unique, struct.pack("<QQQQQIIII6I", 0, 0, 0, 0, 0, 4096, 255, 4096, 0, *[0] * 6))
        return self.reply(unique, error=0 if opcode in (RELEASE, RELEASEDIR, FLUSH, ACCESS) else errno.ENOSYS)

    def listing(self):
        entries = []
        for at, (name, _) in enumerate(self.files):
            entry = struct.pack("<QQII", at + 2, at + 1, len(name), 8) + name
            entries.append(entry + b"\0" * (-len(entry) % 8))
        return entries

    def serve(self):
        while True:
            ready, _, _ = select.select([self.fuse, sys.stdin], [], [])
            if sys.stdin in ready:
                word = os.read(0, 64).decode().split()
                if not word:
                    return
                self.how = word[-1]
            if self.fuse in ready:
                try:
                    request = os.read(self.fuse, 1 << 20)
                except OSError:
                    return  # unmounted
                _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
                self.answer(opcode, unique, node, request[IN_HEADER.size:])


def main():
    pid, directory = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    if libc.setns(namespace, CLONE_NEWNS) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")
    files = []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            files.append((os.fsencode(name), file.read()))
    options = f"fd={fuse},rootmode=40755,user_id={OWNER},group_id={OWNER},allow_other"
    if libc.mount(b"broken", directory.encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    Server(fuse, files).serve()


if __name__ == "__main__":
    main()
