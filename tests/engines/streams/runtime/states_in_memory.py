"""An application's state on a disk that is in memory."""

from pathlib import Path

import pyarrow as pa

from millpond.engines.streams.runtime.checkpoints import Checkpoints
from millpond.kernel.files import read_all

ROOT = Path("/data")


def open_state(files, memory_bytes=1_000):
    def read_part(path, offset, size):
        descriptor = files.open(path)
        try:
            return pa.py_buffer(read_all(files, descriptor, size, offset))
        finally:
            files.close(descriptor)

    return Checkpoints(ROOT, memory_bytes, files=files, read_part=read_part)


def content(state):
    """What a state holds, as plain values."""
    chunks = {each: [rows.to_pydict() for rows in state.chunks(each)] for each in state.buckets()}
    return dict(state.small), chunks
