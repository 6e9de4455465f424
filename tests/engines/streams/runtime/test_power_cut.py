"""What a power cut may leave of an application's state, moment by moment: what is restored is the
last checkpoint that was durable, or the one that was being written, and every snapshot that was
acknowledged.

The same with each single sync left out, which some moment must show: a sync without which nothing
is lost is not needed, or not tested.
"""

import random
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from log_disks import Recorder, cuts, rebuild
from states_in_memory import ROOT, content, open_state

from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.runtime.checkpoints import Cut

NODES = ["first", "second"]


class StateRecorder(Recorder):
    """Names the places of the runtime that sync."""

    def _note_sync(self, node):
        frame = sys._getframe(1)
        while Path(frame.f_code.co_filename).parent.name != "runtime" or "test" in (
            Path(frame.f_code.co_filename).name
        ):
            frame = frame.f_back
        site = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        self.sync_sites[site] = self.sync_sites.get(site, 0) + 1
        if site != self.forgotten_site:
            began = self.moment()
            node.synced.append((self.moment(), began))


def contents(checkpoints):
    return {node: content(checkpoints.store.state(node)) for node in NODES}


class Author:
    """Changes states and takes checkpoints, and keeps what each held and when it was durable."""

    def __init__(self, recorder, seed):
        self.recorder = recorder
        self.chance = random.Random(seed)
        self.held = {}
        self.durable = {}
        self.snapshots = {}
        self.deleted = {}
        self.anew = None

    def work(self, rounds, *, ends=True):
        checkpoints = open_state(self.recorder)
        checkpoints.begin_anew(lambda text: None)
        for number in range(1, rounds + 1):
            self.change(checkpoints)
            snapshots = [f"s{number}"] if number % 3 == 0 else []
            self.take(checkpoints, snapshots)
            if number == rounds - 1:
                began = self.recorder.moment()
                checkpoints._manifests.remove_snapshot("s3")
                self.deleted["s3"] = (began, self.recorder.now)

        if not ends:
            return
        began = self.recorder.moment()
        open_state(self.recorder).begin_anew(lambda text: None)
        self.anew = (began, self.recorder.now)

    def change(self, checkpoints):
        for node in NODES:
            state = checkpoints.store.state(node)
            state.small["seen"] = self.chance.randint(0, 99)
            for _ in range(self.chance.randint(1, 3)):
                values = [self.chance.randint(0, 9) for _ in range(self.chance.randint(1, 50))]
                state.add(self.chance.randint(0, 3), pa.table({"value": values}))
            if state.buckets() and self.chance.random() < 0.4:
                state.drop(self.chance.choice(state.buckets()))
            if state.buckets() and self.chance.random() < 0.4:
                bucket = self.chance.choice(state.buckets())
                state.replace(bucket, state.chunks(bucket)[1:])
            checkpoints.store.settle()

    def take(self, checkpoints, snapshots):
        cut = Cut(checkpoints.store.snapshot(), {}, {}, {})
        number = checkpoints.next_number()
        self.held[number] = contents(checkpoints)
        for name in snapshots:
            self.snapshots[name] = (None, number)
        checkpoints.place(cut)
        checkpoints.write(number, cut, 0, snapshots)
        self.durable[number] = self.recorder.now
        for name in snapshots:
            self.snapshots[name] = (self.recorder.now, number)


def restored(files):
    checkpoints = open_state(files)
    body = checkpoints.restore_latest(lambda text: None)
    if body is None:
        return 0, None
    checkpoints.fill(body["states"])
    return body["number"], contents(checkpoints)


def faults_of(author, moment, seed):
    """What is wrong with the states that a power cut at a moment may leave."""
    for cut in cuts(seed):
        disk = rebuild(author.recorder, moment, cut)
        acknowledged = max(
            (number for number, at in author.durable.items() if at <= moment), default=0
        )
        try:
            number, held = restored(disk.copy())
        except (CannotStart, OSError) as error:
            yield f"{moment}, {cut.name}: {error}"
            continue
        anew_began, anew = author.anew
        if moment >= anew:
            if held != {node: ({}, {}) for node in NODES}:
                yield f"{moment}, {cut.name}: {number} has come back"
        elif number < acknowledged and moment <= anew_began:
            yield f"{moment}, {cut.name}: {number} is restored instead of {acknowledged}"
        elif number in author.held and held != author.held[number]:
            yield f"{moment}, {cut.name}: {number} is not what it was"
        for name, (at, of) in author.snapshots.items():
            began, gone = author.deleted.get(name, (moment, moment + 1))
            if at is None or at > moment or began < moment < gone:
                continue
            checkpoints = open_state(disk.copy())
            if moment >= gone:
                if checkpoints.has_snapshot(name):
                    yield f"{moment}, {cut.name}: {name} has come back"
                continue
            try:
                body = checkpoints.restore_snapshot(name, lambda text: None)
                checkpoints.fill(body["states"])
            except (CannotStart, OSError) as error:
                yield f"{moment}, {cut.name}: {error}"
            else:
                if contents(checkpoints) != author.held[of]:
                    yield f"{moment}, {cut.name}: {name} is not what it was"


def lived(seed, rounds=5, forgotten=None):
    author = Author(StateRecorder(ROOT), seed)
    author.recorder.forgotten_site = forgotten
    author.work(rounds)
    return author


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_leaves_the_last_durable_checkpoint(seed):
    author = lived(seed, rounds=8)
    assert author.recorder.now > 50
    for moment in range(seed, author.recorder.now + 1, 2):
        assert list(faults_of(author, moment, moment)) == []


def test_every_sync_is_needed():
    sites = sorted(lived(1).recorder.sync_sites)
    assert len(sites) >= 5
    for site in sites:
        author = lived(1, forgotten=site)
        moments = range(author.recorder.now, 0, -1)
        assert any(fault for moment in moments for fault in faults_of(author, moment, moment)), site


def test_what_no_manifest_names_is_gone_from_the_disk_after_the_next_checkpoint():
    author = Author(StateRecorder(ROOT), 3)
    author.work(12, ends=False)
    files = [path.name for path in author.recorder.disk.files if path.suffix == ".arrows"]
    checkpoints = open_state(author.recorder.disk)
    named = set()
    for number in checkpoints._manifests.checkpoints():
        named |= set(checkpoints._manifests.checkpoint(number)["packs"])
    for file in checkpoints._manifests.snapshots():
        named |= set(checkpoints._manifests.snapshot_file(file)["packs"])
    assert set(files) == named
