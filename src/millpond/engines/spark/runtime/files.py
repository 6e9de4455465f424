"""Files that a step names: on the machine or in S3."""

import re
import shutil
import urllib.error
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

from millpond.engines.spark.runtime import signing

S3_SCHEMES = ("s3", "s3a", "s3n")


class FileMissing(Exception):
    """A file that a step names cannot be read; the text says why."""


def read_location(url: str) -> tuple[str, str] | None:
    """The bucket and key (or beginning of keys) of a URL; None if it is not one of S3."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return (bucket, key) if scheme in S3_SCHEMES and bucket else None


def list_objects(bucket: str, prefix: str, count: int) -> list[tuple[str, int]]:
    """The keys and sizes of the first `count` objects below a prefix.

    Raises:
        OSError: they cannot be listed (urllib.error.HTTPError: it is refused).
    """
    asked = urllib.parse.quote(prefix, safe="-._~")
    path = f"/{bucket}?list-type=2&max-keys={count}&prefix={asked}"
    with signing.request("GET", path, {}, b"", "s3") as answer:
        listing = ElementTree.fromstring(answer.read())  # noqa: S314 - the platform's own answer
    return [
        (entry.findtext("{*}Key") or "", int(entry.findtext("{*}Size") or 0))
        for entry in listing.iterfind("{*}Contents")
    ]


def is_missing(url: str) -> bool:
    """Whether nothing at all lies at a URL of S3 or, up to its first wildcard, begins with it."""
    place = read_location(url)
    if place is None:
        return False
    bucket, key = place
    plain = re.split(r"[*?\[{]", key, maxsplit=1)[0]
    try:
        found = list_objects(bucket, plain, 1)
        if not found or plain != key or not key or key.endswith("/"):
            return not found
        return found[0][0] != key and not list_objects(bucket, f"{key}/", 1)
    except urllib.error.HTTPError as error:
        return error.code == 404
    except OSError:
        return False


def fetch(name: str, folder: Path) -> Path:
    """The local file for a path or URL; an object of S3 is copied into `folder` first.

    Raises:
        FileMissing: there is no such file or object, or it may not be read.
    """
    place = read_location(name)
    if place is not None:
        return _download(*place, name, folder)
    parts = urllib.parse.urlsplit(name)
    if parts.scheme in ("file", "local", ""):
        path = Path(urllib.parse.unquote(parts.path) if parts.scheme else name)
        if not path.is_file():
            raise FileMissing(f"File {name} does not exist")
        return path
    raise FileMissing(f"Files of the scheme {parts.scheme} are not supported: {name}")


def _download(bucket: str, key: str, name: str, folder: Path) -> Path:
    if not key or key.endswith("/"):
        raise FileMissing(f"{name} does not name an object")
    folder.mkdir(parents=True, exist_ok=True)
    local = folder / key.rpartition("/")[2]
    path = signing.quote_path(f"/{bucket}/{key}")
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
