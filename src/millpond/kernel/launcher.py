"""The small process between Millpond and each process that it starts.

`processes.start` runs `main` in `python -I -S` with one end of a socket pair. The launcher reads
the order (a frame, see below), forks, confines the child and lets it exec; then it waits for what
comes first: the child's end, a command, or the end of the socket, which is the end of Millpond,
however it came. It then kills all that descends from it. Being their subreaper it keeps hold of
daemons that left their session, and being killed itself takes the child along (PR_SET_PDEATHSIG);
what may be left even then is found by its marker at the next start (`processes.sweep_leftovers`).

A frame is a four-byte big-endian length and a `marshal` value: both ends are the same Python.
To the launcher: the order, then `("signal", number)` and `("kill", grace_seconds)`.
From it: `("started", pid, layers)` or `("refused", reason)`, then `("ended", {...})`.
"""
# pathlib takes longer to import than all the rest.
# ruff: noqa: PTH112, PTH123, PTH208

import marshal
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from millpond.kernel import sandbox

REAP_PAUSE_SECONDS = 0.005


def main() -> NoReturn:
    control = int(sys.argv[1])
    os.set_inheritable(control, False)
    if sys.argv[2:] == ["probe"]:
        _probe(control)
    order = _read_frame(control)
    if order is None:
        os._exit(0)
    sandbox.become_subreaper()
    wakes = _wake_on_child_end()
    oom_kills = _count_oom_kills()
    child, refusal, layers = _start_child(order)
    _let_go_of(order["files"])
    if refusal:
        _send(control, ("refused", refusal))
        os._exit(0)
    _send(control, ("started", child, layers))
    ended = _wait_for_end(control, wakes, child)
    ended["out_of_memory"] = (
        ended["signal"] == signal.SIGKILL and not ended["killed"] and _count_oom_kills() > oom_kills
    )
    _send(control, ("ended", ended))
    os._exit(0)


def _start_child(order: dict[str, Any]) -> tuple[int, str, list[str]]:
    """Fork and exec. The pid, why it could not be, and the layers of isolation in force."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _become(order, tell)
        except BaseException as error:  # whatever it is, the parent has to hear of it
            os.write(tell, b"!" + _explain(order, error).encode())
        os._exit(127)
    os.close(tell)
    heard = b"".join(iter(lambda: os.read(told, 65536), b""))
    os.close(told)
    layers, _, refusal = heard.decode(errors="replace").partition("!")
    if refusal:
        os.waitpid(child, 0)
    return child, refusal, layers.split()


def _become(order: dict[str, Any], tell: int) -> NoReturn:
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for descriptor in order["files"]:
        os.set_inheritable(descriptor, True)
    os.chdir(order["folder"])
    sandbox.apply_limits(order["limits"])
    if order["sandbox"] is not None:
        os.write(tell, " ".join(sandbox.enter(**order["sandbox"])).encode())
        os.chdir(order["folder"])
    sandbox.die_with_parent()
    os.execvpe(order["arguments"][0], order["arguments"], order["env"])  # noqa: S606 - its job


def _explain(order: dict[str, Any], error: BaseException) -> str:
    program = order["arguments"][0]
    if isinstance(error, FileNotFoundError) and os.path.isdir(order["folder"]):
        return f"There is no program {program}."
    return f"{program} could not be started: {type(error).__name__}: {error}"


def _let_go_of(files: list[int]) -> None:
    """Keep none of the child's pipes open, so that their readers see their ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    for descriptor in files:
        os.close(descriptor)


def _wait_for_end(control: int, wakes: int, child: int) -> dict[str, Any]:
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wakes, select.POLLIN)
    killed, deadline = False, None
    while True:
        ended = _reap(child)
        if ended is not None:
            _kill_descendants(child)
            return {**ended, "killed": killed}
        if deadline is not None and time.monotonic() >= deadline:
            deadline = None
            _signal_descendants(child, signal.SIGKILL)
        left_ms = None if deadline is None else max(1, 1000 * (deadline - time.monotonic()))
        ready = {descriptor for descriptor, _ in poll.poll(left_ms)}
        if wakes in ready:
            os.read(wakes, 4096)
        if control in ready:
            command = _read_frame(control)
            if command is None:
                _kill_descendants(child)
                os._exit(0)
            name, value = command
            if name == "kill":
                killed, deadline = True, time.monotonic() + value
                _signal_descendants(child, signal.SIGTERM if value > 0 else signal.SIGKILL)
            else:
                _signal_descendants(child, value)


def _reap(child: int) -> dict[str, Any] | None:
    """Collect what has ended; how the child itself did, once it has."""
    ended = None
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        if pid == child:
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            ended = {
                "code": None if number else os.WEXITSTATUS(status),
                "signal": number,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "memory_bytes_max": usage.ru_maxrss * 1024,
            }


def _kill_descendants(child: int) -> None:
    """Kill all that is left, again and again until nothing is: some may be forking."""
    while True:
        _signal_descendants(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(REAP_PAUSE_SECONDS)


def _signal_descendants(child: int, number: int) -> None:
    pids = set(_descendants()) | {child}
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _descendants() -> Iterator[int]:
    if sys.platform != "linux":
        return
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    waiting = [os.getpid()]
    while waiting:
        found = children.get(waiting.pop(), [])
        yield from found
        waiting += found


def _wake_on_child_end() -> int:
    wakes, wake = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return wakes


def _count_oom_kills() -> int:
    """How often the kernel has killed a process for want of memory since it started."""
    try:
        with open("/proc/vmstat", "rb") as file:
            for line in file:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def _read_frame(control: int) -> Any:
    """The next frame's value, None at the end of the socket."""
    header = _read_exactly(control, 4)
    body = None if header is None else _read_exactly(control, int.from_bytes(header, "big"))
    return None if body is None else marshal.loads(body)  # noqa: S302 - from the same program


def _read_exactly(control: int, size: int) -> bytes | None:
    parts = b""
    while len(parts) < size:
        try:
            part = os.read(control, size - len(parts))
        except ConnectionResetError:
            return None
        if not part:
            return None
        parts += part
    return parts


def _send(control: int, value: Any) -> None:
    data = marshal.dumps(value)
    data = len(data).to_bytes(4, "big") + data
    try:
        while data:
            data = data[os.write(control, data) :]
    except (BrokenPipeError, ConnectionResetError):
        return


def _probe(control: int) -> NoReturn:
    """Tell which layers of isolation work here."""
    found = {
        "landlock_abi": sandbox.landlock_abi(),
        "namespaces": sandbox.works_in_a_child(sandbox.has_namespaces),
        "seccomp": sandbox.works_in_a_child(sandbox.has_seccomp),
    }
    _send(control, found)
    os._exit(0)
