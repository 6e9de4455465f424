"""The door for PySpark: it opens to the token alone, starts its engine late and ends it again."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from millpond.app.spark_door import EngineMissing, SparkDoor
from millpond.kernel.clock import ManualClock

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
ACK = b"\0\0\0\4\1\0\0\0\0"
DATA = b"\0\0\5\0\1\0\0\0\1hello"


def headers(value: bytes, *, stream: int = 1, end: bool = True) -> bytes:
    kind, flags = (1, 4) if end else (1, 0)
    return len(value).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + value


def continuation(value: bytes) -> bytes:
    return len(value).to_bytes(3, "big") + b"\x09\x04\0\0\0\1" + value


class EchoEngine:
    """What is behind the door: keeps what it hears, and answers `heard`."""

    def __init__(self) -> None:
        self.heard = b""
        self.is_running = True
        self.stops = 0

    async def start(self) -> "EchoEngine":
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = self.server.sockets[0].getsockname()[:2]
        return self

    async def stop(self) -> None:
        self.stops += 1
        self.is_running = False
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.heard += data
            writer.write(b"heard")
        writer.close()


class Hall:
    """A door, its engines and its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engines: list[EchoEngine] = []
        self.missing = ""
        self.door = SparkDoor("sesame", self._start, self.clock, idle_seconds=300)

    async def _start(self) -> EchoEngine:
        if self.missing:
            raise EngineMissing(self.missing)
        self.engines.append(await EchoEngine().start())
        return self.engines[-1]

    async def knock(self, *pieces: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert await read(reader, 9) == SETTINGS
        for piece in pieces:
            writer.write(piece)
        return reader, writer


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    hall = Hall()
    hall.port = await hall.door.open(0)
    yield hall
    await hall.door.close()
    assert all(engine.stops == 1 for engine in hall.engines)


async def read(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readexactly(size)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


async def test_the_token_opens_and_all_bytes_but_one_acknowledgement_pass(hall: Hall) -> None:
    request = headers(b"\0\x0dauthorization\x0dBearer sesame")
    reader, writer = await hall.knock(PREFACE, SETTINGS, ACK, request)
    assert await read(reader, 5) == b"heard"
    writer.write(ACK + DATA)
    assert await read(reader, 5) == b"heard"
    assert hall.engines[0].heard == PREFACE + SETTINGS + request + ACK + DATA
    writer.close()


async def test_headers_in_several_frames_are_read_as_one(hall: Hall) -> None:
    parts = headers(b"Bearer se", end=False), continuation(b"same")
    reader, writer = await hall.knock(PREFACE, SETTINGS, ACK, *parts)
    assert await read(reader, 5) == b"heard"
    writer.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@needs_ipv6
async def test_localhost_is_ours_by_whichever_address(hall: Hall) -> None:
    """Otherwise whoever listens on the other one would be shown the token."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as other, pytest.raises(OSError, match="in use"):
            other.bind((address, hall.port))


@needs_ipv6
async def test_a_port_that_is_taken_on_one_address_is_refused() -> None:
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        other.listen()
        door = Hall().door
        with pytest.raises(OSError, match="in use"):
            await door.open(other.getsockname()[1])
        await door.close()


@pytest.mark.parametrize("shown", [b"", b"Bearer", b"Bearer open", b"sesame", b"Bearer sesam"])
async def test_without_the_token_the_engine_is_not_even_started(hall: Hall, shown: bytes) -> None:
    reader, writer = await hall.knock(PREFACE, SETTINGS, ACK, headers(shown, stream=5))
    answer = await read(reader, 9)
    assert (answer[3], int.from_bytes(answer[5:])) == (1, 5)
    block = await read(reader, int.from_bytes(answer[:3]))
    assert b"grpc-status\x0216" in block
    assert b"millpond env" in block
    assert hall.engines == []
    writer.close()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",),
        (PREFACE, headers(b"Bearer sesame")),
        (PREFACE, b"\xff\xff\xff\4\0\0\0\0\0"),
    ],
)
async def test_what_is_not_grpc_is_hung_up_on(hall: Hall, pieces: tuple[bytes, ...]) -> None:
    reader, writer = await hall.knock(*pieces)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert hall.engines == []
    writer.close()


async def test_why_there_is_no_engine_is_told_to_the_program(hall: Hall) -> None:
    hall.missing = "There is no Spark engine here: " + "x" * 300
    reader, writer = await hall.knock(PREFACE, SETTINGS, ACK, headers(b"Bearer sesame"))
    answer = await read(reader, 9)
    block = await read(reader, int.from_bytes(answer[:3]))
    assert b"grpc-status\x019" in block
    assert hall.missing.encode() in block
    writer.close()


async def enter(hall: Hall) -> asyncio.StreamWriter:
    reader, writer = await hall.knock(PREFACE, SETTINGS, ACK, headers(b"Bearer sesame"))
    assert await read(reader, 5) == b"heard"
    return writer


async def test_programs_share_an_engine_which_ends_when_none_is_left_for_a_while(
    hall: Hall,
) -> None:
    first, second = await enter(hall), await enter(hall)
    assert len(hall.engines) == 1
    first.close()
    await until(lambda: len(hall.door._connections) == 1)
    assert hall.clock._sleepers == []
    second.close()
    await until(lambda: bool(hall.clock._sleepers))
    hall.clock.advance(299)
    third = await enter(hall)
    hall.clock.advance(10)
    await hall.door._ending
    assert hall.engines[0].is_running
    third.close()
    await until(lambda: len(hall.door._connections) == 0)
    hall.clock.advance(300)
    await until(lambda: not hall.engines[0].is_running)
    (await enter(hall)).close()
    assert len(hall.engines) == 2


async def test_an_engine_that_died_is_replaced(hall: Hall) -> None:
    first = await enter(hall)
    hall.engines[0].is_running = False
    second = await enter(hall)
    assert len(hall.engines) == 2
    first.close()
    second.close()


SCRIPT = """
from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("shell").getOrCreate()
spark.range(1000).selectExpr("id", "id % 7 AS k").write.mode("overwrite").parquet("s3://shell/t")
print(spark.read.parquet("s3://shell/t").groupBy("k").count().count())
"""


def test_a_pyspark_script_in_a_shell_works_unchanged(server, tmp_path):
    server.client("s3").create_bucket(Bucket="shell")
    (tmp_path / "script.py").write_text(SCRIPT)
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "script.py"],
        env=server.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "7\n"
    keys = server.client("s3").list_objects_v2(Bucket="shell")["Contents"]
    assert any(item["Key"].endswith(".parquet") for item in keys)


def test_pyspark_on_the_command_line_works_too(server):
    program = (
        "from pyspark.sql import SparkSession; "
        "print(SparkSession.builder.getOrCreate().range(5).count())"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=server.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "5\n"


def test_a_pyspark_script_without_the_token_is_refused(server, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "script.py"],
        env=server.environment() | {"SPARK_CONNECT_AUTHENTICATE_TOKEN": "guess"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode != 0
    assert "The token is missing or wrong" in finished.stderr
