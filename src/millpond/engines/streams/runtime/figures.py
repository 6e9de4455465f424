"""The figures of a run."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from millpond.engines.streams.connectors.interface import Traffic
from millpond.engines.streams.interface import Measured
from millpond.engines.streams.runtime.pipeline import Pipeline


def measured(
    pipeline: Pipeline,
    traffic: Sequence[Traffic],
    behind_ms: int | None,
    state_size_bytes: int,
) -> Measured:
    """What is known now of a run and of its process."""
    return Measured(
        records_in=pipeline.figures.records_in,
        records_out=sum(each.records for each in traffic),
        bytes_in=pipeline.figures.bytes_in,
        bytes_out=sum(each.bytes for each in traffic),
        late_records_dropped=pipeline.counters.late_records_dropped,
        record_errors=pipeline.figures.record_errors,
        behind_ms=behind_ms,
        watermark_ms=pipeline.watermark_ms,
        state_size_bytes=state_size_bytes,
        memory_bytes=memory_bytes(),
        cpu_seconds=time.process_time(),
    )


def memory_bytes() -> int:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")
