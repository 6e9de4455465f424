"""From the beginning of a file to its schema: Parquet by its magic, then JSON, then CSV.

Text is UTF-8, with or without a byte order mark; anything else is not classified. The last line of
a sample that does not reach the file's end is left out.
"""

from millpond.services.glue.infer.compression import CannotUnpack, Sample, unpack
from millpond.services.glue.infer.csv import infer_csv
from millpond.services.glue.infer.json import infer_json
from millpond.services.glue.infer.parquet import MAGIC
from millpond.services.glue.infer.schema import FileSchema

HEAD_SIZE_BYTES = 1024 * 1024
"""How much of a file's beginning is read, as it is stored."""


def is_parquet(head: bytes) -> bool:
    """Whether the schema stands at the file's end, to be read by `infer_parquet`."""
    return head.startswith(MAGIC)


def infer_text(head: bytes, size_bytes: int) -> FileSchema | None:
    """The schema of a file of `size_bytes` that begins with `head`; None: not classified.

    The schema's `sample_bytes` are bytes as they are stored, so that a record's average size times
    the number of records is the size of the file.
    """
    try:
        sample = unpack(head, whole=len(head) >= size_bytes)
    except CannotUnpack:
        return None
    text = _decode(sample)
    if text is None:
        return None
    stored_bytes = sample.stored_bytes
    return infer_json(text, sample.compression, stored_bytes, sample.whole) or infer_csv(
        text, sample.compression, stored_bytes, sample.whole
    )


def _decode(sample: Sample) -> str | None:
    data = sample.data.removeprefix(b"\xef\xbb\xbf")
    if not sample.whole:
        data = data[: data.rfind(b"\n") + 1] or data
    if b"\x00" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if sample.whole or error.start < len(data) - 4:
            return None
        return data[: error.start].decode()
