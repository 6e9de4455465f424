"""What operators remember, in memory and on disk, against a plain model of it."""

import itertools
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_disks import MemoryDisk
from states_in_memory import ROOT, content, open_state

from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.operators.interface import AFTER_ALL_MS
from millpond.engines.streams.runtime.checkpoints import Checkpoints, Cut, NotSynced
from millpond.engines.streams.runtime.packs import Packs, compacted
from millpond.engines.streams.runtime.state import StateSnapshot, Store, without_end
from millpond.kernel.faults import Faults
from millpond.kernel.faulty_disk import FaultyDisk
from millpond.kernel.files import Disk


def rows(*values):
    return pa.table({"value": pa.array(values, pa.int64())})


class Counting(Disk):
    """The machine's disk; counts what is written."""

    def __init__(self):
        self.written_bytes = 0

    def write(self, descriptor, data, offset):
        self.written_bytes += len(data)
        return super().write(descriptor, data, offset)


def store_at(folder, memory_bytes=0, files=None):
    return Store(Packs(folder, files or Disk()), memory_bytes)


BUCKETS = st.integers(-2, 2)
VALUES = st.lists(st.integers(0, 9), max_size=5).map(tuple)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), BUCKETS, VALUES),
        st.tuples(st.just("drop"), BUCKETS),
        st.tuples(st.just("keep all but one"), BUCKETS, st.integers(0, 3)),
        st.tuples(st.just("merge"), BUCKETS),
        st.tuples(st.just("settle")),
        st.tuples(st.just("checkpoint")),
        st.tuples(st.just("restart")),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(acts=ACTS, memory_bytes=st.sampled_from([0, 5_000, 1 << 20]))
def test_a_state_is_what_was_put_into_it(acts, memory_bytes):
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), memory_bytes)
        checkpoints.begin_anew(lambda text: None)
        state = checkpoints.store.state("n")
        model = {}
        saved = {}
        for act in acts:
            match act:
                case ("add", bucket, values):
                    state.add(bucket, rows(*values))
                    model.setdefault(bucket, []).append(list(values))
                case ("drop", bucket):
                    state.drop(bucket)
                    model.pop(bucket, None)
                case ("keep all but one", bucket, place):
                    kept = state.chunks(bucket)
                    del kept[place : place + 1]
                    state.replace(bucket, kept)
                    left = model.pop(bucket, [])
                    del left[place : place + 1]
                    if left:
                        model[bucket] = left
                case ("merge", bucket):
                    chunks = state.chunks(bucket)
                    if chunks:
                        state.replace(bucket, [pa.concat_tables(chunks)])
                        model[bucket] = [[value for each in model[bucket] for value in each]]
                case ("settle",):
                    checkpoints.store.settle()
                    assert checkpoints.store.memory_used_bytes <= memory_bytes
                case ("checkpoint",):
                    state.small = {"count": len(model)}
                    cut = Cut(checkpoints.store.snapshot(), {}, {}, {})
                    checkpoints.place(cut)
                    checkpoints.write(checkpoints.next_number(), cut, 0)
                    saved = {bucket: [list(each) for each in model[bucket]] for bucket in model}
                case ("restart",):
                    checkpoints = Checkpoints(Path(folder), memory_bytes)
                    body = checkpoints.restore_latest(lambda text: None)
                    if body is not None:
                        checkpoints.fill(body["states"])
                    state = checkpoints.store.state("n")
                    model = {bucket: [list(each) for each in saved[bucket]] for bucket in saved}
                    assert state.small.get("count", 0) == len(model)
            assert state.buckets() == sorted(model)
            for bucket in (*model, 7):
                found = [chunk.column(0).to_pylist() for chunk in state.chunks(bucket)]
                assert found == model.get(bucket, [])
        sizes = sum(chunk.size_bytes for chunk in state.held())
        assert checkpoints.store.size_bytes == sizes


def test_a_chunk_is_written_once_for_spilling_and_all_checkpoints(tmp_path):
    files = Counting()
    checkpoints = Checkpoints(tmp_path, 0, files=files)
    state = checkpoints.store.state("n")
    state.add(1, rows(*range(10_000)))
    checkpoints.store.settle()
    once = files.written_bytes
    assert once > 80_000
    for _ in range(3):
        state.replace(1, state.chunks(1))
        cut = Cut(checkpoints.store.snapshot(), {}, {})
        assert checkpoints.place(cut) == 0
        checkpoints.write(checkpoints.next_number(), cut, 0)
    assert files.written_bytes < once + 4_000


def test_few_rows_of_a_large_table_do_not_keep_it_in_memory(tmp_path):
    large = rows(*range(100_000))
    store = store_at(tmp_path, 1 << 20)
    state = store.state("n")
    state.add(0, large.slice(10, 5))
    (kept,) = state.chunks(0)
    assert kept.to_pydict() == {"value": [10, 11, 12, 13, 14]}
    assert kept.get_total_buffer_size() < 1_000
    assert compacted(large) is large


def test_the_chunks_that_were_read_longest_ago_leave_memory_first(tmp_path):
    store = store_at(tmp_path, 100_000)
    state = store.state("n")
    for bucket in range(4):
        state.add(bucket, rows(*range(4_000)))
    state.chunks(0)
    store.settle()
    in_memory = [chunk.rows is not None for chunk in state.held()]
    assert in_memory == [True, False, False, True]


def test_files_that_nothing_names_are_removed(tmp_path):
    store = store_at(tmp_path)
    state = store.state("n")
    state.add(1, rows(1))
    store.settle()
    (file,) = tmp_path.iterdir()
    read = state.chunks(1)
    state.drop(1)
    state.add(2, rows(2))
    store.settle()
    assert file not in list(tmp_path.iterdir())
    assert read[0].to_pydict() == {"value": [1]}


def test_a_pack_that_is_mostly_empty_is_left_with_the_next_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path, 0)
    state = checkpoints.store.state("n")
    for bucket in range(8):
        state.add(bucket, rows(*range(1_000)))
    checkpoints.store.settle()
    for bucket in range(1, 8):
        state.drop(bucket)
    for _ in range(3):
        cut = Cut(checkpoints.store.snapshot(), {}, {})
        checkpoints.place(cut)
        checkpoints.write(checkpoints.next_number(), cut, 0)
    (file,) = (tmp_path / "state" / "chunks").iterdir()
    assert file.stat().st_size < 10_000
    assert content(state) == ({}, {0: [{"value": list(range(1_000))}]})


@pytest.mark.parametrize("kind", ["manifest", "chunks", "missing", "short"])
def test_a_checkpoint_that_is_damaged_is_passed_over_with_a_warning(tmp_path, kind):
    checkpoints = Checkpoints(tmp_path, 0)
    state = checkpoints.store.state("n")
    for number in (1, 2):
        state.add(number, rows(*range(number * 100)))
        cut = Cut(checkpoints.store.snapshot(), {}, {})
        checkpoints.place(cut)
        checkpoints.write(checkpoints.next_number(), cut, 0)
    folder = tmp_path / "state" / ("checkpoints" if kind == "manifest" else "chunks")
    newest = max(folder.iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    if kind == "missing":
        newest.unlink()
    else:
        newest.write_bytes(data[: len(data) // 2] if kind == "short" else data)
    warnings = []
    body = Checkpoints(tmp_path, 0).restore_latest(warnings.append)
    assert body["number"] == 1
    (warning,) = warnings
    assert warning.startswith("Checkpoint 2 is passed over")
    for file in (tmp_path / "state" / "checkpoints").iterdir():
        file.write_bytes(b"no")
    with pytest.raises(CannotStart, match="No checkpoint is whole"):
        Checkpoints(tmp_path, 0).restore_latest(warnings.append)


def test_what_the_disk_does_not_take_is_still_there_and_is_taken_later():
    struck = []
    for place in itertools.count():
        memory = MemoryDisk({ROOT: None})
        open_state(memory)
        faults = Faults(place)
        files = FaultyDisk(memory, faults)
        try:
            checkpoints = open_state(files, memory_bytes=1 << 20)
        except OSError:
            continue
        state = checkpoints.store.state("n")
        expected = {}
        for number in range(4):
            state.add(number, rows(number))
            expected[number] = [{"value": [number]}]
            cut = Cut(checkpoints.store.snapshot(), {}, {})
            try:
                checkpoints.place(cut)
                checkpoints.write(checkpoints.next_number(), cut, 0)
            except NotSynced as error:
                checkpoints.store.unplace(error.packs)
            except OSError:
                pass
            if number == 1:
                state.drop(0)
                del expected[0]
        assert content(state) == ({}, expected)
        assert files.tried_again == []
        again = open_state(memory)
        body = again.restore_latest(lambda text: None)
        again.fill(body["states"])
        if faults.struck is None:
            break
        struck.append(faults.struck)
        held = content(again.store.state("n"))[1]
        assert held in (expected, {key: expected[key] for key in expected if key < 3})
    assert {"sync: EIO", "rename: ENOSPC", "write: EIO", "sync_folder: EIO"} <= set(struck)


def test_the_end_of_the_watermark_is_not_remembered():
    state = StateSnapshot({"a": AFTER_ALL_MS, "b": 5, "c": AFTER_ALL_MS - 1, "d": "x"}, {})
    assert without_end(state).small == {"b": 5, "d": "x"}
