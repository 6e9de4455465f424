"""Disks for tests of the embedded log: one in memory, one that remembers, and one that dies.

`Recorder` notes every call of the file layer. From the notes of any moment, `rebuild` makes states
that a disk could be in if power went then: of bytes that were not synced, each sector may be there
or not; of folder entries that were not synced, each may be there or not. A sync promises only what
was done before it began, and after one that failed no later one promises what that one should have,
until a restart.
"""

import errno
import itertools
import random
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512


class MemoryDisk:
    """Files in memory. `files` maps paths to bytes, None for a folder."""

    def __init__(self, files=None):
        self.files = {} if files is None else files
        self._open = {}
        self._numbers = itertools.count(1)

    def copy(self):
        return MemoryDisk(
            {path: None if data is None else bytearray(data) for path, data in self.files.items()}
        )

    def make_folder(self, path):
        self.files.setdefault(path, None)

    def create(self, path):
        if path in self.files:
            raise FileExistsError(path)
        self.files[path] = bytearray()
        return self.open(path)

    def open(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        descriptor = next(self._numbers)
        self._open[descriptor] = self.files[path]
        return descriptor

    def close(self, descriptor):
        del self._open[descriptor]

    def write(self, descriptor, data, offset):
        file = self._open[descriptor]
        if len(file) < offset:
            file.extend(bytes(offset - len(file)))
        file[offset : offset + len(data)] = data
        return len(data)

    def read(self, descriptor, size, offset):
        return bytes(self._open[descriptor][offset : offset + size])

    def size(self, descriptor):
        return len(self._open[descriptor])

    def sync(self, descriptor):
        assert descriptor in self._open

    def sync_folder(self, path):
        assert self.files[path] is None

    def rename(self, path, to):
        self.files[to] = self.files.pop(path)

    def unlink(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        del self.files[path]

    def names(self, path):
        return [one.name for one in list(self.files) if one.parent == path]


@dataclass(eq=False)
class Node:
    """A file's writes or a folder's entries, each with its moment, and its syncs."""

    is_folder: bool
    pieces: list[tuple[int, int, bytes]] = field(default_factory=list)
    entries: list[tuple[int, str, "Node | None"]] = field(default_factory=list)
    synced: list[tuple[int, int]] = field(default_factory=list)
    """`(ended, began)` of each sync that succeeded."""
    doomed: list[tuple[int, int]] = field(default_factory=list)
    """The same of each that failed."""

    def is_safe(self, moment, now):
        """Whether what happened at `moment` outlives a cut at `now`."""
        first = min(
            (ended for ended, _ in self.doomed if moment < ended <= now),
            default=now + 1,
        )
        return any(moment < began and ended < first for ended, began in self.synced if ended <= now)


class Recorder:
    """A disk in memory that remembers. `root` is there from the start."""

    def __init__(self, root):
        self.disk = MemoryDisk({root: None})
        self.now = 0
        self.root = root
        self._lock = threading.RLock()
        self._moments = itertools.count(1)
        self._nodes = {root: Node(True)}
        self._every = [self._nodes[root]]
        self._open = {}
        self.sync_sites = {}
        self.forgotten_site = None

    def restart(self):
        """A new process, on a disk that is well."""
        for node in self._every:
            node.doomed.clear()

    def moment(self):
        with self._lock:
            self.now = next(self._moments)
            return self.now

    @property
    def top(self):
        return self._nodes[self.root]

    def _enter(self, path, node):
        self._nodes[path.parent].entries.append((self.moment(), path.name, node))
        if node is None:
            del self._nodes[path]
        else:
            self._nodes[path] = node
            self._every.append(node)

    def make_folder(self, path):
        with self._lock:
            self.disk.make_folder(path)
            if path not in self._nodes:
                self._enter(path, Node(True))

    def create(self, path):
        with self._lock:
            descriptor = self.disk.create(path)
            self._enter(path, Node(False))
            self._open[descriptor] = self._nodes[path]
            return descriptor

    def open(self, path):
        with self._lock:
            descriptor = self.disk.open(path)
            self._open[descriptor] = self._nodes[path]
            return descriptor

    def write(self, descriptor, data, offset):
        with self._lock:
            count = self.disk.write(descriptor, data, offset)
            self._open[descriptor].pieces.append((self.moment(), offset, bytes(data[:count])))
            return count

    def rename(self, path, to):
        with self._lock:
            self.disk.rename(path, to)
            node = self._nodes[path]
            self._nodes[path.parent].entries.append((self.moment(), (path.name, to.name), node))
            self._nodes[to] = self._nodes.pop(path)

    def unlink(self, path):
        with self._lock:
            self.disk.unlink(path)
            self._enter(path, None)

    def close(self, descriptor):
        with self._lock:
            self._open.pop(descriptor, None)
            self.disk.close(descriptor)

    def sync(self, descriptor):
        self._note_sync(self._open[descriptor])

    def sync_folder(self, path):
        self._note_sync(self._nodes[path])

    def fail_sync(self, descriptor):
        """As the disk's answer to a sync that was tried."""
        node = self._open[descriptor]
        node.doomed.append((self.moment(), self.moment()))

    def _note_sync(self, node):
        site = calling_site()
        self.sync_sites[site] = self.sync_sites.get(site, 0) + 1
        if site == self.forgotten_site:
            return
        began = self.moment()
        node.synced.append((self.moment(), began))

    def read(self, descriptor, size, offset):
        return self.disk.read(descriptor, size, offset)

    def size(self, descriptor):
        return self.disk.size(descriptor)

    def names(self, path):
        return self.disk.names(path)


def calling_site():
    """Where in the engine the file layer was called: a file and a line."""
    frame = sys._getframe(1)
    while Path(frame.f_code.co_filename).parent.name != "embedded":
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


class Killed:
    """`files` of a process that is killed when it comes to sync a path that `is_last` says."""

    def __init__(self, files, is_last):
        self._files = files
        self._is_last = is_last
        self._paths = {}
        self.dead = False

    def __getattr__(self, name):
        def call(*arguments):
            if self.dead:
                raise OSError(errno.EIO, "The process is dead")
            return getattr(self._files, name)(*arguments)

        return call

    def create(self, path):
        if self.dead:
            raise OSError(errno.EIO, "The process is dead")
        descriptor = self._files.create(path)
        self._paths[descriptor] = path
        return descriptor

    def sync(self, descriptor):
        self._maybe_die(self._paths.get(descriptor))
        self._files.sync(descriptor)

    def sync_folder(self, path):
        self._maybe_die(path)
        self._files.sync_folder(path)

    def _maybe_die(self, path):
        if self.dead or self._is_last(path):
            self.dead = True
            raise OSError(errno.EIO, "The process is dead")


class Cut:
    """A way for the power to go: which entries stay, and what becomes of bytes.

    `leaves(length)` says of each sector of a write whether it is there; `lengthens` whether the
    file's length is as if all were.
    """

    def __init__(self, name, keeps_entry, keeps_sector, lengthens):
        self.name = name
        self.keeps_entry = keeps_entry
        self.keeps_sector = keeps_sector
        self.lengthens = lengthens


def cuts(seed):
    chance = random.Random(seed)

    def any_prefix():
        left = chance.randint(0, 3)

        def keeps(number):
            return number < left

        return keeps

    return [
        Cut("what was not synced is lost", lambda *_: False, lambda _: False, False),
        Cut("names are there, bytes are not", lambda *_: True, lambda _: False, False),
        Cut("names and lengths are there, bytes are not", lambda *_: True, lambda _: False, True),
        Cut("what was made is lost, what was removed is gone", is_removal, lambda _: True, False),
        Cut("all is there", lambda *_: True, lambda _: True, True),
        Cut("some sectors", lambda *_: True, lambda _: chance.random() < 0.5, True),
        Cut("the first sectors", lambda *_: True, any_prefix(), False),
        Cut(
            "any part",
            lambda *_: chance.random() < 0.5,
            lambda _: chance.random() < 0.7,
            chance.random() < 0.5,
        ),
    ]


def is_removal(_, child):
    return child is None


def rebuild(recorder, now, cut):
    """The disk that `cut` leaves at moment `now`."""
    disk = MemoryDisk({recorder.root: None})
    _rebuild(disk, recorder.top, recorder.root, now, cut)
    return disk


def _rebuild(disk, node, path, now, cut):
    left = {}
    for moment, name, child in node.entries:
        if moment > now or not (node.is_safe(moment, now) or cut.keeps_entry(name, child)):
            continue
        if isinstance(name, tuple):
            old, new = name
            if left.get(old) is child:
                del left[old]
            left[new] = child
        elif child is None:
            left.pop(name, None)
        else:
            left[name] = child
    for name, child in left.items():
        if child.is_folder:
            disk.files[path / name] = None
            _rebuild(disk, child, path / name, now, cut)
        else:
            disk.files[path / name] = _content(child, now, cut)


def _content(node, now, cut):
    data = bytearray()
    for moment, offset, piece in node.pieces:
        if moment > now:
            break
        if node.is_safe(moment, now):
            _put(data, offset, piece)
            continue
        if cut.lengthens and len(data) < offset + len(piece):
            data.extend(bytes(offset + len(piece) - len(data)))
        for number, (start, part) in enumerate(_sectors(offset, piece)):
            if cut.keeps_sector(number):
                _put(data, start, part)
    return data


def _put(data, offset, piece):
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(piece)] = piece


def _sectors(offset, piece):
    """The parts of a write that lie in different sectors, and where they begin."""
    start = offset
    while start < offset + len(piece):
        end = min((start // SECTOR + 1) * SECTOR, offset + len(piece))
        yield start, piece[start - offset : end - offset]
        start = end
