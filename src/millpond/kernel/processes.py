"""Processes of the platform's own: SQL workers, Spark engines, the steps of a cluster.

    process = await start(Command(("/usr/bin/env",), env={}, folder=scratch, marker=marker))
    ended = await process.wait()

Each is started by a small launcher (see `launcher`): in its own session, with the environment it
is given and nothing else, under limits, confined by a sandbox. When it ends, all that it started
ends with it; when Millpond ends, in whatever way, so does the process. A `Process` that nobody
holds any more is ended too.
"""

import asyncio
import contextlib
import enum
import functools
import marshal
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARKER_NAME = "MILLPOND_PROCESS"
ANSWER_SECONDS_MAX = 30.0
"""How long a launcher may take beyond the grace that it was given."""
_SOURCES = Path(__file__).resolve().parents[2]
_RUN_LAUNCHER = """\
import sys
sys.path.append(sys.argv.pop(1))
from millpond.kernel.launcher import main
main()
"""


class Stream(enum.Enum):
    """What a standard stream can be besides a file's path (appended to, or read)."""

    NOTHING = "nothing"
    PIPE = "pipe"
    OUTPUT = "output"
    """Standard error alone: where standard output goes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one process and, each for itself, of those it starts. None: no bound of ours."""

    memory_bytes: int | None = None
    """Private writable memory (RLIMIT_DATA): allocations beyond it fail."""
    cpu_seconds: int | None = None
    files_open: int | None = 8192
    file_size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a process may reach besides the system's programs, libraries and devices.

    `reads` and `writes` are files or folders that exist; the Python that runs Millpond is always
    readable. `hidden` (the data folder) is out of reach even where a readable folder holds it,
    except for what is granted inside. `private_tmp` is a folder that the process sees as `/tmp`
    (where the kernel has no namespaces for us, `/tmp` is out of reach: set TMPDIR too).
    Without `network` only Unix sockets can be made. `alone`: it starts no other processes.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    private_tmp: Path | None = None
    network: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `env` is the whole environment, and its PATH is where the program is looked for,
    as the process itself sees the disk; `marker` names the data folder that it is of."""

    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    folder: Path
    marker: str
    stdin: Stream | Path = Stream.NOTHING
    stdout: Stream | Path = Stream.NOTHING
    stderr: Stream | Path = Stream.NOTHING
    files: tuple[int, ...] = ()
    """Further file descriptors that it inherits, under their numbers."""
    limits: Limits = Limits()
    sandbox: Sandbox | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: with an exit `code`, or by a `signal` (0: none).

    `killed`: we ended it. `out_of_memory`: the kernel killed it for want of memory. `lost`: its
    launcher was killed, so how it ended is not known; it and what it started are gone.
    """

    code: int | None
    signal: int = 0
    killed: bool = False
    out_of_memory: bool = False
    lost: bool = False
    cpu_seconds: float = 0.0
    memory_bytes_max: int = 0

    @property
    def succeeded(self) -> bool:
        return self.code == 0

    def describe(self) -> str:
        """A sentence for a log: `exit code 1`, `killed by SIGSEGV`, …"""
        if self.out_of_memory:
            return "killed by the kernel: out of memory"
        if self.lost:
            return "ended in an unknown way"
        if self.signal:
            return f"killed by {signal.Signals(self.signal).name}"
        return f"exit code {self.code}"


class NotStarted(Exception):
    """The process could not be started; the text says why."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """Which layers of isolation this machine offers to an unprivileged process."""

    landlock_abi: int = 0
    namespaces: bool = False
    seccomp: bool = False

    def describe(self) -> str:
        """One sentence for the log at start."""
        layers = [
            f"Landlock (ABI {self.landlock_abi})" if self.landlock_abi else "",
            "mount namespaces" if self.namespaces else "",
            "seccomp" if self.seccomp else "",
        ]
        in_force = [layer for layer in layers if layer]
        if not in_force:
            return "no isolation beyond resource limits: run only code that you trust"
        missing = "" if self.landlock_abi else "; without Landlock the whole disk is readable"
        return f"{', '.join(in_force)} and resource limits{missing}"


class Process:
    """A started process. `layers` are the kinds of isolation in force."""

    def __init__(self, pid: int, layers: tuple[str, ...], launcher: "_Launcher") -> None:
        self.pid = pid
        self.layers = layers
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._launcher = launcher
        self._ended = asyncio.ensure_future(launcher.wait_for_end(pid))

    async def wait(self) -> Ended:
        """How it ended, once it and all that it started is gone."""
        return await asyncio.shield(self._ended)

    def signal(self, number: int) -> None:
        """Send a signal to it and to all that it started."""
        self._launcher.send(("signal", int(number)))

    async def kill(self, grace_seconds: float = 0.0) -> Ended:
        """End it: SIGTERM first when there is a grace, SIGKILL after that. Ending twice is fine."""
        if not self._ended.done():
            self._launcher.send(("kill", float(grace_seconds)))
            done, _ = await asyncio.wait({self._ended}, timeout=grace_seconds + ANSWER_SECONDS_MAX)
            if not done:
                self._launcher.kill()
        return await self.wait()


class _Launcher:
    """The near end of a launcher: frames in both directions."""

    def __init__(self, popen: "subprocess.Popen[bytes]", identity: str) -> None:
        self._popen = popen
        self._identity = identity
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def connect(self, near: socket.socket) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(sock=near)

    def send(self, value: Any) -> None:
        data = marshal.dumps(value)
        if not self._writer.is_closing():
            self._writer.write(len(data).to_bytes(4, "big") + data)

    async def receive(self) -> Any:
        """The next frame's value, None when the launcher is gone."""
        try:
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            return marshal.loads(await self._reader.readexactly(size))  # noqa: S302 - our launcher
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def wait_for_end(self, pid: int) -> Ended:
        try:
            answer = await self.receive()
            if answer is not None:
                return Ended(**answer[1])
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            await asyncio.to_thread(sweep_leftovers, self._identity)
            return Ended(code=None, lost=True)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the launcher, which then ends with all that it started."""
        self._writer.close()
        _reap_soon(self._popen)

    def kill(self) -> None:
        self._popen.kill()


async def start(command: Command) -> Process:
    """Start a process; it runs its program when this returns.

    Raises:
        NotStarted: its program or folder is missing, or a limit or the system forbids it.
    """
    identity = f"{command.marker}/{uuid.uuid4().hex}"
    with contextlib.ExitStack() as ours:
        pipes = _Pipes(command, ours)
        near, far = socket.socketpair()
        with far:
            popen = subprocess.Popen(  # noqa: ASYNC220 - returns once exec'd, in about a millisecond
                [sys.executable, "-I", "-S", "-c", _RUN_LAUNCHER, str(_SOURCES), str(far.fileno())],
                stdin=pipes.stdin,
                stdout=pipes.stdout,
                stderr=pipes.stderr,
                env={MARKER_NAME: identity},
                pass_fds=(far.fileno(), *command.files),
                start_new_session=True,
            )
    launcher = _Launcher(popen, identity)
    try:
        await launcher.connect(near)
        launcher.send(_order(command, identity))
        answer = await launcher.receive()
        if answer is None or answer[0] == "refused":
            lost = f"{command.arguments[0]} could not be started: its launcher ended."
            raise NotStarted(lost if answer is None else answer[1])
        process = Process(answer[1], tuple(answer[2]), launcher)
        await pipes.connect(process)
    except BaseException:
        near.close()
        _reap_soon(popen)
        pipes.close()
        raise
    return process


def _order(command: Command, identity: str) -> dict[str, Any]:
    limits = {
        "CORE": 0,
        "DATA": command.limits.memory_bytes,
        "CPU": command.limits.cpu_seconds,
        "NOFILE": command.limits.files_open,
        "FSIZE": command.limits.file_size_bytes,
    }
    confined = command.sandbox
    return {
        "arguments": list(command.arguments),
        "env": {**command.env, MARKER_NAME: identity},
        "folder": str(command.folder),
        "files": list(command.files),
        "limits": {name: value for name, value in limits.items() if value is not None},
        "sandbox": None
        if confined is None
        else {
            "reads": _existing((*confined.reads, *_python_folders())),
            "writes": _existing(confined.writes),
            "hidden": _existing(confined.hidden),
            "private_tmp": str(confined.private_tmp) if confined.private_tmp else None,
            "network": confined.network,
            "alone": confined.alone,
        },
    }


def _python_folders() -> tuple[Path, ...]:
    return (Path(sys.prefix), Path(sys.base_prefix), _SOURCES)


def _existing(paths: tuple[Path, ...]) -> list[str]:
    return [str(path.resolve()) for path in paths if path.exists()]


class _End:
    """Our end of a pipe, as a loop's transport takes it.

    uvloop closes the descriptor and then the object around it: by then another thread may have
    opened a file under the same number. So what is closed here is this pipe or nothing.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pipe = os.fstat(descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(self._descriptor), self._pipe):
                os.close(self._descriptor)


class _Pipes:
    """The standard streams of a command: what the launcher inherits, and our ends of the pipes."""

    def __init__(self, command: Command, theirs: contextlib.ExitStack) -> None:
        self._ours: dict[str, _End] = {}
        self.stdin = self._open("stdin", command.stdin, theirs)
        self.stdout = self._open("stdout", command.stdout, theirs)
        self.stderr = (
            self.stdout
            if command.stderr is Stream.OUTPUT
            else self._open("stderr", command.stderr, theirs)
        )

    def _open(self, name: str, stream: Stream | Path, theirs: contextlib.ExitStack) -> Any:
        is_input = name == "stdin"
        if isinstance(stream, Path):
            return theirs.enter_context(stream.open("rb" if is_input else "ab"))
        if stream is not Stream.PIPE:
            return subprocess.DEVNULL
        readable, writable = os.pipe()
        near, far = (writable, readable) if is_input else (readable, writable)
        self._ours[name] = _End(near)
        return theirs.enter_context(os.fdopen(far, "rb" if is_input else "wb", buffering=0))

    async def connect(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        for name, file in self._ours.items():
            protocol = asyncio.StreamReaderProtocol(reader := asyncio.StreamReader())
            if name == "stdin":
                transport, _ = await loop.connect_write_pipe(
                    functools.partial(_same, protocol), file
                )
                process.stdin = asyncio.StreamWriter(transport, protocol, None, loop)
            else:
                await loop.connect_read_pipe(functools.partial(_same, protocol), file)
                setattr(process, name, reader)

    def close(self) -> None:
        for file in self._ours.values():
            file.close()


def _same(protocol: asyncio.StreamReaderProtocol) -> asyncio.StreamReaderProtocol:
    return protocol


def _reap_soon(popen: "subprocess.Popen[bytes]") -> None:
    """Collect a launcher that is about to end, without waiting for it here."""
    if popen.poll() is None:
        asyncio.get_running_loop().run_in_executor(None, popen.wait)


def way_out() -> dict[str, str]:
    """The variables by which this machine names proxies, and the index that pip asks: for what
    installs something."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower() in ("http_proxy", "https_proxy", "no_proxy", "ssl_cert_file")
        or name.startswith("PIP_")
    }


def sweep_leftovers(marker: str) -> int:
    """Kill what is left of an earlier server with this marker; how many processes there were.

    To be called when the data folder is ours alone, before anything is started.
    """
    wanted = f"{MARKER_NAME}={marker}".encode()
    spared = {os.getpid(), os.getppid()}
    killed: set[int] = set()
    while found := [pid for pid in _marked(wanted) if pid not in spared]:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if killed.issuperset(found):
            time.sleep(0.01)
        killed.update(found)
    return len(killed)


def _marked(wanted: bytes) -> list[int]:
    """Live processes whose environment carries the marker, alone or with an identity after it."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
        except (OSError, IndexError):
            continue
        if state != b"Z" and any(
            variable == wanted or variable.startswith(wanted + b"/") for variable in variables
        ):
            pids.append(int(folder.name))
    return pids


def probe() -> Isolation:
    """What isolation works on this machine. Takes about 30 ms."""
    near, far = socket.socketpair()
    with near, far:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _RUN_LAUNCHER, str(_SOURCES), str(far.fileno()),
             "probe"],
            stdin=subprocess.DEVNULL,
            env={},
            pass_fds=(far.fileno(),),
            check=True,
        )  # fmt: skip
        found = marshal.loads(near.recv(4096)[4:])  # noqa: S302 - from our launcher
    return Isolation(**found)
