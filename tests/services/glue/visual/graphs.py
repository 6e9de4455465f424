"""Graphs for tests: nodes as a client sends them, and as the service reads them."""

from typing import Any

import msgspec

from millpond.services.glue.shapes import CodeGenConfigurationNode

Nodes = dict[str, dict[str, dict[str, Any]]]


def read(nodes: Nodes) -> dict[str, CodeGenConfigurationNode]:
    return msgspec.convert(nodes, dict[str, CodeGenConfigurationNode])


def csv(name: str = "Amazon S3", **others: Any) -> dict[str, Any]:
    plain = {"Paths": ["s3://raw/orders/"], "Separator": "comma", "QuoteChar": "quote"}
    return {"S3CsvSource": {"Name": name, **plain, "WithHeader": True, **others}}


def table(name: str = "Customers", **others: Any) -> dict[str, Any]:
    return {"CatalogSource": {"Name": name, "Database": "shop", "Table": "customers", **others}}


def parquet(*inputs: str, name: str = "Result", **others: Any) -> dict[str, Any]:
    plain = {"Path": "s3://lake/result/", "Format": "parquet"}
    return {"S3DirectTarget": {"Name": name, "Inputs": list(inputs), **plain, **others}}


def transform(kind: str, *inputs: str, **others: Any) -> dict[str, Any]:
    return {kind: {"Name": others.pop("Name", kind), "Inputs": list(inputs), **others}}


def compare(column: str, operation: str, *constant: str, negated: bool = False) -> dict[str, Any]:
    values = [{"Type": "COLUMNEXTRACTED", "Value": [column]}]
    values += [{"Type": "CONSTANT", "Value": [each]} for each in constant]
    return {"Operation": operation, "Negated": negated, "Values": values}


def statement(script: str, variable: str) -> str:
    """The statement of a script that gives a variable its value."""
    lines = script.split("\n")
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"{variable} = "))
    end = next(
        (i for i in range(begin, len(lines)) if not lines[i] or lines[i].startswith("#")),
        len(lines),
    )
    return "\n".join(lines[begin:end])
