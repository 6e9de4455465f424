"""S3's additional checksums: their kinds, their values, and how those of parts become an object's.

Source: S3 user guide, "Checking object integrity".
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from awscrt import checksums as crt

from millpond.services.s3.errors import BadDigest, InvalidRequest, NotImplementedHere

COMPOSITE = "COMPOSITE"
FULL_OBJECT = "FULL_OBJECT"
ALGORITHM_DEFAULT = "CRC64NVME"
"""What S3 computes when the client sends no checksum."""


class Checksum(msgspec.Struct, frozen=True, array_like=True):
    """`value` is base64, with `-<number of parts>` behind it when `type` is COMPOSITE."""

    algorithm: str
    value: str
    type: str = FULL_OBJECT


class Running(Protocol):
    """A checksum that is being computed."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A cyclic redundancy check as a running checksum."""

    def __init__(self, function: Callable[[bytes, int], int], size_bytes: int) -> None:
        self._function = function
        self._size_bytes = size_bytes
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size_bytes, "big")


@dataclass(frozen=True, slots=True)
class Kind:
    """An algorithm. `combine(crc of a, crc of b, length of b)` exists where parts can be joined."""

    name: str
    size_bytes: int
    start: Callable[[], Running]
    combine: Callable[[int, int, int], int] | None
    types: tuple[str, ...]
    """The checksum types that a multipart upload may have, the default first."""

    @property
    def member(self) -> str:
        """The name of the member that carries a value in requests and answers."""
        return f"checksum_{self.name.lower()}"

    @property
    def header(self) -> str:
        return f"x-amz-checksum-{self.name.lower()}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("CRC32", 4, lambda: _Crc(crt.crc32, 4), crt.combine_crc32, (COMPOSITE, FULL_OBJECT)),
        Kind(
            "CRC32C", 4, lambda: _Crc(crt.crc32c, 4), crt.combine_crc32c, (COMPOSITE, FULL_OBJECT)
        ),
        Kind("CRC64NVME", 8, lambda: _Crc(crt.crc64nvme, 8), crt.combine_crc64nvme, (FULL_OBJECT,)),
        Kind("SHA1", 20, lambda: hashlib.sha1(usedforsecurity=False), None, (COMPOSITE,)),
        Kind("SHA256", 32, hashlib.sha256, None, (COMPOSITE,)),
    )
}
_ELSEWHERE = ("sha512", "md5", "xxhash64", "xxhash3", "xxhash128")
"""What S3 also knows and this service does not."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the client says the checksum is. `digest` is None while it is to come in a trailer."""

    algorithm: str
    digest: bytes | None


def read_claim(request: Any) -> Claim | None:
    """The checksum that a request's headers carry or announce, None when they do neither.

    Raises:
        InvalidRequest: it is not one checksum of a known kind with a value of its size.
        NotImplementedHere: its kind is one that S3 has and this service has not.
    """
    for name in _ELSEWHERE:
        if getattr(request, f"checksum_{name}") is not None:
            raise NotImplementedHere(f"x-amz-checksum-{name}")
    values = [
        (kind, value)
        for kind in KINDS.values()
        if (value := getattr(request, kind.member)) is not None
    ]
    if len(values) > 1:
        raise InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    announced = getattr(request, "checksum_algorithm", None)
    if announced is not None:
        announced = read_algorithm(announced)
    if not values:
        return None if announced is None else Claim(announced, None)
    kind, value = values[0]
    if announced is not None and announced != kind.name:
        raise InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return Claim(kind.name, read_digest(kind, value))


def read_algorithm(name: str) -> str:
    """The name of a known algorithm, in upper case.

    Raises:
        InvalidRequest: nobody knows it.
        NotImplementedHere: S3 knows it.
    """
    if name.upper() in KINDS:
        return name.upper()
    if name.lower() in _ELSEWHERE:
        raise NotImplementedHere(f"x-amz-checksum-{name.lower()}")
    raise InvalidRequest(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
        f"[{', '.join(KINDS)}]"
    )


def read_trailer(trailers: Any) -> Claim | None:
    """The checksum among the trailing headers of a body that was read to its end."""
    for kind in KINDS.values():
        if (value := trailers.get(kind.header)) is not None:
            return Claim(kind.name, read_digest(kind, value))
    for name in _ELSEWHERE:
        if f"x-amz-checksum-{name}" in trailers:
            raise NotImplementedHere(f"x-amz-checksum-{name}")
    return None


def read_digest(kind: Kind, value: str) -> bytes:
    """Raises InvalidRequest: `value` is not base64 of as many bytes as the algorithm gives."""
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != kind.size_bytes:
        raise InvalidRequest(f"Value for {kind.header} header is invalid.")
    return digest


def check_digest(algorithm: str, claimed: bytes, computed: bytes) -> None:
    """Raises BadDigest: the checksums differ."""
    if claimed != computed:
        raise BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")


def choose_type(algorithm: str, asked: str | None) -> str:
    """The checksum type of an upload.

    Raises:
        InvalidRequest: the algorithm has no such type.
    """
    types = KINDS[algorithm].types
    if asked is None:
        return types[0]
    if asked not in (COMPOSITE, FULL_OBJECT):
        raise InvalidRequest("Value for x-amz-checksum-type header is invalid.")
    if asked not in types:
        raise InvalidRequest(
            f"The {asked} checksum type cannot be used with the {algorithm.lower()} checksum "
            "algorithm."
        )
    return asked


def join(algorithm: str, checksum_type: str, parts: Sequence[tuple[str, int]]) -> Checksum:
    """The checksum of an object made of parts: (base64 checksum, size in bytes) of each, in order.

    COMPOSITE is the checksum of the parts' checksums; FULL_OBJECT is that of their bytes.
    """
    kind = KINDS[algorithm]
    digests = [(base64.b64decode(value), size) for value, size in parts]
    if checksum_type == COMPOSITE:
        running = kind.start()
        for digest, _ in digests:
            running.update(digest)
        return Checksum(algorithm, f"{text(running.digest())}-{len(parts)}", COMPOSITE)
    assert kind.combine is not None
    whole = int.from_bytes(digests[0][0], "big")
    for digest, size in digests[1:]:
        whole = kind.combine(whole, int.from_bytes(digest, "big"), size)
    return Checksum(algorithm, text(whole.to_bytes(kind.size_bytes, "big")))


def text(digest: bytes) -> str:
    """A digest as S3 writes it."""
    return base64.b64encode(digest).decode()


def members(checksum: Checksum) -> dict[str, Any]:
    """The members of an answer that carry a checksum and its type."""
    return {KINDS[checksum.algorithm].member: checksum.value, "checksum_type": checksum.type}
