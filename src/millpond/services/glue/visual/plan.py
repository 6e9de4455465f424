"""The script of a mapping: read a table, map its fields, write them.

The steps are those of the scripts that the Glue console made before there was Glue Studio.
"""

from collections.abc import Mapping, Sequence

from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.shapes import (
    CatalogEntry,
    CodeGenEdge,
    CodeGenNode,
    CodeGenNodeArg,
    Location,
    MappingEntry,
)
from millpond.services.glue.visual.annotated import annotated_script
from millpond.services.glue.visual.layout import on_one_line, value

COLUMNAR = ("parquet", "glueparquet", "orc")
FORMAT_DEFAULT = "parquet"


class _Chain:
    """Nodes one after another, with numbers in their names."""

    def __init__(self) -> None:
        self.nodes: list[CodeGenNode] = []
        self.edges: list[CodeGenEdge] = []

    def add(self, kind: str, source: str | None, **arguments: object) -> str:
        base = {"DataSource": "datasource", "DataSink": "datasink"}.get(kind, kind.lower())
        name = f"{base}{len(self.nodes)}"
        given = {**arguments, "transformation_ctx": name}
        args = [
            CodeGenNodeArg(name=key, value=on_one_line(value(each))) for key, each in given.items()
        ]
        self.nodes.append(CodeGenNode(id=name, node_type=kind, args=args))
        if source is not None:
            self.edges.append(CodeGenEdge(source=source, target=name, target_parameter="frame"))
        return name


def plan(
    mapping: Sequence[MappingEntry],
    source: CatalogEntry,
    sinks: Sequence[CatalogEntry],
    location: Location | None,
) -> str:
    """The script that reads `source` and writes what `mapping` makes of it to a location, or to
    the tables of `sinks`.

    Raises:
        InvalidInput: nothing is mapped, or an entry has no path or type.
    """
    chain = _Chain()
    read = chain.add(
        "DataSource", None, database=source.database_name, table_name=source.table_name
    )
    if location is not None and location.dynamo_db:
        raise InvalidInput("Location.DynamoDB is not implemented: jobs here do not write DynamoDB.")
    if location is not None and (location.s3 or location.jdbc):
        mapped = chain.add("ApplyMapping", read, mapping=_mappings(mapping))
        if location.s3:
            _to_s3(chain, mapped, _named(location.s3))
        else:
            _to_database(chain, mapped, _named(location.jdbc or ()))
    elif sinks:
        for sink in sinks:
            of_sink = [each for each in mapping if each.target_table in (None, sink.table_name)]
            _to_table(chain, read, _mappings(of_sink), sink)
    else:
        chain.add("ApplyMapping", read, mapping=_mappings(mapping))
    return annotated_script(chain.nodes, chain.edges)


def _mappings(given: Sequence[MappingEntry]) -> list[tuple[str, str, str, str]]:
    if not given:
        raise InvalidInput("Mapping maps nothing to the target.")
    found = []
    for each in given:
        if not (each.source_path and each.source_type and each.target_path and each.target_type):
            raise InvalidInput("An entry of Mapping has no path or type on one of its sides.")
        found.append((each.source_path, each.source_type, each.target_path, each.target_type))
    return found


def _named(given: Sequence[CodeGenNodeArg]) -> dict[str, str]:
    """The properties of a location; a value may have the quotes of a Python text."""
    return {each.name: each.value.strip().strip("\"'") for each in given}


def _to_s3(chain: _Chain, frame: str, options: Mapping[str, str]) -> None:
    others = dict(options)
    form = others.pop("format", FORMAT_DEFAULT)
    if not others.get("path"):
        raise InvalidInput("Location.S3 has no path.")
    if form in COLUMNAR:
        frame = chain.add("ResolveChoice", frame, choice="make_struct")
        frame = chain.add("DropNullFields", frame)
    chain.add("DataSink", frame, connection_type="s3", connection_options=others, format=form)


def _to_database(chain: _Chain, frame: str, options: Mapping[str, str]) -> None:
    others = dict(options)
    connection = others.pop("catalog_connection", None) or others.pop("connectionName", None)
    if not connection:
        raise InvalidInput("Location.Jdbc has no catalog_connection.")
    frame = chain.add("ResolveChoice", frame, choice="make_cols")
    frame = chain.add("DropNullFields", frame)
    chain.add("DataSink", frame, catalog_connection=connection, connection_options=others)


def _to_table(
    chain: _Chain, read: str, mappings: list[tuple[str, str, str, str]], sink: CatalogEntry
) -> None:
    named = {"database": sink.database_name, "table_name": sink.table_name}
    frame = chain.add("ApplyMapping", read, mapping=mappings)
    frame = chain.add("SelectFields", frame, paths=[target for _, _, target, _ in mappings])
    frame = chain.add("ResolveChoice", frame, choice="MATCH_CATALOG", **named)
    frame = chain.add("ResolveChoice", frame, choice="make_struct")
    chain.add("DataSink", frame, **named)
