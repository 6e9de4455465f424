"""aws-chunked bodies decode to what was sent, however they arrive, or are refused."""

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.wire.chunked import BadChunks, ChunkDecoder, ChunkFault
from millpond.wire.sigv4 import verify
from millpond.wire.sigv4_claim import Payload, check_declared_payload, read_claim
from tests.wire.chunk_signing import SIGNED, SIGNED_TRAILER, UNSIGNED, seed, write_chunks
from tests.wire.signing import read_cases, request_of

KINDS = [SIGNED, SIGNED_TRAILER, UNSIGNED]
CRC = {"x-amz-checksum-crc32": "AAAAAA=="}
BIG = bytes(range(256)) * 32
"""Exactly the smallest size that a chunk may have when others follow."""


def decode(
    payload: Payload, body: bytes, length: int, trailers: Any = CRC, *, step: int = 1 << 30
) -> tuple[bytes, dict[str, str]]:
    names = frozenset() if payload is SIGNED else frozenset(trailers)
    decoder = ChunkDecoder(payload, seed(), length, names)
    pieces = [
        piece
        for start in range(0, len(body), step)
        for piece in decoder.feed(body[start : start + step])
    ]
    decoder.finish()
    return b"".join(pieces), dict(decoder.trailers)


def fault(payload: Payload, body: bytes, length: int, trailers: Any = CRC) -> ChunkFault:
    with pytest.raises(BadChunks) as bad:
        decode(payload, body, length, trailers)
    return bad.value.fault


PUBLISHED = [case for case in read_cases("published.json") if "chunks" in case]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["name"])
@pytest.mark.parametrize("newline", ["\r\n", "\n\r\n"])
def test_the_bodies_in_the_documentation_of_s3_are_right(
    case: dict[str, Any], newline: str
) -> None:
    request = request_of(case["method"], case["target"], case["headers"])
    claim = read_claim(request)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    verified = verify(claim, request, secret, s3=True, payload_hash=claim.declared_payload)
    names = frozenset(filter(None, [request.headers.get("x-amz-trailer")]))
    decoder = ChunkDecoder(check_declared_payload(claim), verified, 66560, names)
    pieces = []
    for size, signature in case["chunks"]:
        pieces += decoder.feed(f"{size:x};chunk-signature={signature}\r\n".encode())
        pieces += decoder.feed(b"a" * size + b"\r\n" * bool(size))
    for position, line in enumerate(case["trailers"]):
        ending = newline if position == 0 else "\r\n"
        assert decoder.feed(f"{line}{ending}".encode()) == []
    assert decoder.feed(b"\r\n") == []
    decoder.finish()
    assert b"".join(pieces) == b"a" * 66560
    assert dict(decoder.trailers) == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if names else {})


@settings(max_examples=120, deadline=None)
@given(
    payload=st.sampled_from(KINDS),
    sizes=st.lists(st.integers(8192, 20_000), max_size=3),
    last=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 70_000), max_size=12),
)
def test_a_body_decodes_wherever_it_is_cut(
    payload: Payload, sizes: list[int], last: int, cuts: list[int]
) -> None:
    chunks = [BIG[:1] * size for size in sizes] + ([b"z" * last] if last else [])
    body = write_chunks(payload, chunks, CRC)
    names = frozenset() if payload is SIGNED else frozenset(CRC)
    decoder = ChunkDecoder(payload, seed(), sum(map(len, chunks)), names)
    ends = [*sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces, start = [], 0
    for end in ends:
        pieces += decoder.feed(body[start:end])
        start = end
    decoder.finish()
    assert b"".join(pieces) == b"".join(chunks)
    assert dict(decoder.trailers) == ({} if payload is SIGNED else CRC)


@pytest.mark.parametrize("payload", KINDS)
def test_a_body_decodes_byte_by_byte(payload: Payload) -> None:
    body = write_chunks(payload, [BIG, b"end"], CRC)
    assert decode(payload, body, len(BIG) + 3, step=1)[0] == BIG + b"end"


@pytest.mark.parametrize("payload", KINDS)
def test_an_empty_body_decodes(payload: Payload) -> None:
    assert decode(payload, write_chunks(payload, [], CRC), 0)[0] == b""


@pytest.mark.parametrize("payload", KINDS)
def test_a_body_that_ends_anywhere_early_is_refused(payload: Payload) -> None:
    body = write_chunks(payload, [b"hello"], CRC)
    for end in range(len(body)):
        assert fault(payload, body[:end], 5) is ChunkFault.TRUNCATED


@pytest.mark.parametrize("payload", [SIGNED, SIGNED_TRAILER])
def test_any_byte_changed_in_a_signed_body_is_refused(payload: Payload) -> None:
    body = write_chunks(payload, [b"hello world"], CRC)
    for position in range(len(body)):
        changed = bytearray(body)
        changed[position] ^= 1
        with pytest.raises(BadChunks):
            decode(payload, bytes(changed), 11)


def test_another_secret_signs_nothing() -> None:
    other = seed(key=b"another" * 4)
    for payload in (SIGNED, SIGNED_TRAILER):
        body = write_chunks(payload, [b"hello"], CRC, other)
        assert fault(payload, body, 5) is ChunkFault.SIGNATURE


def test_a_trailer_must_be_signed_by_its_own_signature() -> None:
    body = write_chunks(SIGNED_TRAILER, [b"hello"], CRC)
    forged = body.replace(b"crc32:AAAAAA==", b"crc32:BBBBBB==")
    assert fault(SIGNED_TRAILER, forged, 5) is ChunkFault.SIGNATURE
    without = re.sub(rb"x-amz-trailer-signature:.*\r\n", b"", body)
    assert fault(SIGNED_TRAILER, without, 5) is ChunkFault.TRUNCATED


def test_chunks_cannot_be_swapped_repeated_or_left_out() -> None:
    first, second = BIG, BIG[::-1]
    body = write_chunks(SIGNED, [first, second])
    size = body.index(b"\r\n") + 2 + len(BIG) + 2
    one, two, end = body[:size], body[size : 2 * size], body[2 * size :]
    assert decode(SIGNED, one + two + end, 2 * len(BIG))[0] == first + second
    for wrong in (two + one + end, one + one + end):
        assert fault(SIGNED, wrong, 2 * len(BIG)) is ChunkFault.SIGNATURE
    assert fault(SIGNED, one + end, 2 * len(BIG)) is ChunkFault.WRONG_LENGTH
    assert fault(SIGNED, one + end, len(BIG)) is ChunkFault.SIGNATURE


@pytest.mark.parametrize("length", [0, 4, 6, 10**12])
@pytest.mark.parametrize("payload", KINDS)
def test_the_announced_length_must_be_right(payload: Payload, length: int) -> None:
    body = write_chunks(payload, [b"hello"], CRC)
    assert fault(payload, body, length) is ChunkFault.WRONG_LENGTH


def test_only_the_last_chunk_may_be_small() -> None:
    assert decode(SIGNED, write_chunks(SIGNED, [BIG, b"x"]), len(BIG) + 1)
    body = write_chunks(SIGNED, [BIG[1:], b"x"])
    assert fault(SIGNED, body, len(BIG)) is ChunkFault.TOO_SMALL


@pytest.mark.parametrize(
    "sent,announced",
    [
        ({}, ["x-amz-checksum-crc32"]),
        (CRC, []),
        (CRC, ["x-amz-checksum-crc32c"]),
        (CRC, ["x-amz-checksum-crc32", "x-amz-checksum-sha256"]),
        (CRC, ["x-amz-meta-a"]),
        (CRC, ["content-length"]),
    ],
)
@pytest.mark.parametrize("payload", [SIGNED_TRAILER, UNSIGNED])
def test_the_trailers_are_those_that_were_announced(
    payload: Payload, sent: dict[str, str], announced: list[str]
) -> None:
    body = write_chunks(payload, [b"hello"], sent)
    assert fault(payload, body, 5, announced) is ChunkFault.TRAILER


def test_a_trailer_stands_once() -> None:
    body = write_chunks(UNSIGNED, [b"hello"], CRC)
    line = b"x-amz-checksum-crc32:AAAAAA==\r\n"
    assert fault(UNSIGNED, body.replace(line, line * 2), 5) is ChunkFault.TRAILER


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"\r\n",
        b"5" * 300,
        b"f" * 17 + b"\r\n",
        b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\nmore",
    ],
)
def test_a_malformed_body_is_refused(body: bytes) -> None:
    assert fault(UNSIGNED, body, 5) is ChunkFault.MALFORMED


def test_a_signed_body_needs_its_signatures() -> None:
    unsigned = write_chunks(UNSIGNED, [b"hello"])
    assert fault(SIGNED, unsigned, 5) is ChunkFault.MALFORMED


def test_headers_and_trailers_are_bounded() -> None:
    decoder = ChunkDecoder(UNSIGNED, seed(), 0, frozenset(CRC))
    decoder.feed(b"0\r\n")
    with pytest.raises(BadChunks):
        for _ in range(1000):
            decoder.feed(b"a" * 100)


@settings(max_examples=200, deadline=None)
@given(
    payload=st.sampled_from(KINDS),
    body=st.binary(max_size=80)
    | st.lists(
        st.sampled_from([b"0\r\n", b"1\r\n", b"a", b"\r\n", b";chunk-signature=", b"0" * 64, b":"]),
        max_size=12,
    ).map(b"".join),
)
def test_random_bytes_are_refused_and_never_crash(payload: Payload, body: bytes) -> None:
    try:
        content, _ = decode(payload, body, 1, {}, step=3)
    except BadChunks:
        return
    assert len(content) == 1


def test_a_large_body_is_not_copied_over_and_over() -> None:
    """Twice the body takes about twice the time, in chunks of any size."""

    def seconds(megabytes: int) -> float:
        chunks = [b"x" * 65536] * (16 * megabytes)
        body = write_chunks(UNSIGNED, chunks, CRC)
        began = time.process_time()
        decode(UNSIGNED, body, megabytes << 20, step=400_000)
        return time.process_time() - began

    small = min(seconds(4) for _ in range(3))
    assert min(seconds(16) for _ in range(3)) < 16 * small + 0.05
