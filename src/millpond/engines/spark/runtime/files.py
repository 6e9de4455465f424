"""Files that a step names: on the machine or in S3."""

import shutil
import urllib.error
import urllib.parse
from pathlib import Path

from millpond.engines.spark.runtime import signing

S3_SCHEMES = ("s3", "s3a", "s3n")


class FileMissing(Exception):
    """A file that a step names cannot be read; the text says why."""


def fetch(name: str, folder: Path) -> Path:
    """The local file for a path or URL; an object of S3 is copied into `folder` first.

    Raises:
        FileMissing: there is no such file or object, or it may not be read.
    """
    parts = urllib.parse.urlsplit(name)
    if parts.scheme in S3_SCHEMES:
        return _download(parts.netloc, name.split("/", 3)[3:], name, folder)
    if parts.scheme in ("file", "local", ""):
        path = Path(urllib.parse.unquote(parts.path) if parts.scheme else name)
        if not path.is_file():
            raise FileMissing(f"File {name} does not exist")
        return path
    raise FileMissing(f"Files of the scheme {parts.scheme} are not supported: {name}")


def _download(bucket: str, keys: list[str], name: str, folder: Path) -> Path:
    if not bucket or not keys or not keys[0] or keys[0].endswith("/"):
        raise FileMissing(f"{name} does not name an object")
    folder.mkdir(parents=True, exist_ok=True)
    local = folder / keys[0].rsplit("/", 1)[-1]
    path = signing.quote_path(f"/{bucket}/{keys[0]}")
    try:
        with signing.request("GET", path, {}, b"", "s3") as answer, local.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    except urllib.error.HTTPError as error:
        with error:
            raise FileMissing(_explain(name, error.code, error.read(4096))) from error
    except OSError as error:
        raise FileMissing(f"{name} cannot be read: {error}") from error
    return local


def _explain(name: str, status: int, answer: bytes) -> str:
    code = answer.partition(b"<Code>")[2].partition(b"</Code>")[0].decode(errors="replace")
    if status == 404:
        return f"File {name} does not exist ({code or 'NotFound'})"
    return f"{name} cannot be read: {code or 'HTTP status'} ({status})"
