"""A state for tests of operators that goes through its bytes when a run is started again."""

import io

import pyarrow as pa


class Remembered:
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
            del self._buckets[bucket]

    def drop(self, bucket):
        self._buckets.pop(bucket, None)

    def rows(self):
        return sum(chunk.num_rows for chunks in self._buckets.values() for chunk in chunks)

    def again(self):
        other = Remembered()
        other.small = dict(self.small)
        for bucket, chunks in self._buckets.items():
            for chunk in chunks:
                written = io.BytesIO()
                with pa.ipc.new_file(written, chunk.schema) as writer:
                    writer.write_table(chunk, max_chunksize=16)
                other.add(bucket, pa.ipc.open_file(written.getvalue()).read_all())
        return other
