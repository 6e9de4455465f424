"""What was put is read back from the log: in pieces, up to a place, and around damage."""

import pytest

from millpond.engines.log.interface import Batch, Entry, Read
from millpond.kernel.errors import Damaged
from millpond.services.firehose.delivery.source import DirectSource
from millpond.services.firehose.encryption import decrypt, encrypt
from millpond.services.firehose.model.entries import pack


class Told:
    def __init__(self):
        self.entries = []

    def tell(self, code, message, **_):
        self.entries.append((code, message))


class DamagedLog:
    """A log whose entries at `damaged` positions cannot be read."""

    def __init__(self, log, damaged):
        self._log = log
        self._damaged = damaged

    async def read(self, name, position, **bounds):
        found = await self._log.read(name, position, **bounds)
        kept = []
        for entry in found.entries:
            if entry.position in self._damaged:
                break
            kept.append(entry)
        if found.entries and not kept:
            raise Damaged("Checksum.")
        return Read(kept, kept[-1].position + 1 if kept else found.next_position)

    async def next_readable(self, name, position):
        while position in self._damaged:
            position += 1
        return position


class Stream:
    log = b"firehose/test"
    data_keys = (b"k" * 32, b"l" * 32)


@pytest.fixture
async def log(still_world):
    for number in range(4):
        data = [b"%d-%d" % (number, place) for place in range(3)]
        await still_world.log.append([Batch(Stream.log, [(b"", pack(data))])])
    return still_world.log


async def read_all(source, size=1 << 20, until=None):
    runs = []
    while run := await source.read(size, until):
        runs.append([record.data for record in run])
    return runs


async def test_records_are_read_in_pieces_that_fit_and_one_at_least(log):
    source = DirectSource(log, Stream, {}, Told())
    runs = await read_all(source, 7)
    assert runs[0] == [b"0-0", b"0-1"]
    assert [data for run in runs for data in run] == [
        b"%d-%d" % divmod(number, 3) for number in range(12)
    ]
    assert {len(run) for run in await read_all(DirectSource(log, Stream, {}, Told()), 1)} == {1}


async def test_reading_goes_on_where_positions_say_and_ends_where_it_should(log):
    source = DirectSource(log, Stream, {}, Told())
    await source.read(12, None)
    positions = source.positions
    more = DirectSource(log, Stream, positions, Told())
    runs = await read_all(more, until={"": "2001"})
    assert runs == [[b"1-1", b"1-2", b"2-0"]]
    assert more.positions == {"": "2001"}


async def test_what_is_damaged_is_passed_over_and_told(log):
    told = Told()
    source = DirectSource(DamagedLog(log, {1, 2}), Stream, {}, told)
    runs = await read_all(source)
    assert runs == [[b"0-0", b"0-1", b"0-2"], [b"3-0", b"3-1", b"3-2"]]
    ((code, message),) = told.entries
    assert code == "Source.Damaged"
    assert "Entries 1 to 2" in message


async def test_encrypted_entries_are_read_and_forged_ones_passed_over(log):
    good = encrypt(Stream.data_keys, pack([b"sealed"]))
    key, value = encrypt(Stream.data_keys, pack([b"forged"]))
    forged = (key, value[:-1] + bytes([value[-1] ^ 1]))
    await log.append([Batch(Stream.log, [good, forged, (b"\x00\x09", value)])])
    told = Told()
    runs = await read_all(DirectSource(log, Stream, {"": "4000"}, told))
    assert runs == [[b"sealed"]]
    assert len(told.entries) == 2


def test_an_entry_says_which_of_the_keys_it_was_encrypted_with():
    old = encrypt(Stream.data_keys[:1], b"before")
    new = encrypt(Stream.data_keys, b"after")
    opened = [decrypt(Stream.data_keys, Entry(0, 0, *entry)) for entry in (old, new)]
    assert opened == [b"before", b"after"]
