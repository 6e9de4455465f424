"""Column names as files spell them: Sail shows a table's columns under those, Spark under the
catalog's, which are in lower case."""

import logging

from millpond.engines.spark.runtime import signing
from millpond.engines.spark.runtime.files import list_objects, read_location

_FOOTER_SIZE_BYTES = 64 * 1024
_LISTED = 100
_MAGIC = b"PAR1"

_log = logging.getLogger("millpond.spark")


def parquet_names(location: str) -> list[str]:
    """The columns of the first Parquet file below a location; none if it cannot be told."""
    place = read_location(location)
    if place is None:
        return []
    try:
        found = _first_file(*place)
        return [] if found is None else _names(place[0], *found)
    except (OSError, ValueError) as error:
        _log.warning("The columns of %s cannot be told: %s", location, error)
        return []


def _first_file(bucket: str, prefix: str) -> tuple[str, int] | None:
    """The key and size of a file that holds rows."""
    folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    for key, size in list_objects(bucket, folder, _LISTED):
        if size > len(_MAGIC) + 8 and not key.rpartition("/")[2].startswith(("_", ".")):
            return key, size
    return None


def _names(bucket: str, key: str, size: int) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415 - slow, and needed for Parquet tables alone
    import pyarrow.parquet as pq  # noqa: PLC0415

    path = signing.quote_path(f"/{bucket}/{key}")
    tail = _read_end(path, min(size, _FOOTER_SIZE_BYTES))
    footer_size = int.from_bytes(tail[-8:-4], "little") + 8
    if tail[-4:] != _MAGIC or footer_size > size:
        return []
    if footer_size > len(tail):
        tail = _read_end(path, footer_size)
    footer = pa.BufferReader(_MAGIC + tail[-footer_size:])
    return list(pq.read_schema(footer).names)


def _read_end(path: str, size: int) -> bytes:
    with signing.request("GET", path, {"range": f"bytes=-{size}"}, b"", "s3") as answer:
        return answer.read()
