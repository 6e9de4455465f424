"""What a process that Millpond starts may reach: applied in the child by its launcher.

Four layers, each used where the kernel offers it; none needs root:

* namespaces: a mount namespace (inside a user namespace unless we are root) in which `/tmp` is the
  process's own and the hidden folders are empty, but for what is granted inside them;
* Landlock: the system is readable, the granted paths are readable or writable, nothing else is;
  processes outside can be neither signalled (ABI 6) nor traced;
* seccomp: without network, a socket can be made in the Unix family alone; a process that is to be
  alone starts no other;
* no new privileges, and no capabilities, ever.

Standard library only and quick to import: it runs in `python -I -S`.
"""
# pathlib takes longer to import than all the rest, and `/tmp` is the process's own here.
# ruff: noqa: PTH103, PTH110, PTH112, PTH120, PTH208, S108

import ctypes
import errno
import os
import resource
import stat
import struct
import sys
from collections.abc import Callable

SYSTEM_READS = (
    "/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/opt", "/proc",
    "/run/systemd/resolve", "/sbin", "/sys", "/usr", "/var/lib/ca-certificates",
)  # fmt: skip
DEVICES_WRITTEN = (
    "/dev/full", "/dev/null", "/dev/ptmx", "/dev/pts", "/dev/random", "/dev/shm", "/dev/tty",
    "/dev/urandom", "/dev/zero",
)  # fmt: skip

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_RDONLY, _MS_REMOUNT = 1 << 0, 1 << 5
_MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
_KEPT_FLAGS = {2: 1 << 1, 4: 1 << 2, 8: 1 << 3, 1024: 1 << 10, 2048: 1 << 11, 4096: 1 << 21}
"""What a mount says of itself (ST_NOSUID, ST_NODEV, ST_NOEXEC, ST_NOATIME, ST_NODIRATIME,
ST_RELATIME), and how to say so when it is mounted again."""
_SIGKILL = 9
_MEMORY_FILES = "mode=1777,size=256m"
"""How `/dev/shm` is mounted: what is written there is memory that no limit of a process counts."""

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LIST = 1 << 3
_READ = 1 << 0 | 1 << 2 | _LIST  # execute, read a file, list a folder
_WRITE = 1 << 1 | sum(1 << bit for bit in range(4, 13))  # write, remove, make of every kind
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | _TRUNCATE | _IOCTL_DEV

_AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_SYSCALL_SOCKET = {"x86_64": 41, "aarch64": 198}
_SYSCALL_IO_URING_SETUP = 425
_SYSCALLS_FORK = {"x86_64": (57, 58), "aarch64": ()}
_SYSCALL_CLONE = {"x86_64": 56, "aarch64": 220}
_SYSCALL_CLONE3 = 435
_CLONE_THREAD = 0x0001_0000
_X32_SYSCALL_BIT = 0x4000_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000
"""A filter's instructions and answers; the errno is added to a refusal."""

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _prctl(option: int, value: int, pointer: object = 0) -> None:
    if _libc is not None:
        zero = ctypes.c_ulong(0)
        third = ctypes.c_ulong(0) if pointer == 0 else pointer
        _checked(_libc.prctl(option, ctypes.c_ulong(value), third, zero, zero))


def _syscall(number: int, *arguments: object) -> int:
    if _libc is None:
        raise OSError("There are no such system calls here.")
    return _checked(int(_libc.syscall(ctypes.c_long(number), *arguments)))


def become_subreaper() -> None:
    """Orphans among this process's descendants become its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends. The last step before exec: a change
    of credentials clears it."""
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent or parent == 1:
        os._exit(127)


def apply_limits(limits: dict[str, int]) -> None:
    """Set soft and hard limits by the names of `resource` (`RLIMIT_` left out), never above what
    this process itself is held to."""
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (bound, bound))


def landlock_abi() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    try:
        return _syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def enter(
    *,
    reads: list[str],
    writes: list[str],
    hidden: list[str],
    private_tmp: str | None,
    network: bool,
    alone: bool,
) -> list[str]:
    """Confine this process and all that it will start; the layers that are in force."""
    layers = []
    if private_tmp is not None or hidden:
        try:
            # A user namespace cannot be left again when only half of this works.
            if os.geteuid() == 0 or works_in_a_child(has_namespaces):
                _enter_namespace()
                layers.append("namespaces")
        except OSError:
            pass
    if layers:
        _rearrange(reads, writes, hidden, private_tmp)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    drop_capabilities()
    try:
        _restrict_files(reads, writes, hidden, private_tmp is not None and bool(layers))
        layers.append("landlock")
    except OSError:
        pass
    if not network:
        try:
            _refuse_sockets()
            layers.append("seccomp")
        except OSError:
            pass
    if alone:
        try:
            _refuse_processes()
            layers.append("alone")
        except OSError:
            pass
    return layers


def drop_capabilities() -> None:
    """Leave nothing for a program run as root to regain on exec."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            return


def _enter_namespace() -> None:
    """Take this process into a mount namespace of its own, which still looks the same.

    Raises:
        OSError: the system does not allow it; nothing that this process sees has changed.
    """
    if _libc is None:
        raise OSError("There are no namespaces here.")
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _checked(_libc.unshare(_CLONE_NEWNS))
    else:
        _checked(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWUSER))
        _write_file("/proc/self/setgroups", "deny")
        _write_file("/proc/self/uid_map", f"{user} {user} 1")
        _write_file("/proc/self/gid_map", f"{group} {group} 1")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def _rearrange(
    reads: list[str], writes: list[str], hidden: list[str], private_tmp: str | None
) -> None:
    """Make `/tmp`, `/dev/shm` and the hidden folders this process's own."""
    kept = [
        (path, os.open(path, os.O_PATH), path in writes)
        for path in sorted({*reads, *writes}, key=len)
        if os.path.exists(path)
    ]
    if private_tmp is not None:
        _cover("/tmp", private_tmp, kept)
    for place in sorted(hidden, key=len):
        if os.path.isdir(place):
            _cover(place, None, kept)
    if os.path.isdir("/dev/shm"):
        _mount("tmpfs", "/dev/shm", "tmpfs", 0, _MEMORY_FILES)
    for _, descriptor, _ in kept:
        os.close(descriptor)


def _cover(place: str, source: str | None, kept: list[tuple[str, int, bool]]) -> None:
    """Put `source` (None: emptiness) over `place`, and what is kept of it back into it.

    What is only to be read is mounted read-only: it lies in a place that may be written.
    """
    if source is None:
        _mount("tmpfs", place, "tmpfs", 0, "mode=755,size=1m")
    else:
        _mount(source, place, None, _MS_BIND)
    for path, descriptor, writable in kept:
        if not path.startswith(place.rstrip("/") + "/"):
            continue
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.makedirs(path, exist_ok=True)
        elif not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        _mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        if not writable:
            flags = os.statvfs(path).f_flag
            more = sum(flag for shown, flag in _KEPT_FLAGS.items() if flags & shown)
            _mount("none", path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | more)


def _mount(source: str, place: str, kind: str | None, flags: int, options: str = "") -> None:
    if _libc is not None:
        _checked(
            _libc.mount(
                os.fsencode(source),
                os.fsencode(place),
                None if kind is None else kind.encode(),
                ctypes.c_ulong(flags),
                options.encode() or None,
            )
        )


def _write_file(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def around(path: str, hidden: list[str]) -> list[str]:
    """`path`, or, where something hidden lies in it, everything beside that."""
    if path in hidden:
        return []
    inside = path.rstrip("/") + "/"
    if not any(place.startswith(inside) for place in hidden):
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [part for name in names for part in around(inside + name, hidden)]


def _restrict_files(
    reads: list[str], writes: list[str], hidden: list[str], has_private_tmp: bool
) -> None:
    abi = landlock_abi()
    if abi == 0:
        raise OSError("The kernel has no Landlock.")
    write = _WRITE | (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    device = _IOCTL_DEV if abi >= 5 else 0
    handled = _READ | write | device
    scoped = 0b11 if abi >= 6 else 0
    attributes = struct.pack("=QQQ", handled, 0, scoped)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    grants = [(part, _READ | device) for path in SYSTEM_READS for part in around(path, hidden)]
    grants += [(part, _READ) for path in reads for part in around(path, hidden)]
    # The other devices are seen, not read: a disk's would show everything that is on it.
    grants.append(("/dev", _LIST))
    grants += [(path, _READ | write | device) for path in DEVICES_WRITTEN]
    grants += [(path, _READ | write) for path in writes]
    if has_private_tmp:
        grants.append(("/tmp", _READ | write))
    for path, access in grants:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            allowed = access & handled & (handled if is_folder else _OF_A_FILE)
            rule = struct.pack("=Qi", allowed, descriptor)
            _syscall(
                _LANDLOCK_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0)
            )
        finally:
            os.close(descriptor)
    _syscall(_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _refuse_sockets() -> None:
    """A seccomp filter: only Unix sockets, no io_uring (which would make others), one ABI."""
    machine = _machine()
    _filter(
        (_LOAD, 0, 0, 4),
        (_EQUAL, 0, 6, _AUDIT_ARCH[machine]),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 4, 0, _X32_SYSCALL_BIT),
        (_EQUAL, 3, 0, _SYSCALL_IO_URING_SETUP),
        (_EQUAL, 0, 3, _SYSCALL_SOCKET[machine]),
        (_LOAD, 0, 0, 16),
        (_EQUAL, 1, 0, 1),  # AF_UNIX
        (_ANSWER, 0, 0, _REFUSE | errno.EAFNOSUPPORT),
        (_ANSWER, 0, 0, _ALLOW),
    )


def _refuse_processes() -> None:
    """A seccomp filter: threads, but no other processes. What clone3 is to make cannot be seen, so
    there is none: the C library takes clone then."""
    machine = _machine()
    forks = _SYSCALLS_FORK[machine]
    _filter(
        (_LOAD, 0, 0, 4),
        (_EQUAL, 0, len(forks) + 6, _AUDIT_ARCH[machine]),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, len(forks) + 4, 0, _X32_SYSCALL_BIT),
        *[(_EQUAL, len(forks) + 3 - at, 0, number) for at, number in enumerate(forks)],
        (_EQUAL, 4, 0, _SYSCALL_CLONE3),
        (_EQUAL, 0, 4, _SYSCALL_CLONE[machine]),
        (_LOAD, 0, 0, 16),
        (_ANY_BIT, 2, 0, _CLONE_THREAD),
        (_ANSWER, 0, 0, _REFUSE | errno.EAGAIN),
        (_ANSWER, 0, 0, _REFUSE | errno.ENOSYS),
        (_ANSWER, 0, 0, _ALLOW),
    )


def _machine() -> str:
    machine = os.uname().machine
    if machine not in _AUDIT_ARCH:
        raise OSError("There is no filter for this processor.")
    return machine


def _filter(*program: tuple[int, int, int, int]) -> None:
    """Put a filter of system calls into force: instructions with their two jumps and operand."""
    instructions = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    filtering = _Filter(len(program), instructions)
    _prctl(_PR_SET_SECCOMP, 2, ctypes.byref(filtering))


def works_in_a_child(layer: Callable[[], bool]) -> bool:
    """Whether a layer works here, tried in a process that is thrown away."""
    child = os.fork()
    if child == 0:
        os._exit(0 if layer() else 1)
    return os.waitpid(child, 0)[1] == 0


def has_namespaces() -> bool:
    """Whether `_enter_namespace` works here. Changes this process."""
    try:
        _enter_namespace()
    except OSError:
        return False
    return True


def has_seccomp() -> bool:
    """Whether `_refuse_sockets` works here. Changes this process."""
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _refuse_sockets()
    except OSError:
        return False
    return True
