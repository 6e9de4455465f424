"""Tables of the Glue Data Catalog, as boto3 gives them: what they hold, and where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import places
from .conversions import read_type, to_hive
from .gluetypes import Field, StructType
from .predicates import read_predicate
from .refusals import NotSupported


@dataclass(frozen=True)
class Layout:
    """How files of a table, or of one of its partitions, are to be read."""

    location: str
    format: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Table:
    database: str
    name: str
    raw: dict[str, Any]
    catalog_id: str | None = None

    @classmethod
    def get(cls, database: str, name: str, catalog_id: str | None = None) -> Table:
        """
        Raises:
            ClientError: of botocore; EntityNotFoundException without such a table.
        """
        more = {"CatalogId": catalog_id} if catalog_id else {}
        raw = places.client("glue").get_table(DatabaseName=database, Name=name, **more)["Table"]
        return cls(database, name, raw, catalog_id)

    @property
    def columns(self) -> list[Field]:
        return [_field(one) for one in self.raw["StorageDescriptor"].get("Columns") or ()]

    @property
    def partition_keys(self) -> list[Field]:
        return [_field(one) for one in self.raw.get("PartitionKeys") or ()]

    @property
    def schema(self) -> StructType:
        return StructType([*self.columns, *self.partition_keys])

    @property
    def parameters(self) -> dict[str, str]:
        own = self.raw.get("Parameters") or {}
        return {**(self.raw["StorageDescriptor"].get("Parameters") or {}), **own}

    @property
    def classification(self) -> str:
        return self.parameters.get("classification", "").lower()

    @property
    def connection(self) -> str | None:
        """The connection to the database that the table is in, if it is none of files."""
        return self.parameters.get("connectionName")

    @property
    def exclusions(self) -> list[str]:
        given = self.parameters.get("exclusions")
        return list(json.loads(given)) if given else []

    def layout(self) -> Layout:
        """
        Raises:
            NotSupported: the table's files are of a format that is not supported.
        """
        storage = self.raw["StorageDescriptor"]
        return self._layout(storage)

    def partitions(
        self, predicate: str = "", expression: str = ""
    ) -> list[tuple[tuple[str, ...], Layout]]:
        """The values and layout of the partitions that a predicate lets through; `expression` is
        GetPartitions' own."""
        check = read_predicate(predicate) if predicate.strip() else None
        names = [key.name.lower() for key in self.partition_keys]
        found = []
        for partition in self._raw_partitions(expression):
            values = tuple(partition["Values"])
            if check is None or check(dict(zip(names, values, strict=False))):
                storage = {**self.raw["StorageDescriptor"], **_said(partition["StorageDescriptor"])}
                found.append((values, self._layout(storage)))
        return found

    def _raw_partitions(self, expression: str) -> list[dict[str, Any]]:
        more: dict[str, Any] = {"CatalogId": self.catalog_id} if self.catalog_id else {}
        if expression:
            more["Expression"] = expression
        found: list[dict[str, Any]] = []
        pages = (
            places.client("glue")
            .get_paginator("get_partitions")
            .paginate(DatabaseName=self.database, TableName=self.name, **more)
        )
        for page in pages:
            found += page["Partitions"]
        return found

    def _layout(self, storage: dict[str, Any]) -> Layout:
        serde = storage.get("SerdeInfo") or {}
        library = str(serde.get("SerializationLibrary") or "").rpartition(".")[2].lower()
        settings = serde.get("Parameters") or {}
        name = self._format(library, str(storage.get("InputFormat") or ""))
        return Layout(
            str(storage.get("Location") or ""), name, self._options(name, library, settings)
        )

    def _format(self, library: str, input_format: str) -> str:
        word = self.classification
        if word in (
            "csv",
            "json",
            "parquet",
            "avro",
            "orc",
            "xml",
            "glueparquet",
            "grok",
            "groklog",
        ):
            return "parquet" if word == "glueparquet" else word
        for part, name in (
            ("parquet", "parquet"),
            ("orc", "orc"),
            ("avro", "avro"),
            ("json", "json"),
            ("opencsv", "csv"),
            ("lazysimple", "csv"),
            ("grok", "groklog"),
        ):
            if part in library or part in input_format.lower():
                return name
        raise NotSupported(
            f"The table {self.database}.{self.name} has no classification that is supported"
            f"{f' ({word})' if word else ''}."
        )

    def _options(self, name: str, library: str, settings: dict[str, str]) -> dict[str, Any]:
        every = {**self.parameters, **settings}
        if name == "csv":
            header = int(every.get("skip.header.line.count", "0") or 0)
            if header > 1:
                raise NotSupported("skip.header.line.count: one line at most can be skipped.")
            options: dict[str, Any] = {"withHeader": bool(header)}
            if library == "opencsvserde":
                options["separator"] = every.get("separatorChar", ",")
                options["quoteChar"] = every.get("quoteChar", '"')
                escape = every.get("escapeChar", "\\")
                options["escaper"] = "" if escape == "\\" else escape
            else:
                options["separator"] = every.get("field.delim") or every.get("delimiter") or ","
                if "escape.delim" in every:
                    options["escaper"] = every["escape.delim"]
            return options
        if name == "json":
            path = every.get("jsonPath")
            return {"jsonPath": path} if path else {}
        if name == "xml":
            return {"rowTag": every.get("rowTag") or every.get("xmltag")}
        if name in ("grok", "groklog"):
            return {
                "logFormat": every.get("grokPattern") or every.get("input.format"),
                "customPatterns": every.get("grokCustomPatterns")
                or every.get("input.grokCustomPatterns")
                or "",
            }
        return {}


def _field(column: dict[str, Any]) -> Field:
    return Field(column["Name"], read_type(column.get("Type") or "string"))


def _said(storage: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in storage.items() if value}


def column_dicts(fields: Sequence[Field]) -> list[dict[str, str]]:
    """The columns in the catalog's words."""
    return [{"Name": field.name, "Type": to_hive(field.dataType)} for field in fields]
