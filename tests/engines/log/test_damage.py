"""Bytes that change on the disk: never served, confined to the frame they lie in, and told of."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest
from log_disks import MemoryDisk

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.embedded.frames import decode
from millpond.engines.log.embedded.journal import parse_name
from millpond.engines.log.embedded.opening import open_folder
from millpond.engines.log.embedded.pieces import OpenFiles, read_pieces
from millpond.engines.log.interface import Batch, Bounds
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Damaged

FOLDER = Path("/data/log")
FLIPS = 10_000
NAMES = [b"a", b"b", b"c", b"sealed"]
ALL = {"entries_max": 10_000, "size_bytes_max": 10_000_000}


def open_log(disk, **tuning):
    return EmbeddedLog.open(
        FOLDER,
        ManualClock(),
        files=disk,
        cache_size_bytes_max=0,
        **{
            "journal_size_bytes_max": 2_500,
            "own_segment_size_bytes_min": 1_500,
            "segments_gathered": 100,
            "journals_max": 2,
        }
        | tuning,
    )


async def fill(disk, **tuning):
    """A store with a catalog, shared and own segments and journals; ended without closing."""
    log = open_log(disk, **tuning)
    values = (b"%04d" % number + bytes(40) for number in itertools.count())
    for turn in range(14):
        await log.append(
            [
                Batch(name, [(b"k", next(values)) for _ in range(1 + turn % 3)])
                for name in (b"a", b"a", b"b", b"c")
                if (turn + len(name)) % 4
            ]
        )
        if turn == 3:
            await log.append([Batch(b"sealed", [(b"k", next(values))])])
            await log.seal(b"sealed")
        if turn == 9:
            await log.wait_for_housekeeping()
    copy = disk.copy()
    await log.close()
    return copy


@pytest.fixture(scope="module")
def store():
    disk = asyncio.run(fill(MemoryDisk({Path("/data"): None})))
    kinds = {path.parent.name for path, data in disk.files.items() if data}
    assert kinds == {"log", "journal", "segments"}
    return disk


def find(opened, stored, number):
    if stored:
        segment = opened.segments[number]
        return FOLDER / "segments" / segment.name, segment.nonce
    return FOLDER / "journal" / opened.journals.names[number], 0


def read_everything(disk):
    """All entries by log and position, None for each that is damaged; and the logs' bounds."""
    opened = open_folder(disk, FOLDER)
    found = {}
    bounds = {}
    reading = OpenFiles(disk, lambda stored, number: find(opened, stored, number))
    for name, log in opened.ledger.by_name.items():
        entries = found[name] = {}
        bounds[name] = log.bounds()
        for place in log.places_from(log.first):
            stored = place.end <= log.stored_end
            for piece in read_pieces(reading, place, stored=stored, log_id=log.id):
                if piece.data is None:
                    entries.update(dict.fromkeys(range(piece.position, piece.end)))
                    continue
                for entry in decode(
                    piece.data,
                    piece.position,
                    piece.entry_count,
                    piece.time_ms,
                    skip=0,
                    entries_max=10**6,
                    size_bytes_max=10**9,
                    one_at_least=True,
                ).entries:
                    entries[entry.position] = entry
    return found, bounds


def test_each_of_10000_flipped_bits_is_detected_or_harmless(store):
    right, right_bounds = read_everything(store)
    assert sum(map(len, right.values())) > 80
    assert not any(entry is None for log in right.values() for entry in log.values())
    largest = 3
    chance = random.Random(11)
    every = [
        (path, number) for path, data in store.files.items() if data for number in range(len(data))
    ]
    damaged = 0
    for path, number in chance.choices(every, k=FLIPS):
        data = store.files[path]
        bit = 1 << chance.randrange(8)
        data[number] ^= bit
        found, bounds = read_everything(store)
        data[number] ^= bit
        assert bounds == right_bounds, (path, number)
        if found == right:
            continue
        wrong = [
            (name, position)
            for name, entries in right.items()
            for position, entry in entries.items()
            if found[name][position] != entry
        ]
        assert all(found[name][position] is None for name, position in wrong), (path, number)
        assert len(wrong) <= largest
        assert len({name for name, _ in wrong}) == 1
        damaged += 1
    assert damaged > FLIPS // 5
    assert read_everything(store)[0] == right


async def test_reading_tells_of_damage_and_goes_on_behind_it(store):
    right, bounds = read_everything(store)
    chance = random.Random(5)
    told = 0
    for _ in range(60):
        disk = store.copy()
        path = chance.choice([path for path, data in disk.files.items() if data])
        data = disk.files[path]
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        log = open_log(disk)
        for name in NAMES:
            position = 0
            seen = {}
            while position < bounds[name].end:
                try:
                    read = await log.read(name, position, **ALL)
                except Damaged:
                    told += 1
                    behind = await log.next_readable(name, position)
                    assert position < behind <= position + 3
                    position = behind
                else:
                    assert read.next_position > position
                    seen |= {entry.position: entry for entry in read.entries}
                    position = read.next_position
            assert all(right[name][number] == entry for number, entry in seen.items())
        await log.close()
    assert told > 10


async def test_damage_moves_into_segments_as_damage():
    disk = await fill(MemoryDisk({Path("/data"): None}), journal_size_bytes_max=10**6)
    (path,) = [path for path, data in disk.files.items() if path.parent.name == "journal"]
    at = disk.files[path].index(b"0007") + 20
    disk.files[path][at] ^= 1
    right, bounds = read_everything(disk)
    lost = {(name, one) for name, log in right.items() for one, entry in log.items() if not entry}
    assert lost
    log = open_log(disk, journals_max=1)
    await log.wait_for_housekeeping()
    await log.close()
    assert not [path for path in disk.files if path.parent.name == "journal"]
    moved, moved_bounds = read_everything(disk)
    assert moved == right
    assert {name: one[:4] for name, one in moved_bounds.items()} == {
        name: one[:4] for name, one in bounds.items()
    }


@pytest.mark.parametrize("cut", range(0, 400, 7))
async def test_the_end_that_a_power_cut_tore_is_dropped_without_a_word(cut, caplog):
    disk = MemoryDisk({Path("/data"): None})
    log = open_log(disk)
    await log.append([Batch(b"a", [(b"", b"first")])])
    (path,) = [path for path, data in disk.files.items() if path.parent.name == "journal"]
    whole = len(disk.files[path]) - 80
    await log.append([Batch(b"a", [(b"", b"second" * 40)])])
    torn = disk.copy()
    await log.close()
    del torn.files[path][whole + cut :]
    after = open_log(torn)
    read = await after.read(b"a", 0, **ALL)
    values = [entry.value for entry in read.entries]
    assert values in ([b"first"], [b"first", b"second" * 40])
    answer = (await after.append([Batch(b"a", [(b"", b"third")])]))[0]
    assert answer.position == len(values)
    await after.close()
    assert not caplog.records


async def test_a_lost_sector_in_the_middle_of_a_journal_gives_no_position_twice():
    disk = MemoryDisk({Path("/data"): None})
    log = open_log(disk, journal_size_bytes_max=10**6)
    path = await grow(log, disk, b"a", b"0")
    start = len(disk.files[path]) - 80
    await grow(log, disk, b"a", b"1")
    await grow(log, disk, b"b", b"0")
    end = len(disk.files[path]) - 80
    await grow(log, disk, b"c", b"0")
    copy = disk.copy()
    await log.close()
    copy.files[path][start:end] = bytes(end - start)
    log = open_log(copy, journal_size_bytes_max=10**6)
    assert [entry.value for entry in (await log.read(b"a", 0, **ALL)).entries] == [b"0"]
    with pytest.raises(Damaged):
        await log.read(b"a", 1, **ALL)
    answer = (await log.append([Batch(b"a", [(b"", b"2")])]))[0]
    assert answer.position > 1
    assert await log.next_readable(b"a", 1) == answer.position
    assert [e.value for e in (await log.read(b"a", answer.position, **ALL)).entries] == [b"2"]
    await log.close()


async def grow(log, disk, name, value):
    await log.append([Batch(name, [(b"", value)])])
    return next(path for path in disk.files if path.parent.name == "journal")


@pytest.mark.parametrize("gone", ["catalog", "journal"])
async def test_a_file_that_is_missing_is_told_at_open(store, gone):
    disk = store.copy()
    paths = [path for path in disk.files if disk.files[path] and gone in path.parts[3:]]
    assert paths
    if gone == "catalog":
        del disk.files[paths[0]]
    else:
        log = open_log(disk, journals_max=100)
        await log.append([Batch(b"a", [(b"", b"x")])])
        await log.close()
        del disk.files[min(paths, key=lambda path: parse_name(path.name))]
    with pytest.raises(Damaged, match="missing"):
        open_log(disk)


async def test_a_segment_that_is_missing_is_damage_of_what_lay_in_it(store):
    disk = store.copy()
    for path in [path for path in disk.files if path.parent.name == "segments"]:
        del disk.files[path]
    log = open_log(disk, journals_max=100)
    with pytest.raises(Damaged):
        await log.read(b"a", 0, **ALL)
    behind = await log.next_readable(b"a", 0)
    assert 0 < behind < log.bounds(b"a").end
    assert (await log.read(b"a", behind, **ALL)).next_position == log.bounds(b"a").end
    await log.close()


async def test_a_catalog_of_which_both_copies_are_damaged_is_told_at_open(store):
    disk = store.copy()
    data = disk.files[FOLDER / "catalog"]
    data[50] ^= 1
    assert open_folder(disk, FOLDER).ledger.by_name[b"a"].bounds() != Bounds(0, 0, False, 0, 0)
    data[-50] ^= 1
    with pytest.raises(Damaged):
        open_log(disk)
