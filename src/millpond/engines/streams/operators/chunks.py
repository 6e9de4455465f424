"""Chunks of a state's bucket: small ones are merged as they become many, so that each row is merged
a few times in all and a bucket has few chunks."""

from collections.abc import Callable, Sequence

import pyarrow as pa

from millpond.engines.streams.operators.interface import State

_CHUNKS_MAX = 8


def add_chunk(
    state: State, bucket: int, rows: pa.Table, merge: Callable[[pa.Table], pa.Table]
) -> None:
    """Add a chunk to a bucket; what has become many of a size becomes `merge` of it."""
    state.add(bucket, rows)
    chunks = state.chunks(bucket)
    if len(chunks) < _CHUNKS_MAX:
        return
    count = _alike(chunks)
    if count >= _CHUNKS_MAX:
        merged = merge(pa.concat_tables(chunks[-count:]))
        state.replace(bucket, [*chunks[:-count], merged])


def put_together(rows: pa.Table) -> pa.Table:
    """What merges chunks of rows that stay as they are."""
    return rows.combine_chunks()


def _alike(chunks: Sequence[pa.Table]) -> int:
    """How many of the last chunks, from the last on, are each not much larger than those after
    them together."""
    total = 0
    for count, chunk in enumerate(reversed(chunks)):
        if count and chunk.num_rows > max(2 * total, 1):
            return count
        total += chunk.num_rows
    return len(chunks)
