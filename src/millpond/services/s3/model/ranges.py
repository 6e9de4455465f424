"""Which bytes of an object a request is about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from millpond.services.s3.errors import (
    InvalidArgument,
    InvalidPartNumber,
    InvalidRange,
    InvalidRequest,
)

_RANGE = re.compile(r"bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
_COPY_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `start + length`, of which there is at least one in a range."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range header for these of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def read_range(header: str, size: int) -> Span | None:
    """The bytes that a Range header asks for, None for the whole object.

    As in S3, several ranges or a malformed one are answered with the whole object.

    Raises:
        InvalidRange: no byte of the object is in it.

    Sources: RFC 9110, section 14; S3 API reference, GetObject ("S3 doesn't support retrieving
    multiple ranges of data per GET request").
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        if length == 0:
            raise InvalidRange(header, size)
        return Span(size - length, length)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise InvalidRange(header, size)
    end = min(int(last), size - 1) if last else size - 1
    return Span(start, end - start + 1)


def read_copy_range(header: str, size: int) -> Span:
    """The bytes that `x-amz-copy-source-range` asks for: unlike a Range, all must be there.

    Raises:
        InvalidArgument: it is not `bytes=first-last`, or reaches beyond the source.
    """
    match = _COPY_RANGE.fullmatch(header)
    if match is None or int(match.group(1)) > int(match.group(2)):
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    first, last = int(match.group(1)), int(match.group(2))
    if last >= size:
        raise InvalidArgument(
            f"Range specified is not valid for source object of size: {size}",
            "x-amz-copy-source-range",
            header,
        )
    return Span(first, last - first + 1)


def check_range_or_part(range_header: str | None, part_number: int | None) -> None:
    """Raises InvalidRequest: both are asked for, or the part number is none."""
    if part_number is None:
        return
    if range_header is not None:
        raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
    check_part_number(part_number)


def check_part_number(number: int) -> None:
    """Raises InvalidArgument: S3 has no part with this number."""
    if not 1 <= number <= 10_000:
        raise InvalidArgument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            str(number),
        )


def span_of_part(position: int, sizes: Sequence[int]) -> Span:
    """The bytes of the part at `position` (from 1) among parts of these sizes.

    Raises:
        InvalidPartNumber: there are fewer.
    """
    if position > len(sizes):
        raise InvalidPartNumber(position, len(sizes))
    return Span(sum(sizes[: position - 1]), sizes[position - 1])
