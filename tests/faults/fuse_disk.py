"""A file system that shows a directory, and misbehaves when told to: a program on its own, without packages.

    unshare -rm python fuse_disk.py DIRECTORY MOUNTPOINT FAULT

It speaks the protocol of /dev/fuse (``linux/fuse.h``, 7.31). Stopped by SIGSTOP it is a disk that hangs.
While the file FAULT exists, writes fail with the error that it names (``EIO``), and so does fsync.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

HEADER = struct.Struct("<IIQQIIIHH")
ATTRIBUTES = struct.Struct("<6Q10I")
ENTRY = struct.Struct("<QQQQII")
MOST_READ = 1 << 20
MAX_WRITE = 128 * 1024
BIG_WRITES = 1 << 5
ROOT = 1
MS_NOSUID_NODEV = 2 | 4
SET_MODE, SET_SIZE, SET_MTIME = 1, 8, 32
Reply = bytes | None


class FuseDisk:
    """Nodes are the inodes of the directory below; each is known by the path that it was found by last."""

    def __init__(self, directory: Path, fault: Path) -> None:
        self._fault = fault
        self._paths = {ROOT: str(directory)}
        self._operations: dict[int, Callable[[int, bytes], Reply]] = {
            1: self.lookup,
            2: self.forget,
            3: self.getattr,
            4: self.setattr,
            9: self.mkdir,
            10: self.unlink,
            11: self.rmdir,
            12: self.rename,
            13: self.link,
            14: self.open,
            15: self.read,
            16: self.write,
            17: self.statfs,
            18: self.release,
            20: self.fsync,
            25: self.done,
            26: self.init,
            27: self.opendir,
            28: self.readdir,
            29: self.done,
            34: self.done,
            35: self.create,
            36: self.forget,
            42: self.forget,
        }

    def serve(self, device: int) -> None:
        """Until it is unmounted."""
        while True:
            try:
                request = os.read(device, MOST_READ)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return
            _, code, unique, node, *_ = HEADER.unpack_from(request)
            number, answer = 0, b""
            try:
                operation = self._operations[code]
                reply = operation(node, request[HEADER.size :])
                if reply is None:
                    continue
                answer = reply
            except KeyError:
                number = errno.ENOSYS
            except OSError as error:
                number = error.errno or errno.EIO
            os.write(device, struct.pack("<IiQ", 16 + len(answer), -number, unique) + answer)

    def init(self, _: int, body: bytes) -> Reply:
        (readahead,) = struct.unpack_from("<8xI", body)
        return struct.pack("<4IHHIIHHI28x", 7, 31, readahead, BIG_WRITES, 12, 9, MAX_WRITE, 1, 0, 0, 0)

    def done(self, *_: object) -> Reply:
        return b""

    def forget(self, *_: object) -> Reply:
        return None

    def lookup(self, node: int, body: bytes) -> Reply:
        return self._entry(self._below(node, body))

    def getattr(self, node: int, body: bytes) -> Reply:
        flags, handle = struct.unpack_from("<I4xQ", body)
        status = os.fstat(handle) if flags & 1 else os.lstat(self._paths[node])
        return struct.pack("<QII", 0, 0, 0) + _attributes(status)

    def setattr(self, node: int, body: bytes) -> Reply:
        valid, size, mode = struct.unpack_from("<I4x8xQ8x24x12xI", body)
        if valid & SET_SIZE:
            self._refuse()
            os.truncate(self._paths[node], size)
        if valid & SET_MODE:
            Path(self._paths[node]).chmod(mode)
        return struct.pack("<QII", 0, 0, 0) + _attributes(os.lstat(self._paths[node]))

    def mkdir(self, node: int, body: bytes) -> Reply:
        path = self._below(node, body[8:])
        Path(path).mkdir(0o755)
        return self._entry(path)

    def unlink(self, node: int, body: bytes) -> Reply:
        Path(self._below(node, body)).unlink()
        return b""

    def rmdir(self, node: int, body: bytes) -> Reply:
        Path(self._below(node, body)).rmdir()
        return b""

    def rename(self, node: int, body: bytes) -> Reply:
        (to,) = struct.unpack_from("<Q", body)
        old, new = body[8:].split(b"\0")[:2]
        Path(self._below(node, old)).rename(self._below(to, new))
        return b""

    def link(self, node: int, body: bytes) -> Reply:
        (old,) = struct.unpack_from("<Q", body)
        path = self._below(node, body[8:])
        os.link(self._paths[old], path)
        return self._entry(path)

    def open(self, node: int, body: bytes) -> Reply:
        (flags,) = struct.unpack_from("<I", body)
        descriptor = os.open(self._paths[node], flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))
        return struct.pack("<QII", descriptor, 0, 0)

    def create(self, node: int, body: bytes) -> Reply:
        self._refuse()
        flags, mode = struct.unpack_from("<II", body)
        path = self._below(node, body[16:])
        descriptor = os.open(path, flags | os.O_CREAT, mode)
        return self._entry(path) + struct.pack("<QII", descriptor, 0, 0)

    def read(self, _: int, body: bytes) -> Reply:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(handle, size, offset)

    def write(self, _: int, body: bytes) -> Reply:
        self._refuse()
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def statfs(self, *_: object) -> Reply:
        status = os.statvfs(self._paths[ROOT])
        blocks = (status.f_blocks, status.f_bfree, status.f_bavail, status.f_files, status.f_ffree)
        return struct.pack("<5Q4I24x", *blocks, status.f_bsize, 255, status.f_frsize, 0)

    def release(self, _: int, body: bytes) -> Reply:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def fsync(self, _: int, body: bytes) -> Reply:
        self._refuse()
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    def opendir(self, *_: object) -> Reply:
        return struct.pack("<QII", 0, 0, 0)

    def readdir(self, node: int, body: bytes) -> Reply:
        _, offset, size = struct.unpack_from("<QQI", body)
        answer = b""
        for index, name in enumerate(sorted(path.name for path in Path(self._paths[node]).iterdir())):
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", index + 2, index + 1, len(raw), 0) + raw
            entry += bytes(-len(entry) % 8)
            if index >= offset and len(answer) + len(entry) <= size:
                answer += entry
        return answer

    def _refuse(self) -> None:
        try:
            name = self._fault.read_text().strip()
        except OSError:
            return
        if name:
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    def _below(self, node: int, name: bytes) -> str:
        return f"{self._paths[node]}/{os.fsdecode(name.partition(bytes(1))[0])}"

    def _entry(self, path: str) -> bytes:
        status = os.lstat(path)
        self._paths[status.st_ino] = path
        return ENTRY.pack(status.st_ino, 0, 0, 0, 0, 0) + _attributes(status)


def _attributes(status: os.stat_result) -> bytes:
    times = [divmod(ns, 10**9) for ns in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)]
    seconds, parts = zip(*times, strict=True)
    more = (status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, 4096, 0)
    return ATTRIBUTES.pack(status.st_ino, status.st_size, status.st_blocks, *seconds, *parts, *more)


def main() -> None:
    directory, mountpoint, fault = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    libc = ctypes.CDLL(None, use_errno=True)
    paths = [os.fsencode(text) for text in ("fuse_disk", mountpoint, "fuse")]
    if libc.mount(*paths, MS_NOSUID_NODEV, options.encode()):
        sys.exit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    FuseDisk(Path(directory), Path(fault)).serve(device)


if __name__ == "__main__":
    main()
