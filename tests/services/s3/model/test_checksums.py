"""Checksums and ETags, against values computed elsewhere."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.s3.errors import BadDigest, InvalidRequest, NotImplementedHere
from millpond.services.s3.model import checksums, etags
from millpond.services.s3.model.checksums import COMPOSITE, FULL_OBJECT, KINDS, Claim
from millpond.services.s3.shapes import PutObjectRequest

CHECK = b"123456789"


def compute(algorithm: str, data: bytes) -> bytes:
    running = KINDS[algorithm].start()
    running.update(data)
    return running.digest()


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", hashlib.sha1(CHECK).hexdigest()),
        ("SHA256", hashlib.sha256(CHECK).hexdigest()),
    ],
)
def test_an_algorithm_gives_the_check_value_of_its_catalogue(algorithm: str, digest: str) -> None:
    assert compute(algorithm, CHECK).hex() == digest


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_the_full_object_checksum_of_parts_is_that_of_their_bytes(
    algorithm: str, parts: list[bytes]
) -> None:
    rows = [(checksums.text(compute(algorithm, part)), len(part)) for part in parts]
    joined = checksums.join(algorithm, FULL_OBJECT, rows)
    assert joined.value == checksums.text(compute(algorithm, b"".join(parts)))
    assert joined.type == FULL_OBJECT


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_the_composite_checksum_is_that_of_the_checksums(algorithm: str) -> None:
    digests = [compute(algorithm, part) for part in (b"one", b"two")]
    joined = checksums.join(algorithm, COMPOSITE, [(checksums.text(d), 3) for d in digests])
    assert joined.value == checksums.text(compute(algorithm, b"".join(digests))) + "-2"
    assert joined.type == COMPOSITE


def test_the_etag_of_parts_is_the_md5_of_their_md5s() -> None:
    digests = [hashlib.md5(part).digest() for part in (b"one", b"two")]
    expected = hashlib.md5(b"".join(digests)).hexdigest() + "-2"
    assert etags.join_parts([digest.hex() for digest in digests]) == expected


def test_a_claim_comes_from_its_header() -> None:
    value = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    request = PutObjectRequest(bucket="b", key="k", checksum_crc32=value)
    assert checksums.read_claim(request) == Claim("CRC32", zlib.crc32(b"x").to_bytes(4, "big"))
    assert checksums.read_claim(PutObjectRequest(bucket="b", key="k")) is None


def test_a_claim_may_be_announced_for_the_trailer() -> None:
    request = PutObjectRequest(bucket="b", key="k", checksum_algorithm="sha256")
    assert checksums.read_claim(request) == Claim("SHA256", None)


@pytest.mark.parametrize(
    "members",
    [
        {"checksum_crc32": "AAAAAA==", "checksum_sha1": "AAAA"},
        {"checksum_crc32": "not base64"},
        {"checksum_crc32": "AAAA"},
        {"checksum_sha256": "AAAAAA=="},
        {"checksum_crc32": "AAAAAA==", "checksum_algorithm": "SHA256"},
        {"checksum_algorithm": "CRC16"},
    ],
)
def test_a_claim_that_is_none_is_refused(members: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        checksums.read_claim(PutObjectRequest(bucket="b", key="k", **members))


@pytest.mark.parametrize("name", ["sha512", "md5", "xxhash64", "xxhash3", "xxhash128"])
def test_an_algorithm_that_only_s3_has_is_refused_by_name(name: str) -> None:
    for members in ({f"checksum_{name}": "AA=="}, {"checksum_algorithm": name.upper()}):
        with pytest.raises(NotImplementedHere, match=name):
            checksums.read_claim(PutObjectRequest(bucket="b", key="k", **members))


def test_another_digest_is_refused_by_its_algorithm() -> None:
    checksums.check_digest("CRC32", b"aaaa", b"aaaa")
    with pytest.raises(BadDigest, match="The CRC32 you specified did not match"):
        checksums.check_digest("CRC32", b"aaaa", b"aaab")


@pytest.mark.parametrize(
    ("algorithm", "asked", "chosen"),
    [
        ("CRC32", None, COMPOSITE),
        ("CRC32", FULL_OBJECT, FULL_OBJECT),
        ("CRC32C", None, COMPOSITE),
        ("CRC64NVME", None, FULL_OBJECT),
        ("SHA256", None, COMPOSITE),
    ],
)
def test_an_upload_has_the_type_that_its_algorithm_can_have(
    algorithm: str, asked: str | None, chosen: str
) -> None:
    assert checksums.choose_type(algorithm, asked) == chosen


@pytest.mark.parametrize(
    ("algorithm", "asked"),
    [("SHA256", FULL_OBJECT), ("SHA1", FULL_OBJECT), ("CRC64NVME", COMPOSITE), ("CRC32", "WHOLE")],
)
def test_a_type_that_an_algorithm_cannot_have_is_refused(algorithm: str, asked: str) -> None:
    with pytest.raises(InvalidRequest):
        checksums.choose_type(algorithm, asked)
