"""Copying frames from journals and segments into new segments, log by log. Blocks: for a thread.

Bytes are copied as they are, with the checksums that they came with: damage stays what it is, and
reading it there says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from millpond.engines.log.embedded.groups import Group
from millpond.engines.log.embedded.items import unpack
from millpond.engines.log.embedded.pieces import OpenFiles, read_chunk
from millpond.engines.log.embedded.places import Place
from millpond.engines.log.embedded.segments import (
    LOST_CRC,
    OWN,
    RawFrame,
    Segment,
    SegmentFile,
)
from millpond.kernel.files import Files


class Stopped(Exception):
    """The log is being closed; what was gathered is thrown away."""


@dataclass(slots=True)
class Run:
    """Places of a log, one after another: chunks if they are `stored`, frames if not."""

    log_id: int
    places: Iterable[Place]
    stored: bool
    size_bytes: int


@dataclass(slots=True)
class Gathered:
    """New segments, and the chunks in them for each run, in the order of the runs."""

    segments: list[Segment] = field(default_factory=list)
    chunks: list[tuple[Run, list[Place]]] = field(default_factory=list)


def _frames_of(files: OpenFiles, run: Run) -> Iterator[RawFrame]:
    for place in run.places:
        data, nonce = files.read(place, run.stored)
        if run.stored:
            group = read_chunk(data, place, nonce)
            yield from _lost(place) if group is None else _frames(group, data, place)
        elif place.size and len(data) == place.size:
            count = place.end - place.position
            yield RawFrame(place.position, count, place.time_ms_first, place.crc, data)
        else:
            yield from _lost(place)


def _lost(place: Place) -> Iterator[RawFrame]:
    count = place.end - place.position
    yield RawFrame(place.position, count, place.time_ms_first, LOST_CRC, b"")


def _frames(group: Group, data: bytes, place: Place) -> Iterator[RawFrame]:
    at = group.payload_offset - place.offset
    for _, _, position, count, time_ms, size, crc in unpack(group.index):
        frame = data[at : at + size]
        whole = len(frame) == size
        yield RawFrame(
            position, count, time_ms, crc if whole else LOST_CRC, frame if whole else b""
        )
        at += size


def gather(
    files: Files,
    folder: Path,
    sources: OpenFiles,
    runs: Sequence[Run],
    *,
    next_number: Callable[[], int],
    level: int,
    own_size_bytes_min: int,
    is_stopped: Callable[[], bool],
) -> Gathered:
    """Copy `runs` into new segments in `folder` and return once those are on disk.

    Raises:
        OSError: nothing was kept.
        Stopped: `is_stopped` said so; nothing was kept.
    """
    gathered = Gathered()
    begun: list[SegmentFile] = []

    def begin() -> SegmentFile:
        begun.append(SegmentFile(files, folder, next_number()))
        return begun[-1]

    shared: SegmentFile | None = None
    try:
        for run in runs:
            if is_stopped():
                raise Stopped
            is_large = run.size_bytes >= own_size_bytes_min
            if not is_large and shared is None:
                shared = begin()
            target = begin() if is_large or shared is None else shared
            gathered.chunks.append((run, target.add(run.log_id, _frames_of(sources, run))))
            if is_large:
                gathered.segments.append(target.finish(OWN))
        if shared is not None:
            gathered.segments.append(shared.finish(level))
        if begun:
            files.sync_folder(folder)
    except BaseException:
        for file in begun:
            file.discard()
        raise
    return gathered
