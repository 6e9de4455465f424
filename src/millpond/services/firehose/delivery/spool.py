"""Bytes on their way: in memory while they are few, in a scratch file when they become many.

Spools do not outlive a crash: what they hold is read again from the source.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from millpond.kernel.body import Body, BytesBody, FileBody
from millpond.services.firehose.delivery.interface import Record

MEMORY_SIZE_BYTES = 64 * 1024
CHUNK_SIZE_BYTES = 1024 * 1024
_LENGTH_SIZE_BYTES = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Record]).decode


class Spool:
    """Bytes, appended. The file at `path` is made when it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._memory: list[bytes] = []
        self._memory_size = 0
        self._on_disk = 0

    def write(self, chunks: Sequence[bytes]) -> None:
        added = sum(map(len, chunks))
        self.size += added
        self._memory.extend(chunks)
        self._memory_size += added
        if self._memory_size > MEMORY_SIZE_BYTES:
            self._spill()

    def _spill(self) -> None:
        with self.path.open("ab") as file:
            file.write(b"".join(self._memory))
        self._on_disk += self._memory_size
        self._memory.clear()
        self._memory_size = 0

    def read(self) -> Iterator[bytes]:
        """All of it, in chunks."""
        if self._on_disk:
            with self.path.open("rb") as file:
                while chunk := file.read(CHUNK_SIZE_BYTES):
                    yield chunk
        if self._memory:
            yield b"".join(self._memory)

    def body(self) -> Body:
        """All of it, as what is put into S3. Nothing may be written afterwards."""
        if not self._on_disk:
            return BytesBody(b"".join(self._memory))
        if self._memory:
            self._spill()
        return FileBody(self.path, 0, self._on_disk)

    def discard(self) -> None:
        self._memory.clear()
        self.path.unlink(missing_ok=True)


class RecordSpool:
    """Records, appended in runs."""

    def __init__(self, path: Path) -> None:
        self._spool = Spool(path)

    def write(self, records: Sequence[Record]) -> None:
        run = _encode(records)
        self._spool.write((len(run).to_bytes(_LENGTH_SIZE_BYTES, "big"), run))

    def read(self) -> Iterable[list[Record]]:
        """All of them, in the runs in which they were written."""
        kept = bytearray()
        for chunk in self._spool.read():
            kept += chunk
            start = 0
            while len(kept) - start >= _LENGTH_SIZE_BYTES:
                begin = start + _LENGTH_SIZE_BYTES
                end = begin + int.from_bytes(kept[start:begin], "big")
                if len(kept) < end:
                    break
                yield _decode(bytes(kept[begin:end]))
                start = end
            del kept[:start]

    def discard(self) -> None:
        self._spool.discard()
