"""Whether an upload can be completed as its client asks, and with which parts.

Source: S3 API reference, CompleteMultipartUpload; S3 user guide, "Multipart upload limits".
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from millpond.services.s3.errors import (
    BadDigest,
    EntityTooSmall,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    MalformedXML,
)
from millpond.services.s3.model import etags
from millpond.services.s3.model.checksums import COMPOSITE, KINDS, Checksum
from millpond.services.s3.model.stored import Part, Upload

PART_SIZE_BYTES_MIN = 5 * 1024 * 1024
PARTS_MAX = 10_000


def check_list(asked: Sequence[Any], upload_id: str) -> None:
    """`asked` are the request's CompletedPart members.

    Raises:
        MalformedXML: there are none, too many, or one without its number or ETag.
        InvalidPartOrder: their numbers do not rise.
    """
    if not 1 <= len(asked) <= PARTS_MAX:
        raise MalformedXML
    if any(part.part_number is None or part.etag is None for part in asked):
        raise MalformedXML
    numbers = [part.part_number for part in asked]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise InvalidPartOrder(upload_id)


def choose_parts(upload: Upload, asked: Sequence[Any], stored: Mapping[int, Part]) -> list[Part]:
    """The parts of the object, in order.

    Raises:
        InvalidPart: one was not uploaded, or it is not the one that the client means.
        InvalidRequest: the client does not tell the checksum of each part where S3 wants it.
        EntityTooSmall: one that is not the last has less than 5 MiB.
    """
    chosen = []
    for item in asked:
        part = stored.get(item.part_number)
        if part is None or etags.unquote(item.etag) != part.etag:
            raise InvalidPart(upload.id, item.part_number, item.etag)
        _check_part_checksum(upload, item, part)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.blob.size < PART_SIZE_BYTES_MIN:
            raise EntityTooSmall(
                part.blob.size, PART_SIZE_BYTES_MIN, part.number, etags.quote(part.etag)
            )
    return chosen


def check_whole(request: Any, checksum: Checksum, size: int) -> None:
    """What the client says about the finished object.

    Raises:
        BadDigest: it has another checksum, or one of another type.
        InvalidRequest: it has another size, or the checksum is of another algorithm.
    """
    if request.mpu_object_size is not None and request.mpu_object_size != size:
        raise InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {request.mpu_object_size} does not "
            f"match what was computed: {size}"
        )
    if request.checksum_type not in (None, checksum.type):
        raise BadDigest(
            f"The upload was created with the {checksum.type} checksum type, the request specifies "
            f"{request.checksum_type}."
        )
    for kind in KINDS.values():
        claimed = getattr(request, kind.member)
        if claimed is None:
            continue
        if kind.name != checksum.algorithm:
            raise InvalidRequest(mismatch(checksum.algorithm, kind.name))
        if claimed.partition("-")[0] != checksum.value.partition("-")[0]:
            raise BadDigest(f"The {kind.name} you specified did not match the calculated checksum.")


def mismatch(expected: str, actual: str) -> str:
    """What S3 says about a checksum of an algorithm that the upload does not have."""
    return (
        f"Checksum Type mismatch occurred, expected checksum Type: {expected.lower()}, actual "
        f"checksum Type: {actual.lower()}"
    )


def _check_part_checksum(upload: Upload, item: Any, part: Part) -> None:
    claimed = {
        kind.name: value
        for kind in KINDS.values()
        if (value := getattr(item, kind.member)) is not None
    }
    for algorithm, value in claimed.items():
        if part.checksums.get(algorithm) != value:
            raise InvalidPart(upload.id, part.number, item.etag)
    if (
        upload.explicit_checksum
        and upload.checksum_type == COMPOSITE
        and upload.checksum_algorithm not in claimed
    ):
        raise InvalidRequest(
            f"The upload was created using a {upload.checksum_algorithm.lower()} checksum. The "
            "complete request must include the checksum for each part. It was missing for part "
            f"{part.number} in the request."
        )
