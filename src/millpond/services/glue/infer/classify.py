"""From the beginning of a file to its schema: Avro by its magic, then what custom classifiers take,
then JSON, XML and CSV. Parquet and ORC are told by `is_…`: their schema stands at the file's end.
"""

from collections.abc import Callable, Sequence

from millpond.services.glue.infer import avro, orc, parquet
from millpond.services.glue.infer.csv import infer_csv
from millpond.services.glue.infer.json import infer_json
from millpond.services.glue.infer.schema import FileSchema
from millpond.services.glue.infer.text import Text, read_text
from millpond.services.glue.infer.xml import infer_xml

HEAD_SIZE_BYTES = 1024 * 1024
"""How much of a file's beginning is read, as it is stored."""

Custom = Callable[[Text], FileSchema | None]
"""A custom classifier."""


def is_parquet(head: bytes) -> bool:
    """Whether the schema stands at the file's end, to be read by `infer_parquet`."""
    return head.startswith(parquet.MAGIC)


def is_orc(head: bytes) -> bool:
    """Whether the schema stands at the file's end, to be read by `infer_orc`."""
    return head.startswith(orc.MAGIC)


def infer_head(head: bytes, size_bytes: int, custom: Sequence[Custom] = ()) -> FileSchema | None:
    """The schema of a file of `size_bytes` that begins with `head`; None: not classified.

    The schema's `sample_bytes` are bytes as they are stored, so that a record's average size times
    the number of records is the size of the file.
    """
    if head.startswith(avro.MAGIC):
        try:
            return avro.infer_avro(head, size_bytes)
        except avro.NotAvro:
            return None
    text = read_text(head, size_bytes)
    if text is None:
        return None
    for classifier in custom:
        schema = classifier(text)
        if schema is not None:
            return schema
    given = (text.text, text.compression, text.stored_bytes, text.whole)
    return infer_json(*given) or infer_xml(*given) or infer_csv(*given)
