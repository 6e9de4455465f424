"""Text files made ready for DuckDB's reader: plain, in UTF-8, with one kind of line end.

Most files are ready as they are and are only looked through, at the speed of memory. Others are
written anew beside them: compressed ones, those that mix line ends or are not UTF-8, and quoted
ones that escape by backslash, which DuckDB and OpenCSV understand differently.
"""

import bz2
import csv
import gzip
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from millpond.engines.sql.interface import QuotedText
from millpond.engines.sql.trino.errors import StatementError

_CHUNK_SIZE_BYTES = 4 << 20
_LINE_SIZE_CHARACTERS_MAX = 128 << 20


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file to read: where it is, and what stands in it.

    `is_normal`: it was written anew as CSV with commas and doubled quotes.
    """

    path: Path
    has_quotes: bool = False
    is_normal: bool = False


def prepare_lines(path: Path, compression: str, made: Path, transcode: bool) -> Prepared:
    """A file of lines without quotes. `made` is where a new one may be written."""
    if compression or transcode:
        _rewrite(path, compression, made)
        return Prepared(made)
    found = _look(path)
    if found.is_mixed:
        _rewrite(path, "", made)
        return Prepared(made)
    _refuse_nul(found, path)
    return Prepared(path)


def prepare_quoted(
    path: Path, compression: str, made: Path, kind: QuotedText, transcode: bool
) -> Prepared:
    """A file of quoted values. Where nothing is quoted or escaped it is a file of lines."""
    plain = path
    if compression:
        plain = made.with_name(made.name + ".plain")
        _rewrite(path, compression, plain)
    found = _look(plain, kind.quote, kind.escape)
    _refuse_nul(found, path)
    if not transcode and not found.is_mixed and not found.has_escapes:
        if not found.has_quotes:
            return Prepared(plain)
        if not found.has_blank_lines:
            return Prepared(plain, has_quotes=True)
    _normalize(plain, made, kind)
    if plain != path:
        plain.unlink()
    return Prepared(made, has_quotes=True, is_normal=True)


@dataclass(frozen=True, slots=True)
class _Look:
    is_mixed: bool = False
    has_nul: bool = False
    has_quotes: bool = False
    has_escapes: bool = False
    has_blank_lines: bool = False


def _look(path: Path, quote: str = "", escape: str = "") -> _Look:
    if path.stat().st_size == 0:
        return _Look()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        has_returns = data.find(b"\r") >= 0
        return _Look(
            is_mixed=has_returns and _mixes_line_ends(data),
            has_nul=data.find(b"\0") >= 0,
            has_quotes=bool(quote) and data.find(quote.encode()) >= 0,
            has_escapes=bool(escape) and escape != quote and data.find(escape.encode()) >= 0,
            has_blank_lines=data[:1] in (b"\n", b"\r")
            or data.find(b"\n\n") >= 0
            or data.find(b"\n\r") >= 0,
        )


def _mixes_line_ends(data: mmap.mmap) -> bool:
    returns = feeds = pairs = 0
    before = b""
    for start in range(0, len(data), _CHUNK_SIZE_BYTES):
        chunk = data[start : start + _CHUNK_SIZE_BYTES]
        returns += chunk.count(b"\r")
        feeds += chunk.count(b"\n")
        pairs += chunk.count(b"\r\n") + (before == b"\r" and chunk[:1] == b"\n")
        before = chunk[-1:]
    return not returns == feeds == pairs


def _refuse_nul(found: _Look, path: Path) -> None:
    if found.has_nul:
        raise StatementError("HIVE_BAD_DATA", "A text file of the table holds NUL bytes; is it in"
                             " UTF-16, or no text?")  # fmt: skip


def open_compressed(path: Path, compression: str) -> BinaryIO:
    """A file's bytes without their compression."""
    match compression:
        case "":
            return path.open("rb")
        case "gzip":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case "bzip2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case "zstd":
            import pyarrow as pa  # noqa: PLC0415 - slow to load, and seldom needed

            return cast(BinaryIO, pa.input_stream(str(path), compression="zstd"))
    raise StatementError("NOT_SUPPORTED", f"{compression} compression is not supported")


def _rewrite(path: Path, compression: str, made: Path) -> None:
    """Write a file anew: no compression, UTF-8, lines ending in a line feed."""
    try:
        with open_compressed(path, compression) as source, made.open("wb") as target:
            for chunk in _clean(source):
                target.write(chunk)
    except (OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise StatementError(
            "HIVE_CURSOR_ERROR", f"A {compression} file cannot be decompressed: {error}"
        ) from error


def _clean(source: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := source.read(_CHUNK_SIZE_BYTES):
        chunk = rest + chunk
        rest = b""
        if chunk.endswith(b"\r"):
            chunk, rest = chunk[:-1], b"\r"
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = chunk.rfind(b"\n") + 1
        whole, rest = chunk[:cut], chunk[cut:] + rest
        if len(rest) > _LINE_SIZE_CHARACTERS_MAX:
            raise StatementError("HIVE_BAD_DATA", "A line of a text file is longer than 128 MiB")
        yield _as_utf8(whole)
    yield _as_utf8(rest.replace(b"\r", b"\n"))


def _as_utf8(chunk: bytes) -> bytes:
    if b"\0" in chunk:
        raise StatementError("HIVE_BAD_DATA", "A text file of the table holds NUL bytes; is it in"
                             " UTF-16, or no text?")  # fmt: skip
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError:
        return chunk.decode("utf-8", errors="replace").encode()
    return chunk


def _normalize(path: Path, made: Path, kind: QuotedText) -> None:
    """Write a quoted file anew as DuckDB reads it, the way OpenCSV understands it."""
    csv.field_size_limit(_LINE_SIZE_CHARACTERS_MAX)
    with (
        path.open("r", encoding="utf-8", errors="replace", newline="") as source,
        made.open("w", encoding="utf-8", newline="") as target,
    ):
        reader = csv.reader(
            source,
            delimiter=kind.separator,
            quotechar=kind.quote or None,
            escapechar=kind.escape if kind.escape and kind.escape != kind.quote else None,
            doublequote=True,
            quoting=csv.QUOTE_MINIMAL if kind.quote else csv.QUOTE_NONE,
        )
        writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n")
        try:
            for row in reader:
                writer.writerow(row or [""])
        except csv.Error as error:
            raise StatementError(
                "HIVE_BAD_DATA", f"A quoted text file cannot be read: {error}"
            ) from error
