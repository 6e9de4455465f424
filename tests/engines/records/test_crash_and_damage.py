"""kill -9 while transactions commit; and bytes that change on the disk."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from millpond.engines.records.embedded import EmbeddedRecords
from millpond.kernel.errors import Damaged

ROUNDS = 6
PROGRAM = Path(__file__).with_name("writer_program.py")


async def read_all(folder):
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        found = {key: value async for key, value in transaction.scan(b"\x00", b"\xff")}
    await records.close()
    return found


def run_until_killed(folder, first, lines):
    """The numbers that were acknowledged before the process was killed."""
    command = [sys.executable, str(PROGRAM), str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        acknowledged = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
        rest = process.stdout.read().split(b"\n")[:-1]
    return acknowledged + [int(line) for line in rest]


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half_written(folder):
    chance = random.Random(4)
    first, acknowledged = 1_000_000, set()
    for _ in range(ROUNDS):
        acknowledged |= set(run_until_killed(folder, first, chance.randint(20, 400)))
        found = asyncio.run(read_all(folder))
        numbers = {int(key[2:]) for key in found if key.startswith(b"a/")}
        assert acknowledged <= numbers
        for number in numbers:
            value = b"%d" % number * (1 + number % 900)
            assert found[b"a/%d" % number] == value
            assert found[b"b/" + b"k" * 1_500 + b"%d" % number] == value
            later = number + 3 * 8
            assert found.get(b"c/%d" % number) == (None if later in numbers else value)
        first = max(numbers) + 1_000
        first -= first % 8


def flip(path, offset):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


async def fill(folder, entries):
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    await records.close()


@pytest.mark.parametrize("size", [40, 1_500, 3_000, 200_000])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
async def test_a_value_that_changed_on_disk_is_damaged_and_never_served(folder, size, place):
    value = random.Random(size).randbytes(size)
    await fill(folder, {b"before": b"1", b"key": value, b"later": b"2"})
    data = folder / "data.mdb"
    flip(data, data.read_bytes().index(value) + round(place * (size - 1)))
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        with pytest.raises(Damaged, match="key"):
            await transaction.get(b"key")
        with pytest.raises(Damaged, match="key"):
            [entry async for entry in transaction.scan(b"a", b"z")]
        assert await transaction.get(b"before") == b"1"
        assert await transaction.get(b"later") == b"2"
    await records.close()


async def test_a_checksum_that_changed_on_disk_is_damage_too(folder):
    await fill(folder, {b"key": b"the value"})
    data = folder / "data.mdb"
    flip(data, data.read_bytes().index(b"the value") - 1)
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        with pytest.raises(Damaged):
            await transaction.get(b"key")
    await records.close()


async def test_a_value_found_under_another_key_is_damaged(folder):
    await fill(folder, {b"a-key-of-its-own": b"value"})
    data = folder / "data.mdb"
    flip(data, data.read_bytes().index(b"a-key-of-its-own"))
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        with pytest.raises(Damaged):
            [entry async for entry in transaction.scan(b"\x00", b"\xff")]
    await records.close()


async def test_a_file_that_is_not_lmdb_is_damaged(folder):
    folder.mkdir()
    (folder / "data.mdb").write_bytes(b"something else" * 1_000)
    with pytest.raises(Damaged):
        EmbeddedRecords.open(folder)


READER = """
import asyncio, pathlib, sys
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.kernel.errors import EngineError
async def main():
    records = EmbeddedRecords.open(pathlib.Path(sys.argv[1]))
    async with records.transaction() as transaction:
        async for key, value in transaction.scan(b"\\x00", b"\\xff"):
            assert value == key * 10, "A wrong value was served."
    await records.close()
try:
    asyncio.run(main())
except EngineError:
    pass
"""


def test_no_changed_byte_anywhere_makes_a_wrong_value(folder):
    """LMDB's own pages have no checksums that its Python binding can reach: damage there may end
    the process (the map is touched beyond the file's end), and must not do worse."""
    asyncio.run(fill(folder, {b"key%04d" % n: b"key%04d" % n * 10 for n in range(400)}))
    data = folder / "data.mdb"
    whole = data.read_bytes()
    chance = random.Random(9)
    for number in range(30):
        data.write_bytes(whole)
        page = chance.randrange(len(whole) // 4096) * 4096
        flip(data, page + chance.randrange(64 if number % 2 else 4096))
        reader = subprocess.run(
            [sys.executable, "-c", READER, str(folder)], capture_output=True, check=False
        )
        endings = (0, -signal.SIGBUS, -signal.SIGSEGV, -signal.SIGABRT)
        assert reader.returncode in endings, reader.stderr.decode()
