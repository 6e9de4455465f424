"""Files that are there all together, or not at all.

Workers send the parts of a file, and the driver completes all files once every task is done. In S3
that is a multipart upload; in a folder of this machine a file with a temporary name. What a task
that is tried again left behind is never completed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import places
from ..places import Access

PART_BYTES = 8 << 20


@dataclass(frozen=True)
class Upload:
    """A file that only waits to be completed."""

    uri: str
    ticket: str
    """S3's id of the upload, or the temporary name."""
    parts: tuple[str, ...]
    size: int


@dataclass
class Uploading:
    """A file that is being written; `write` takes any bytes."""

    uri: str
    access: Access
    _buffer: bytearray = field(default_factory=bytearray)
    _ticket: str = ""
    _parts: list[str] = field(default_factory=list)
    _size: int = 0

    def write(self, data: bytes) -> int:
        self._buffer += data
        self._size += len(data)
        while len(self._buffer) >= PART_BYTES:
            self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]
        return len(data)

    def finish(self) -> Upload:
        if self._buffer or not self._parts:
            self._send(bytes(self._buffer))
            self._buffer.clear()
        return Upload(self.uri, self._ticket, tuple(self._parts), self._size)

    @property
    def size(self) -> int:
        return self._size

    def _send(self, data: bytes) -> None:
        bucket, key = places.split(self.uri)
        if not bucket:
            self._append(Path(key), data)
            return
        s3 = places.client("s3", self.access)
        if not self._ticket:
            made = s3.create_multipart_upload(Bucket=bucket, Key=key)
            self._ticket = made["UploadId"]
        sent = s3.upload_part(
            Bucket=bucket,
            Key=key,
            UploadId=self._ticket,
            PartNumber=len(self._parts) + 1,
            Body=data,
        )
        self._parts.append(sent["ETag"])

    def _append(self, path: Path, data: bytes) -> None:
        if not self._ticket:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._ticket = str(path.with_name(f"_{uuid.uuid4().hex}.tmp"))
            self._parts.append("")
        with Path(self._ticket).open("ab") as file:
            file.write(data)


def complete(uploads: Sequence[Upload]) -> None:
    """Let the files appear."""
    for upload in uploads:
        bucket, key = places.split(upload.uri)
        if not bucket:
            Path(upload.ticket).replace(key)
            continue
        parts: list[Any] = [
            {"PartNumber": number, "ETag": etag} for number, etag in enumerate(upload.parts, 1)
        ]
        places.client("s3").complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload.ticket, MultipartUpload={"Parts": parts}
        )


def abandon(uri: str, mark: str) -> None:
    """Give up the uploads below an address whose names have a mark."""
    bucket, key = places.split(uri)
    if not bucket:
        return
    s3 = places.client("s3")
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for one in page.get("Uploads", ()):
            if mark in one["Key"]:
                s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
