"""Inputs, outputs and reference data of SQL applications, as AWS describes and checks them.

Each part has an id `<version>.<number>`: the version that it came with, and which of its kind it
was in that version.
Source: API reference, Input, Output, ReferenceDataSource; developer guide for SQL, Limits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.services.kinesisanalyticsv2.errors import (
    InvalidArgument,
    ResourceNotFound,
    not_implemented,
)

INPUTS, OUTPUTS = "InputDescriptions", "OutputDescriptions"
REFERENCES = "ReferenceDataSourceDescriptions"
ID_OF = {INPUTS: "InputId", OUTPUTS: "OutputId", REFERENCES: "ReferenceId"}
_MAX = {INPUTS: 1, OUTPUTS: 3, REFERENCES: 1}
_WORD_OF = {INPUTS: "input", OUTPUTS: "output", REFERENCES: "reference data source"}

Described = dict[str, Any]
"""SqlApplicationConfigurationDescription."""


def describe_sql(given: Mapping[str, Any] | None, version: int) -> Described:
    """The description of a SqlApplicationConfiguration that comes with `version`.

    Raises:
        InvalidArgument: a part cannot be, is not implemented, or there are too many.
    """
    described: Described = {}
    for kind, member in (
        (INPUTS, "Inputs"),
        (OUTPUTS, "Outputs"),
        (REFERENCES, "ReferenceDataSources"),
    ):
        for part in (given or {}).get(member) or ():
            described = add_part(described, kind, part, version)
    return described


def add_part(described: Described, kind: str, given: Mapping[str, Any], version: int) -> Described:
    """The description with one more input, output or reference data source.

    Raises:
        InvalidArgument: it cannot be, is not implemented, or there are as many as may be.
    """
    parts = list(described.get(kind, ()))
    if len(parts) == _MAX[kind]:
        raise InvalidArgument(
            f"An application cannot have more than {_MAX[kind]} {_WORD_OF[kind]}"
            f"{'s' if _MAX[kind] > 1 else ''}."
        )
    number = 1 + sum(part[ID_OF[kind]].startswith(f"{version}.") for part in parts)
    part = {ID_OF[kind]: f"{version}.{number}"} | _DESCRIBE[kind](given)
    return _with(described, kind, [*parts, part])


def remove_part(described: Described, kind: str, part_id: str) -> Described:
    """The description without the part of that id.

    Raises:
        ResourceNotFound: there is none.
    """
    _place(described, kind, part_id)
    left = [part for part in described[kind] if part[ID_OF[kind]] != part_id]
    return _with(described, kind, left)


def update_sql(described: Described, updates: Mapping[str, Any]) -> Described:
    """The description after a SqlApplicationConfigurationUpdate.

    Raises:
        ResourceNotFound: an update is of a part that is not there.
        InvalidArgument: a part cannot be so, or that is not implemented.
    """
    for kind, member in (
        (INPUTS, "InputUpdates"),
        (OUTPUTS, "OutputUpdates"),
        (REFERENCES, "ReferenceDataSourceUpdates"),
    ):
        for update in updates.get(member) or ():
            part_id = update[ID_OF[kind]]
            place = _place(described, kind, part_id)
            parts = list(described[kind])
            changed = _as_given(parts[place]) | _UPDATE[kind](parts[place], update)
            parts[place] = {ID_OF[kind]: part_id} | _DESCRIBE[kind](changed)
            described = _with(described, kind, parts)
    return described


def _place(described: Described, kind: str, part_id: str) -> int:
    for place, part in enumerate(described.get(kind, ())):
        if part[ID_OF[kind]] == part_id:
            return place
    raise ResourceNotFound(f"The application has no {_WORD_OF[kind]} with the id {part_id}.")


def _with(described: Described, kind: str, parts: Sequence[Mapping[str, Any]]) -> Described:
    names = [name for part in parts for name in _names_of(part)]
    if len(set(names)) < len(names):
        raise InvalidArgument(f"Two parts have the same name: {', '.join(sorted(names))}.")
    return described | {kind: list(parts)}


def _names_of(part: Mapping[str, Any]) -> list[str]:
    if "InAppStreamNames" in part:
        return list(part["InAppStreamNames"])
    return [part["TableName"]] if "TableName" in part else [part["OutputId"]]


# What a request gives, and what is kept of it


def _describe_input(given: Mapping[str, Any]) -> dict[str, Any]:
    not_implemented(("InputProcessingConfiguration", given.get("InputProcessingConfiguration")))
    if given.get("KinesisFirehoseInput"):
        raise InvalidArgument(
            "KinesisFirehoseInput is not implemented: what was put to a delivery stream can be "
            "read only where it was delivered. Read the Kinesis stream that it comes from."
        )
    if not given.get("KinesisStreamsInput"):
        raise InvalidArgument("An input must have a KinesisStreamsInput.")
    count = (given.get("InputParallelism") or {}).get("Count", 1)
    check_schema(given["InputSchema"])
    prefix = given["NamePrefix"]
    return {
        "NamePrefix": prefix,
        "InAppStreamNames": [f"{prefix}_{number:03d}" for number in range(1, count + 1)],
        "KinesisStreamsInputDescription": dict(given["KinesisStreamsInput"]),
        "InputSchema": given["InputSchema"],
        "InputParallelism": {"Count": count},
    }


def _describe_output(given: Mapping[str, Any]) -> dict[str, Any]:
    not_implemented(("LambdaOutput", given.get("LambdaOutput")))
    chosen = [name for name in ("KinesisStreamsOutput", "KinesisFirehoseOutput") if given.get(name)]
    if len(chosen) != 1:
        raise InvalidArgument(
            "An output must have exactly one of KinesisStreamsOutput and KinesisFirehoseOutput."
        )
    return {
        "Name": given["Name"],
        f"{chosen[0]}Description": dict(given[chosen[0]]),
        "DestinationSchema": given["DestinationSchema"],
    }


def _describe_reference(given: Mapping[str, Any]) -> dict[str, Any]:
    place = given.get("S3ReferenceDataSource") or {}
    for name in ("BucketARN", "FileKey"):
        if not place.get(name):
            raise InvalidArgument(
                f"A reference data source must have an S3ReferenceDataSource.{name}."
            )
    check_schema(given["ReferenceSchema"])
    return {
        "TableName": given["TableName"],
        "S3ReferenceDataSourceDescription": dict(place),
        "ReferenceSchema": given["ReferenceSchema"],
    }


def check_schema(schema: Mapping[str, Any]) -> None:
    """Whether records can be read by this SourceSchema.

    Raises:
        InvalidArgument: columns or mappings are missing or stand twice.
    """
    columns = [column["Name"] for column in schema["RecordColumns"]]
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise InvalidArgument(f"The column {twice} stands more than once in the schema.")
    kind = schema["RecordFormat"]["RecordFormatType"]
    mapping = schema["RecordFormat"].get("MappingParameters") or {}
    wanted = f"{kind}MappingParameters"
    if mapping and wanted not in mapping:
        raise InvalidArgument(f"MappingParameters of {kind} records are {wanted}.")
    if kind == "JSON":
        path = (mapping.get(wanted) or {}).get("RecordRowPath", "$")
        if path != "$":
            raise InvalidArgument(
                f"RecordRowPath {path} is not implemented: rows are records, $. A column's Mapping "
                "may lead deeper."
            )
        missing = [
            column["Name"] for column in schema["RecordColumns"] if not column.get("Mapping")
        ]
        if missing:
            raise InvalidArgument(f"The column {missing[0]} of JSON records must have a Mapping.")
        return
    rows = (mapping.get(wanted) or {}).get("RecordRowDelimiter", "\n")
    if rows not in ("\n", "\r\n"):
        raise InvalidArgument("RecordRowDelimiter must be a line feed: others are not implemented.")
    fields = (mapping.get(wanted) or {}).get("RecordColumnDelimiter", ",")
    if len(fields) != 1:
        raise InvalidArgument(
            "RecordColumnDelimiter must be one character: more are not implemented."
        )


# Updates: a description turned back into what was given, under what the update says


def _as_given(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("Description"): value for name, value in part.items()}


def _said(update: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name.removesuffix("Update"): value for name, value in (update or {}).items()}


def _update_input(part: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(update)
    schema = dict(part["InputSchema"])
    changes = said.pop("InputSchema", None) or {}
    for name, member in (
        ("RecordFormatUpdate", "RecordFormat"),
        ("RecordEncodingUpdate", "RecordEncoding"),
        ("RecordColumnUpdates", "RecordColumns"),
    ):
        if name in changes:
            schema[member] = changes[name]
    said["InputSchema"] = schema
    for name in ("KinesisStreamsInput", "KinesisFirehoseInput", "InputParallelism"):
        if name in said:
            said[name] = _said(said[name])
    return said


def _update_output(part: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(update)
    places = ("KinesisStreamsOutput", "KinesisFirehoseOutput", "LambdaOutput")
    if any(name in said for name in places):
        for name in places:
            said[name] = _said(said.get(name)) or None
    return said


def _update_reference(part: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(update)
    if "S3ReferenceDataSource" in said:
        place = part["S3ReferenceDataSourceDescription"]
        said["S3ReferenceDataSource"] = place | _said(said["S3ReferenceDataSource"])
    return said


_DESCRIBE = {INPUTS: _describe_input, OUTPUTS: _describe_output, REFERENCES: _describe_reference}
_UPDATE = {INPUTS: _update_input, OUTPUTS: _update_output, REFERENCES: _update_reference}
