"""Compressed files, and bombs."""

import bz2
import gzip
import time

import pyarrow as pa
import pytest

from millpond.services.glue.infer.classify import HEAD_SIZE_BYTES, infer_head
from millpond.services.glue.infer.compression import SAMPLE_SIZE_BYTES_MAX, CannotUnpack, unpack


def zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "zstd": zstd}


@pytest.mark.parametrize("name", PACKERS)
def test_the_compression_is_told_and_the_content_read(name):
    packed = PACKERS[name](b"id,name\n1,a\n2,b\n")
    schema = infer_head(packed, len(packed))
    assert schema.compression == name
    assert [column for column, _ in schema.columns] == ["id", "name"]
    assert schema.records == 2
    assert schema.whole


@pytest.mark.parametrize("name", PACKERS)
def test_a_small_file_that_unpacks_to_a_huge_one_is_read_to_the_bound(name):
    packed = PACKERS[name](b"1,a\n" * 4_000_000)
    started = time.perf_counter()
    sample = unpack(packed[:HEAD_SIZE_BYTES], whole=len(packed) <= HEAD_SIZE_BYTES)
    assert time.perf_counter() - started < 3
    assert len(sample.data) == SAMPLE_SIZE_BYTES_MAX
    assert not sample.whole


@pytest.mark.parametrize("name", PACKERS)
def test_the_beginning_of_a_large_file_is_enough(name):
    content = b"".join(b"%d,%x\n" % (number, hash(number * 7.1)) for number in range(400_000))
    packed = PACKERS[name](b"id,code\n" + content)
    head = packed[: HEAD_SIZE_BYTES if len(packed) > HEAD_SIZE_BYTES else len(packed) // 2]
    schema = infer_head(head, len(packed))
    assert schema.compression == name
    assert schema.columns[0][0] == "id"
    assert not schema.whole


def test_gzip_members_follow_one_another():
    packed = gzip.compress(b"id,n\n1,2\n") + gzip.compress(b"3,4\n")
    assert infer_head(packed, len(packed)).records == 2


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"BZh9", b"\x28\xb5\x2f\xfd"])
def test_what_only_begins_as_compressed_is_not_read(start):
    with pytest.raises(CannotUnpack):
        unpack(start + b"nonsense" * 10, whole=True)
    assert infer_head(start + b"nonsense" * 10, 84) is None
