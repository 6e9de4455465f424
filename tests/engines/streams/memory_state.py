"""A State in memory that can be written to Arrow's bytes and read again, as a checkpoint would."""

import json

import pyarrow as pa


class MemoryState:
    def __init__(self):
        self.small = {}
        self._buckets = {}

    def buckets(self):
        return sorted(self._buckets)

    def chunks(self, bucket):
        return list(self._buckets.get(bucket, ()))

    def add(self, bucket, rows):
        self._buckets.setdefault(bucket, []).append(rows)

    def replace(self, bucket, chunks):
        self._buckets[bucket] = list(chunks)
        if not chunks:
            self.drop(bucket)

    def drop(self, bucket):
        self._buckets.pop(bucket, None)

    def row_count(self):
        return sum(chunk.num_rows for chunks in self._buckets.values() for chunk in chunks)

    def restored(self):
        """The same, from its bytes."""
        again = MemoryState()
        again.small = json.loads(json.dumps(self.small))
        for bucket, chunks in self._buckets.items():
            for chunk in chunks:
                again.add(bucket, _copied(chunk))
        return again


def _copied(table):
    written = pa.BufferOutputStream()
    with pa.ipc.new_file(written, table.schema) as writer:
        writer.write_table(table, max_chunksize=16)
    return pa.ipc.open_file(written.getvalue()).read_all()
