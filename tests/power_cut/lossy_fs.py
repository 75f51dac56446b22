"""A file system in memory that forgets, when the power is cut, what was not synced.

    lossy_fs.py MOUNTPOINT IMAGE [--survive CHANCE --seed N]

Every file and every folder has two states: what programs see, and what is on the disk. What they do goes into the first
and onto a list of what is pending; fsync (of the file: its bytes; of the folder: its names) moves the list to the disk.
When this program is told to end (SIGTERM) or is unmounted, the power is cut: it writes what is on the disk to IMAGE, from
which it starts the next time. Of what is pending nothing survives, or each piece with the given chance, in any
combination, as disks may have it.

It is stricter than file systems are: POSIX promises no more, ext4 and XFS do a little.
"""

import argparse
import errno
import os
import pickle
import random
import stat
import sys

try:
    from fusepy import FUSE, FuseOSError, Operations
except ImportError:  # As PyPI names it.
    from fuse import FUSE, FuseOSError, Operations


class File:
    def __init__(self, mode):
        self.mode = stat.S_IFREG | mode
        self.seen = bytearray()
        self.stored = bytearray()
        self.pending = []

    def change(self, piece):
        apply_to(self.seen, piece)
        self.pending.append(piece)

    def sync(self, survives=lambda: True):
        for piece in self.pending:
            if survives():
                apply_to(self.stored, piece)
        self.pending = []

    def lose(self, survives):
        self.sync(survives)
        self.seen = bytearray(self.stored)


def apply_to(content, piece):
    at, written = piece
    if written is None:  # The file's new size.
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(written)] = written


class Folder:
    def __init__(self, mode):
        self.mode = stat.S_IFDIR | mode
        self.seen = {}
        self.stored = {}
        self.pending = []

    def change(self, name, node):
        put(self.seen, name, node)
        self.pending.append((name, node))

    def sync(self, survives=lambda: True):
        for name, node in self.pending:
            if survives():
                put(self.stored, name, node)
        self.pending = []

    def lose(self, survives):
        self.sync(survives)
        self.seen = dict(self.stored)
        for node in self.seen.values():
            node.lose(survives)


def put(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


class LossyDisk(Operations):
    def __init__(self, root):
        self.root = root
        self.open_files = {}
        self.next_handle = 0

    def find(self, path):
        node = self.root
        for name in filter(None, path.split("/")):
            node = node.seen.get(name) if isinstance(node, Folder) else None
            if node is None:
                raise FuseOSError(errno.ENOENT)
        return node

    def parent(self, path):
        folder, name = os.path.split(path)
        return self.find(folder), name

    def handle(self, node):
        self.next_handle += 1
        self.open_files[self.next_handle] = node
        return self.next_handle

    def file(self, path, handle):
        return self.open_files[handle] if handle in self.open_files else self.find(path)

    def getattr(self, path, fh=None):
        node = self.file(path, fh)
        size = len(node.seen) if isinstance(node, File) else 0
        return dict(st_mode=node.mode, st_size=size, st_nlink=1, st_uid=os.getuid(), st_gid=os.getgid())

    def readdir(self, path, fh):
        return [".", "..", *self.find(path).seen]

    def mkdir(self, path, mode):
        folder, name = self.parent(path)
        folder.change(name, Folder(mode))

    def rmdir(self, path):
        if self.find(path).seen:
            raise FuseOSError(errno.ENOTEMPTY)
        self.unlink(path)

    def create(self, path, mode, fi=None):
        folder, name = self.parent(path)
        node = File(mode)
        folder.change(name, node)
        return self.handle(node)

    def open(self, path, flags):
        return self.handle(self.find(path))

    def release(self, path, fh):
        self.open_files.pop(fh, None)

    def read(self, path, size, offset, fh):
        return bytes(self.file(path, fh).seen[offset : offset + size])

    def write(self, path, data, offset, fh):
        self.file(path, fh).change((offset, data))
        return len(data)

    def truncate(self, path, length, fh=None):
        self.file(path, fh).change((length, None))

    def unlink(self, path):
        folder, name = self.parent(path)
        folder.change(name, None)

    def rename(self, old, new):
        node = self.find(old)
        folder, name = self.parent(new)
        folder.change(name, node)
        self.unlink(old)

    def fsync(self, path, datasync, fh):
        self.file(path, fh).sync()

    def fsyncdir(self, path, datasync, fh):
        self.find(path).sync()

    def chmod(self, path, mode):
        node = self.find(path)
        node.mode = stat.S_IFMT(node.mode) | mode

    def chown(self, path, uid, gid):
        pass

    def statfs(self, path):
        return dict(f_bsize=4096, f_frsize=4096, f_blocks=1 << 20, f_bfree=1 << 20, f_bavail=1 << 20)

    def utimens(self, path, times=None):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mountpoint")
    parser.add_argument("image")
    parser.add_argument("--survive", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    root = Folder(0o755)
    if os.path.exists(options.image):
        with open(options.image, "rb") as image:
            root = pickle.load(image)
    # One thread: no operation is ever half done. big_writes: not a call for each 4 KiB.
    FUSE(LossyDisk(root), options.mountpoint, foreground=True, nothreads=True, big_writes=True, fsname="lossy")
    chance = random.Random(options.seed)
    root.lose(lambda: chance.random() < options.survive)
    with open(options.image, "wb") as image:
        pickle.dump(root, image)


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main()
