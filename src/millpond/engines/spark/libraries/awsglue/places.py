"""Where files are: S3 (`s3://`, `s3a://`, `s3n://`) and this machine's folders.

S3 is called with the job's own credentials, which go with the work to the engine's workers.
"""

from __future__ import annotations

import functools
import io
import os
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMES = ("s3", "s3a", "s3n")
_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
_DELETED_AT_ONCE = 1000
Access = tuple[tuple[str, str], ...]
"""The variables by which AWS is called, as a job has them."""


@dataclass(frozen=True)
class File:
    """A file, its size in bytes, and when it was written, in seconds since 1970."""

    uri: str
    size: int
    modified: float
    storage_class: str = "STANDARD"


def job_access() -> Access:
    return tuple((name, os.environ[name]) for name in _VARIABLES if name in os.environ)


def client(service: str, access: Access | None = None) -> Any:
    """A client of an AWS service, made once in a process."""
    return _client(service, job_access() if access is None else access)


@functools.lru_cache(maxsize=16)
def _client(service: str, access: Access) -> Any:
    import boto3  # noqa: PLC0415 - slow, and of no use where no file is in S3

    given = dict(access)
    return boto3.session.Session().client(
        service,
        endpoint_url=given.get("AWS_ENDPOINT_URL"),
        region_name=given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or "us-east-1",
        aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=given.get("AWS_SESSION_TOKEN"),
    )


def split(uri: str) -> tuple[str, str]:
    """The bucket and the key of an address in S3; no bucket for a path of this machine.

    Raises:
        ValueError: the address has another scheme.
    """
    scheme, mark, rest = uri.partition("://")
    if mark and scheme in _SCHEMES:
        bucket, _, key = rest.partition("/")
        return bucket, key
    if mark and scheme == "file":
        return "", urllib.parse.unquote(rest)
    if mark:
        raise ValueError(f"{uri}: addresses are of s3:// or of local files.")
    return "", uri[5:] if uri.startswith("file:") else uri


def is_s3(uri: str) -> bool:
    return bool(split(uri)[0])


def join(uri: str, *names: str) -> str:
    return "/".join((uri.rstrip("/"), *names))


def list_files(uri: str, access: Access | None = None) -> list[File]:
    """All files at an address or below it, by name."""
    bucket, key = split(uri)
    if not bucket:
        return _list_local(Path(key))
    s3 = client("s3", access)
    found = []
    exact = key.rstrip("/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=exact):
        for one in page.get("Contents", ()):
            name = one["Key"]
            if exact and name != exact and not name.startswith(exact + "/"):
                continue
            found.append(
                File(
                    f"s3://{bucket}/{name}",
                    one["Size"],
                    one["LastModified"].timestamp(),
                    one.get("StorageClass", "STANDARD"),
                )
            )
    return found


def list_prefix(uri: str) -> list[File]:
    """All files whose addresses begin so."""
    bucket, key = split(uri)
    if not bucket:
        return _list_local(Path(key).parent)
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    return [
        File(f"s3://{bucket}/{one['Key']}", one["Size"], one["LastModified"].timestamp())
        for page in pages
        for one in page.get("Contents", ())
    ]


def _list_local(path: Path) -> list[File]:
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return [File(str(one), one.stat().st_size, one.stat().st_mtime) for one in files]


def read(uri: str, start: int, end: int | None, access: Access | None = None) -> bytes:
    """The bytes from `start` up to `end`; what is beyond the file's end is not there."""
    bucket, key = split(uri)
    if end is not None and end <= start:
        return b""
    if not bucket:
        with Path(key).open("rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(end - start)
    span = f"bytes={start}-{'' if end is None else end - 1}"
    if start == 0 and end is None:
        return bytes(client("s3", access).get_object(Bucket=bucket, Key=key)["Body"].read())
    got = client("s3", access).get_object(Bucket=bucket, Key=key, Range=span)
    return bytes(got["Body"].read())


def write(uri: str, data: bytes, access: Access | None = None) -> None:
    bucket, key = split(uri)
    if bucket:
        client("s3", access).put_object(Bucket=bucket, Key=key, Body=data)
        return
    path = Path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def delete(uris: Sequence[str]) -> list[tuple[str, str]]:
    """Delete files; those that could not be, with the reason."""
    failed: list[tuple[str, str]] = []
    by_bucket: dict[str, list[str]] = {}
    for uri in uris:
        bucket, key = split(uri)
        by_bucket.setdefault(bucket, []).append(key)
    for bucket, keys in by_bucket.items():
        if not bucket:
            for key in keys:
                Path(key).unlink(missing_ok=True)
            continue
        for some in _pieces(keys, _DELETED_AT_ONCE):
            answer = client("s3").delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
            failed += [
                (f"s3://{bucket}/{one['Key']}", one.get("Message", ""))
                for one in answer.get("Errors", ())
            ]
    return failed


def _pieces(keys: list[str], size: int) -> Iterator[list[str]]:
    for at in range(0, len(keys), size):
        yield keys[at : at + size]


class Ranges(io.RawIOBase):
    """A file that is read where it is asked to be, for formats with an index at their end."""

    def __init__(self, uri: str, size: int, access: Access | None) -> None:
        super().__init__()
        self._uri, self._size, self._access, self._at = uri, size, access, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        data = read(self._uri, self._at, end, self._access)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
