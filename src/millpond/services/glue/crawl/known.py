"""Folders that the catalog knows already: with CRAWL_NEW_FOLDERS_ONLY they are not read again."""

from collections.abc import Mapping, Sequence

from millpond.services.glue.crawl.layout import File
from millpond.services.glue.crawl.reading import Listed
from millpond.services.glue.infer.schema import CsvFacts, FileSchema, Parsing
from millpond.services.glue.infer.types import Scalar
from millpond.services.glue.shapes import StorageDescriptor


def split_known(
    bucket: str, objects: Sequence[Listed], known: Mapping[str, StorageDescriptor]
) -> tuple[list[Listed], list[File]]:
    """The objects in folders that are new, and those in known folders with what is known."""
    new: list[Listed] = []
    files: list[File] = []
    for listed in objects:
        folder = listed.key[: listed.key.rfind("/") + 1]
        storage = known.get(f"s3://{bucket}/{folder}")
        if storage is None:
            new.append(listed)
        else:
            files.append(File(listed.key, listed.size, _schema(storage, listed.size)))
    return new, files


def _schema(storage: StorageDescriptor, size: int) -> FileSchema:
    parameters = storage.parameters or {}
    classification = parameters.get("classification", "")
    columns = tuple(
        (column.name, Scalar(column.type or "string")) for column in storage.columns or ()
    )
    facts = CsvFacts(
        delimiter=parameters.get("delimiter", ","),
        quoted=parameters.get("areColumnsQuoted") == "true",
        header="skip.header.line.count" in parameters,
        first_row=tuple(name for name, _ in columns),
        columns_below=columns,
    )
    average = parameters.get("averageRecordSize", "")
    record_size = int(average) if average.isascii() and average.isdigit() else size
    return FileSchema(
        classification=classification,
        compression=parameters.get("compressionType", "none"),
        columns=columns,
        records=1,
        sample_bytes=max(1, record_size),
        whole=False,
        csv=facts if classification == "csv" else None,
        json_path=parameters.get("jsonPath", ""),
        row_tag=parameters.get("rowTag", ""),
        parsed_by=_parsing(storage),
    )


def _parsing(storage: StorageDescriptor) -> Parsing | None:
    """The SerDe that the table has: it stays."""
    serde = storage.serde_info
    if serde is None or not serde.serialization_library:
        return None
    return Parsing(serde.serialization_library, tuple((serde.parameters or {}).items()))
