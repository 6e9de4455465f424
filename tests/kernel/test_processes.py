"""Processes that Millpond starts: what they are given, what holds them, and how they end."""

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from millpond.kernel import processes
from millpond.kernel.processes import Command, Limits, NotStarted, Sandbox, Stream, start
from millpond.kernel.sandbox import DEVICES_WRITTEN

ISOLATION = processes.probe()
PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def marker():
    """A marker of the test's own; whatever it left behind is ended."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    processes.sweep_leftovers(name)


def python(text, **options):
    return Command(
        (sys.executable, "-I", "-c", textwrap.dedent(text)), env={"PATH": PATH}, **options
    )


async def output_of(command):
    process = await start(command)
    text = await process.stdout.read()
    return text.decode(), await process.wait()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except FileNotFoundError:
        return False


async def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


async def test_a_process_has_the_environment_it_is_given_and_nothing_else(
    tmp_path, marker, monkeypatch
):
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "s3cr3t")
    command = Command(
        ("env", "-0"), {"PATH": PATH, "GIVEN": "é\n2"}, tmp_path, marker, stdout=Stream.PIPE
    )
    text, ended = await output_of(command)
    variables = dict(line.split("=", 1) for line in text.rstrip("\0").split("\0"))
    assert variables.pop("MILLPOND_PROCESS").startswith(marker + "/")
    assert variables == {"PATH": PATH, "GIVEN": "é\n2"}
    assert ended.succeeded


async def test_a_process_talks_over_its_pipes(tmp_path, marker):
    process = await start(
        Command(("cat",), {"PATH": PATH}, tmp_path, marker, Stream.PIPE, Stream.PIPE)
    )
    process.stdin.write(b"x" * 1_000_000)
    process.stdin.close()
    assert await process.stdout.read() == b"x" * 1_000_000
    assert (await process.wait()).code == 0


async def test_output_goes_to_files_and_errors_may_go_along(tmp_path, marker):
    words, log = tmp_path / "words", tmp_path / "log"
    words.write_text("read\n")
    log.write_text("before\n")
    process = await start(
        Command(
            ("sh", "-c", "cat; pwd; echo wrong >&2; exit 3"),
            {"PATH": PATH},
            tmp_path,
            marker,
            stdin=words,
            stdout=log,
            stderr=Stream.OUTPUT,
        )
    )
    ended = await process.wait()
    assert (ended.code, ended.describe()) == (3, "exit code 3")
    assert log.read_text() == f"before\nread\n{tmp_path}\nwrong\n"


async def test_a_file_descriptor_can_be_handed_over(tmp_path, marker):
    near, far = socket.socketpair()
    with near, far:
        process = await start(
            python(
                f"import os; os.write({far.fileno()}, b'here')",
                folder=tmp_path,
                marker=marker,
                files=(far.fileno(),),
            )
        )
        assert near.recv(10) == b"here"
        assert (await process.wait()).succeeded


async def test_a_missing_program_or_folder_is_named(tmp_path, marker):
    with pytest.raises(NotStarted, match="no program nowhere-to-be-found"):
        await start(Command(("nowhere-to-be-found",), {"PATH": PATH}, tmp_path, marker))
    with pytest.raises(NotStarted, match="missing"):
        await start(Command(("true",), {"PATH": PATH}, tmp_path / "missing", marker))


async def test_a_program_is_looked_for_as_the_process_sees_the_disk(tmp_path, marker):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 5\n")
    script.chmod(0o755)
    for words, path in ((("./script",), PATH), (("script",), f"{tmp_path}:{PATH}")):
        process = await start(Command(words, {"PATH": path}, tmp_path, marker))
        assert (await process.wait()).code == 5
    script.chmod(0o644)
    with pytest.raises(NotStarted, match="PermissionError"):
        await start(Command(("./script",), {"PATH": PATH}, tmp_path, marker))


async def test_a_signal_that_ended_a_process_is_told(tmp_path, marker):
    process = await start(
        python("import os; os.kill(os.getpid(), 11)", folder=tmp_path, marker=marker)
    )
    ended = await process.wait()
    assert (ended.code, ended.signal, ended.killed) == (None, signal.SIGSEGV, False)
    assert ended.describe() == "killed by SIGSEGV"


async def test_kill_lets_a_process_clean_up_within_its_grace(tmp_path, marker):
    process = await start(
        python(
            """
            import signal, sys, time
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
            print("ready", flush=True)
            time.sleep(60)
            """,
            folder=tmp_path,
            marker=marker,
            stdout=Stream.PIPE,
        )
    )
    await process.stdout.readline()
    ended = await process.kill(grace_seconds=10)
    assert (ended.code, ended.killed) == (7, True)
    assert await process.kill() == ended


async def test_kill_does_not_wait_for_a_deaf_process(tmp_path, marker):
    process = await start(
        python(
            """
            import signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            time.sleep(60)
            """,
            folder=tmp_path,
            marker=marker,
            stdout=Stream.PIPE,
        )
    )
    await process.stdout.readline()
    ended = await process.kill(grace_seconds=0.1)
    assert (ended.signal, ended.killed) == (signal.SIGKILL, True)


async def test_a_signal_reaches_the_process(tmp_path, marker):
    process = await start(
        python(
            """
            import time
            try:
                print("ready", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                raise SystemExit(5)
            """,
            folder=tmp_path,
            marker=marker,
            stdout=Stream.PIPE,
        )
    )
    await process.stdout.readline()
    process.signal(signal.SIGINT)
    assert (await process.wait()).code == 5


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        with open(sys.argv[1] + ".part", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
time.sleep(float(sys.argv[2]))
"""


async def test_a_daemon_ends_with_the_process_that_started_it(tmp_path, marker):
    process = await start(
        Command((sys.executable, "-c", DAEMON, "pid", "0"), {"PATH": PATH}, tmp_path, marker)
    )
    assert (await process.wait()).succeeded
    assert not is_alive(int((tmp_path / "pid").read_text()))


SERVER = """
import asyncio, sys
from pathlib import Path
from millpond.kernel.processes import Command, Sandbox, start

async def main():
    folder, marker, daemon = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    process = await start(Command(
        (sys.executable, "-c", daemon, "pid", "600"), {}, folder, marker,
        sandbox=Sandbox(writes=(folder,)),
    ))
    while not (folder / "pid").exists():
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    await process.wait()

asyncio.run(main())
"""


def start_server(tmp_path, marker):
    """A server that has started a process that has started a daemon; it, and their pids."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path), marker, DAEMON], stdout=subprocess.PIPE
    )
    child = int(server.stdout.readline())
    return server, child, int((tmp_path / "pid").read_text())


async def test_nothing_outlives_a_server_that_is_killed(tmp_path, marker):
    server, child, daemon = start_server(tmp_path, marker)
    launcher = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    assert all(map(is_alive, (child, daemon, launcher)))
    server.kill()
    server.wait()
    await until(lambda: not any(map(is_alive, (child, daemon, launcher))))


async def test_killing_the_launcher_ends_the_process_and_is_told_as_lost(tmp_path, marker):
    process = await start(python("import time; time.sleep(60)", folder=tmp_path, marker=marker))
    launcher = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(launcher, signal.SIGKILL)
    ended = await process.wait()
    assert ended.lost
    assert ended.describe() == "ended in an unknown way"
    await until(lambda: not is_alive(process.pid))


async def test_what_even_the_launcher_could_not_end_is_swept_at_the_next_start(tmp_path, marker):
    text = "import subprocess; subprocess.run(['sleep', '600'], start_new_session=True)"
    process = await start(python(text, folder=tmp_path, marker=marker))
    wanted = f"MILLPOND_PROCESS={marker}".encode()
    await until(lambda: any(_name(pid) == "sleep" for pid in processes._marked(wanted)))
    sleeper = next(pid for pid in processes._marked(wanted) if _name(pid) == "sleep")
    launcher = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
    other = await start(Command(("sleep", "600"), {"PATH": PATH}, tmp_path, marker + "-other"))
    os.kill(launcher, signal.SIGSTOP)
    assert processes.sweep_leftovers(marker) == 3
    await until(lambda: not any(map(is_alive, (sleeper, launcher, process.pid))))
    assert is_alive(other.pid)
    assert processes.sweep_leftovers(marker) == 0
    await other.kill()


def _name(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


async def test_limits_bite(tmp_path, marker):
    process = await start(
        python(
            """
            import resource as r
            print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_NOFILE))
            try:
                bytearray(300 << 20)
            except MemoryError:
                print("no memory")
            """,
            folder=tmp_path,
            marker=marker,
            stdout=Stream.PIPE,
            limits=Limits(memory_bytes=200 << 20, files_open=77),
        )
    )
    assert (await process.stdout.read()).decode().splitlines() == ["(0, 0) (77, 77)", "no memory"]
    process = await start(
        python("while True: pass", folder=tmp_path, marker=marker, limits=Limits(cpu_seconds=1))
    )
    assert (await process.wait()).signal in (signal.SIGKILL, signal.SIGXCPU)


REACH = """
import json, os, signal, socket, sys
def can(action):
    try:
        action()
    except OSError:
        return False
    return True
def connect():
    with socket.create_connection(("127.0.0.1", int(sys.argv[4]))):
        pass
def write(path):
    with open(path, "a") as file:
        file.write("x")
print(json.dumps({
    "secret": can(lambda: open(sys.argv[1]).read()),
    "data": can(lambda: os.stat(sys.argv[1])),
    "work": can(lambda: write("mine")),
    "tmp": can(lambda: write("/tmp/mine")),
    "usr": can(lambda: write("/usr/mine")),
    "system": can(lambda: open("/etc/passwd").read()),
    "signal": can(lambda: os.kill(int(sys.argv[2]), 0)),
    "environ": can(lambda: open(f"/proc/{sys.argv[2]}/environ").read()),
    "read": can(lambda: open(sys.argv[3]).read()),
    "change": can(lambda: write(sys.argv[3])),
    "network": can(connect),
    "unix": can(lambda: socket.socketpair()),
    "child": os.system("true") == 0,
}))
"""


async def reach(tmp_path, marker, **options):
    data, work, private_tmp = tmp_path / "data", tmp_path / "data/work", tmp_path / "data/tmp"
    for folder in (work, private_tmp):
        folder.mkdir(parents=True)
    (data / "secret").write_text("s3cr3t")
    (data / "shared").write_text("granted")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        text, ended = await output_of(
            Command(
                (sys.executable, "-c", REACH, str(data / "secret"), str(os.getpid()),
                 str(data / "shared"), str(listening.getsockname()[1])),
                env={"PATH": PATH},
                folder=work,
                marker=marker,
                stdout=Stream.PIPE,
                sandbox=Sandbox(
                    reads=(data / "shared",),
                    writes=(work,),
                    hidden=(data,),
                    private_tmp=private_tmp,
                    **options,
                ),
            )
        )  # fmt: skip
    assert ended.succeeded
    assert (work / "mine").read_text() == "x"
    return json.loads(text), private_tmp


@pytest.mark.skipif(ISOLATION.landlock_abi < 6, reason="needs Landlock with scopes")
async def test_a_sandbox_shows_what_is_granted_and_nothing_else(tmp_path, marker):
    found, private_tmp = await reach(tmp_path, marker)
    granted = {"work", "system", "read", "unix", "child"}
    if ISOLATION.namespaces:
        granted.add("tmp")
        assert (private_tmp / "mine").read_text() == "x"
    assert {name for name, can in found.items() if can} == granted


@pytest.mark.skipif(ISOLATION.landlock_abi == 0, reason="needs Landlock")
async def test_a_sandbox_opens_no_device_that_shows_a_disk_or_the_kernel(tmp_path, marker):
    program = """
        import json, os
        def opens(path):
            try:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            except PermissionError:
                return False
            except OSError:
                return True
            return True
        others = [entry.path for entry in os.scandir("/dev") if not entry.is_symlink()
                  and not entry.is_dir() and entry.name not in KEPT and opens(entry.path)]
        print(json.dumps([others, all(map(opens, ("/dev/null", "/dev/urandom", "/dev/fd")))]))
    """.replace("KEPT", repr({Path(path).name for path in DEVICES_WRITTEN}))
    command = python(program, folder=tmp_path, marker=marker, stdout=Stream.PIPE)
    sandbox = Sandbox(writes=(tmp_path,), network=True)
    text, _ = await output_of(replace(command, sandbox=sandbox))
    assert json.loads(text) == [[], True]


@pytest.mark.skipif(not ISOLATION.seccomp, reason="needs seccomp")
async def test_a_process_that_is_to_be_alone_has_threads_and_no_children(tmp_path, marker):
    program = """
        import json, os, subprocess, threading
        def refusal(start):
            try:
                start()
            except OSError as error:
                return error.errno
        seen = []
        thread = threading.Thread(target=seen.append, args=("thread",))
        thread.start()
        thread.join()
        spawn = lambda: os.posix_spawn("/bin/true", ["true"], {})
        starts = (os.fork, spawn, lambda: subprocess.run(["true"]), os.forkpty)
        print(json.dumps([seen, *map(refusal, starts)]))
    """
    command = python(program, folder=tmp_path, marker=marker, stdout=Stream.PIPE)
    sandbox = Sandbox(writes=(tmp_path,), alone=True)
    text, ended = await output_of(replace(command, sandbox=sandbox))
    assert ended.succeeded
    assert json.loads(text) == [["thread"], *[errno.EAGAIN] * 4]


@pytest.mark.skipif(ISOLATION.landlock_abi < 6, reason="needs Landlock with scopes")
async def test_a_sandbox_with_network_reaches_loopback(tmp_path, marker):
    found, _ = await reach(tmp_path, marker, network=True)
    assert found["network"]
    assert not found["secret"]


@pytest.mark.skipif(not ISOLATION.namespaces, reason="needs mount namespaces")
async def test_namespaces_alone_hide_the_data_folder(tmp_path, marker, monkeypatch):
    source = tmp_path / "millpond/kernel"
    source.mkdir(parents=True)
    for name in ("launcher.py", "sandbox.py"):
        original = Path(processes.__file__).with_name(name).read_text()
        (source / name).write_text(original.replace("    abi = landlock_abi()", "    abi = 0", 1))
    monkeypatch.setattr(processes, "_SOURCES", tmp_path)
    found, _ = await reach(tmp_path, marker)
    assert not found["secret"]
    assert found["work"] and found["read"] and found["tmp"]


def test_a_readable_folder_that_holds_a_hidden_one_is_granted_around_it(tmp_path):
    from millpond.kernel.sandbox import around

    for name in ("a/data/x", "a/b", "c"):
        (tmp_path / name).mkdir(parents=True)
    at = str(tmp_path)
    assert around(at, [f"{at}/a/data"]) == [f"{at}/a/b", f"{at}/c"]
    assert around(at, ["/elsewhere"]) == [at]


def test_isolation_is_described_in_a_sentence():
    assert processes.Isolation().describe().startswith("no isolation")
    assert "Landlock (ABI 7), seccomp" in processes.Isolation(7, False, True).describe()


async def test_dozens_of_processes_start_and_end_side_by_side(tmp_path, marker):
    commands = [Command(("true",), {"PATH": PATH}, tmp_path, marker) for _ in range(24)]
    started = await asyncio.gather(*map(start, commands))
    assert all(ended.succeeded for ended in await asyncio.gather(*(p.wait() for p in started)))


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path, marker):
    starting = asyncio.ensure_future(
        start(Command(("sleep", "600"), {"PATH": PATH}, tmp_path, marker))
    )
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    wanted = f"MILLPOND_PROCESS={marker}".encode()
    await until(lambda: not processes._marked(wanted))


async def test_the_end_of_a_pipe_closes_nobody_else_s_file(tmp_path: Path) -> None:
    read, write = os.pipe()
    end = processes._End(read)
    os.close(read)
    other = os.open(tmp_path, os.O_RDONLY)
    assert other == read
    end.close()
    os.fstat(other)
    os.close(other)
    os.close(write)


def test_a_loop_that_closes_a_pipe_closes_it_once() -> None:
    async def run() -> None:
        read, write = os.pipe()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(asyncio.Protocol, processes._End(read))
        transport.close()
        while True:
            try:
                os.fstat(read)
            except OSError:
                break
            await asyncio.sleep(0)
        os.close(write)

    asyncio.run(run())
    uvloop.run(run())
