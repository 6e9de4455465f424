"""All connectors: what each can do, whether a table fits it, and its source, sink or lookup.

A table that does not fit is refused in Flink's words, with the table's name in front.
"""

import importlib
from typing import Any, Literal, cast

from millpond.engines.streams.connectors import descriptions, file_descriptions
from millpond.engines.streams.connectors.described import Connector, MetadataKey
from millpond.engines.streams.connectors.interface import Lookup, Sink, Source, World
from millpond.engines.streams.formats import registry as formats
from millpond.engines.streams.formats.checks import check_format
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import Metadata, Table

Role = Literal["source", "sink", "lookup"]

CONNECTORS: dict[str, Connector] = {
    connector.name: connector
    for connector in (
        descriptions.KINESIS,
        descriptions.KINESIS_LEGACY,
        descriptions.FIREHOSE,
        descriptions.HTTP,
        descriptions.PRINT,
        descriptions.BLACKHOLE,
        descriptions.DATAGEN,
        file_descriptions.FILESYSTEM,
        file_descriptions.ICEBERG,
    )
}

FLINK_ONLY = frozenset(
    (
        "dynamodb",
        "elasticsearch-6",
        "elasticsearch-7",
        "elasticsearch-8",
        "hbase-1.4",
        "hbase-2.2",
        "jdbc",
        "kafka",
        "mongodb",
        "opensearch",
        "opensearch-2",
        "pulsar",
        "rest-lookup",
        "sqs",
        "upsert-kafka",
    )
)
_CASTS = frozenset({("TIMESTAMP_LTZ", "TIMESTAMP")})
_TEXTS = frozenset({"STRING", "VARCHAR", "CHAR"})


def connector_of(table: Table) -> Connector:
    """The connector that a table names.

    Raises:
        Refused: it names none, or one that is not here.
    """
    name = table.option("connector")
    if name is None:
        raise _refused(
            table,
            "Table options do not contain an option key 'connector' for discovering a connector.",
        )
    connector = CONNECTORS.get(name)
    if connector is None:
        raise Refused(
            f"Table '{table.name}': Could not find any factory for identifier '{name}'. "
            f"Available factory identifiers are: {', '.join(sorted(CONNECTORS))}",
            needs_flink=name in FLINK_ONLY,
        )
    return connector


def metadata_key(table: Table, key: str) -> MetadataKey:
    """What a table's connector offers under this key.

    Raises:
        Refused: nothing.
    """
    connector = connector_of(table)
    found = next((each for each in connector.metadata if each.key == key), None)
    if found is None:
        offered = ", ".join(each.key for each in connector.metadata) or "none"
        raise _refused(
            table,
            f"Invalid metadata key '{key}'. The connector '{connector.name}' supports the "
            f"following metadata keys for reading: {offered}",
        )
    return found


def check_table(table: Table, role: Role, changes: bool) -> None:
    """Look whether a table can serve as this; `changes`: rows that replace earlier ones come.

    Raises:
        Refused: it cannot; the text names the table and the option.
    """
    connector = connector_of(table)
    _check_role(table, connector, role)
    _check_required(table, connector)
    known_format = _check_format(table, connector)
    _check_options(table, connector, known_format)
    for metadata in table.metadata:
        _check_metadata(table, metadata, role)
    try:
        if connector.check is not None:
            connector.check(table, role)
        if known_format is not None:
            check_format(table, known_format)
    except ValueError as wrong:
        raise _refused(table, f"{wrong}.") from None
    if changes and not connector.holds_changes:
        raise _refused(
            table,
            f"The sink of connector '{connector.name}' doesn't support consuming update changes: "
            "its rows are only added. Aggregate by window, or write to a sink that can hold them.",
        )


def make_source(table: Table, world: World) -> Source:
    """The source that reads a table."""
    return cast(Source, _made(connector_of(table).source, table, world))


def make_sink(table: Table, world: World) -> Sink:
    """The sink that writes a table."""
    return cast(Sink, _made(connector_of(table).sink, table, world))


def make_lookup(table: Table, world: World) -> Lookup:
    """What reads a reference table."""
    return cast(Lookup, _made(connector_of(table).lookup, table, world))


def _made(where: str, table: Table, world: World) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)(table, world)


def _refused(table: Table, text: str) -> Refused:
    return Refused(f"Table '{table.name}': {text}")


def _check_role(table: Table, connector: Connector, role: Role) -> None:
    ways = {"source": connector.source, "sink": connector.sink, "lookup": connector.lookup}
    if ways[role]:
        return
    can = " or ".join(f"a {way}" for way, where in ways.items() if where)
    raise _refused(
        table,
        f"Connector '{connector.name}' can only be used as {can}. It cannot be used as a {role}.",
    )


def _check_required(table: Table, connector: Connector) -> None:
    missing = [names[0] for names in connector.required if table.option(*names) is None]
    if missing:
        raise _refused(
            table,
            "One or more required options are missing. "
            f"Missing required options are: {', '.join(sorted(missing))}",
        )


def _check_format(table: Table, connector: Connector) -> str | None:
    """The table's format."""
    name = table.option("format")
    if name is None or not connector.formats:
        return None
    if name not in connector.formats:
        raise Refused(
            f"Table '{table.name}': Could not find any format factory for identifier '{name}' "
            f"that connector '{connector.name}' can use. Available are: "
            f"{', '.join(connector.formats)}",
            needs_flink=name in formats.FLINK_ONLY,
        )
    return name


def _check_options(table: Table, connector: Connector, known_format: str | None) -> None:
    prefix = f"{known_format}." if known_format else None
    unsupported = []
    for name, text in table.options:
        if name == "connector" or (name == "format" and known_format):
            continue
        if prefix and name.startswith(prefix):
            option = formats.option(known_format or "", name.removeprefix(prefix))
        else:
            option = connector.option(name)
        if option is None:
            unsupported.append(name)
            continue
        try:
            option.check(text)
        except ValueError as wrong:
            raise _refused(table, f"Invalid value for option '{name}': {wrong}.") from None
    if unsupported:
        known = [option.name for option in connector.options if not option.refused]
        known += [f"{prefix}{name}" for name in formats.option_names(known_format or "")]
        raise _refused(
            table,
            f"Unsupported options found for '{connector.name}'. "
            f"Unsupported options: {', '.join(sorted(unsupported))}. "
            f"Supported options: {', '.join(sorted(known)) or 'none'}",
        )


def _check_metadata(table: Table, metadata: Metadata, role: Role) -> None:
    key = metadata_key(table, metadata.key)
    if role == "sink" and not key.writable:
        raise _refused(
            table,
            f"Metadata column '{metadata.column.name}' (key '{key.key}') cannot be written; "
            "declare it VIRTUAL.",
        )
    given, wanted = key.type.name, metadata.column.type.name
    same = given == wanted or (given in _TEXTS and wanted in _TEXTS)
    if not same and (given, wanted) not in _CASTS and wanted not in _TEXTS:
        raise _refused(
            table,
            f"Invalid data type for metadata column '{metadata.column.name}'. The column cannot be "
            f"declared as '{metadata.column.type.flink()}' because the type must be castable from "
            f"metadata type '{key.type.flink()}'.",
        )
