"""Snappy: as a framed stream, and as Hadoop reads it. Needs the package cramjam.

Source: google/snappy, framing_format.txt; Hadoop, BlockCompressorStream: each block is its length,
the length of what it became, and that, as raw Snappy.
"""

from collections.abc import Iterable, Iterator

import cramjam

HADOOP_BLOCK_SIZE_BYTES = 256 * 1024
_LENGTH_SIZE_BYTES = 4


def frame(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = cramjam.snappy.Compressor()
    for chunk in chunks:
        compressor.compress(chunk)
        yield bytes(compressor.flush())
    yield bytes(compressor.finish())


def pack_for_hadoop(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), HADOOP_BLOCK_SIZE_BYTES):
            block = chunk[start : start + HADOOP_BLOCK_SIZE_BYTES]
            packed = bytes(cramjam.snappy.compress_raw(block))
            yield len(block).to_bytes(_LENGTH_SIZE_BYTES, "big")
            yield len(packed).to_bytes(_LENGTH_SIZE_BYTES, "big")
            yield packed
