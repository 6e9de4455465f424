"""How a worker process and the platform talk: frames over the worker's standard streams.

A frame is a four-byte big-endian length, one byte that says what it is, and the content. The far
end reads from its standard input; it keeps its standard output for itself by moving it away, so
that what its program prints goes to standard error.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

READY, ANSWER, FAULT = b"r", b"a", b"f"
"""The worker can be asked; an answer; it could not answer, and why (text)."""
FRAME_SIZE_BYTES_MAX = 256 << 20


def head(kind: bytes, size_bytes: int) -> bytes:
    """What comes before the content of a frame."""
    return (size_bytes + 1).to_bytes(4, "big") + kind


class FarEnd:
    """The worker's side."""

    def __init__(self) -> None:
        self._source: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._target: BinaryIO = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def say(self, kind: bytes, content: bytes = b"") -> None:
        self._target.write(head(kind, len(content)))
        self._target.write(content)
        self._target.flush()

    def questions(self) -> Iterator[bytes]:
        """What is asked, until the platform lets go."""
        while len(head := self._source.read(4)) == 4:
            size = int.from_bytes(head, "big")
            content = self._source.read(size)
            if len(content) < size:
                return
            yield content[1:]
