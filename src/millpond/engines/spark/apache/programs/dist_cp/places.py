"""Files in S3 and on this machine, as s3-dist-cp finds, copies and deletes them."""

import gzip
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from millpond.engines.spark.runtime.files import read_location

_PIECE_BYTES = 1 << 20
_COMPRESSED = ".gz"


class NotAPlace(Exception):
    """A path that cannot be read from or written to here; the text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its path (a URL, or as the source has it) and its size in bytes."""

    path: str
    size: int


class Places:
    """`s3` is a client of boto3; objects that are made get `attributes`."""

    def __init__(self, s3: Any, attributes: Mapping[str, str]) -> None:
        self._s3, self._attributes = s3, dict(attributes)

    def find(self, source: str) -> Iterator[Found]:
        """The files at and below a place, by their names."""
        place = read_location(source)
        if place is None:
            yield from _local_files(source)
            return
        bucket, prefix = place
        scheme = source.partition("://")[0]
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for one in page.get("Contents", ()):
                key = one["Key"]
                if not key.endswith("/") and (key == prefix or key.startswith(folder)):
                    yield Found(f"{scheme}://{bucket}/{key}", one["Size"])

    def write(self, sources: Sequence[Found], folder: str, name: str, codec: str) -> None:
        """Write one file below a folder: the sources, one after the other. With the codec `keep`
        they are copied as they are, with `none` plain, with another one compressed."""
        compress = codec in ("gz", "gzip")
        if codec != "keep":
            name = name.removesuffix(_COMPRESSED) + (_COMPRESSED if compress else "")
        target = f"{folder.rstrip('/')}/{name}"
        place = read_location(target)
        origin = read_location(sources[0].path)
        if place and origin and len(sources) == 1 and codec == "keep":
            source = dict(zip(("Bucket", "Key"), origin, strict=True))
            self._s3.copy(source, *place, ExtraArgs=self._attributes)
            return
        if place is None:
            path = local_path(target)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                self._fill(file, sources, codec)
            return
        with tempfile.TemporaryFile() as file:
            self._fill(file, sources, codec)
            file.seek(0)
            self._s3.upload_fileobj(file, *place, ExtraArgs=self._attributes)

    def delete(self, one: Found) -> None:
        place = read_location(one.path)
        if place is None:
            local_path(one.path).unlink()
        else:
            self._s3.delete_object(Bucket=place[0], Key=place[1])

    def read_text(self, name: str) -> str:
        place = read_location(name)
        if place is None:
            return local_path(name).read_text("utf-8")
        body = self._s3.get_object(Bucket=place[0], Key=place[1])["Body"].read()
        return str(body, "utf-8")

    def _fill(self, file: Any, sources: Sequence[Found], codec: str) -> None:
        if codec in ("gz", "gzip"):
            with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
                self._append(packed, sources, unpack=True)
        else:
            self._append(file, sources, unpack=codec == "none")

    def _append(self, file: Any, sources: Sequence[Found], *, unpack: bool) -> None:
        for one in sources:
            with self._open(one) as read:
                is_packed = unpack and one.path.endswith(_COMPRESSED)
                with gzip.open(read) if is_packed else read as content:
                    shutil.copyfileobj(content, file, _PIECE_BYTES)

    def _open(self, one: Found) -> IO[bytes]:
        place = read_location(one.path)
        if place is None:
            return local_path(one.path).open("rb")
        body: IO[bytes] = self._s3.get_object(Bucket=place[0], Key=place[1])["Body"]
        return body


def local_path(name: str) -> Path:
    """The path of a URL of this machine, or of a plain path.

    Raises:
        NotAPlace: it is of another file system.
    """
    parts = urllib.parse.urlsplit(name)
    if parts.scheme == "hdfs":
        raise NotAPlace(f"{name}: there is no HDFS on this cluster; use s3:// or file://")
    if parts.scheme not in ("", "file"):
        raise NotAPlace(f"{name}: files of the scheme {parts.scheme} are not supported")
    return Path(urllib.parse.unquote(parts.path) if parts.scheme else name)


def _local_files(source: str) -> Iterator[Found]:
    root = local_path(source)
    if root.is_file():
        yield Found(source, root.stat().st_size)
        return
    base = source.rstrip("/")
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield Found(f"{base}/{path.relative_to(root).as_posix()}", path.stat().st_size)
