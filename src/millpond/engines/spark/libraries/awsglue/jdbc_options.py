"""Which database, and which rows of it: from options, from connections, from catalog tables.

Source: "JDBC connections", "Reading from JDBC tables in parallel" (AWS Glue developer guide).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import places
from .refusals import NotSupported, is_true, refuse_others
from .tables import Table

HASH_PARTITIONS = 7
_URL = re.compile(
    r"jdbc:(?P<engine>postgresql|mysql|mariadb)://(?P<host>[^:/?]+)(?::(?P<port>\d+))?"
    r"(?:/(?P<name>[^?]*))?(?:\?.*)?$"
)
_PORTS = {"postgresql": 5432, "mysql": 3306}
_OPTIONS = (
    "url", "user", "username", "password", "dbtable", "database", "useConnectionProperties",
    "connectionName", "hashfield", "hashexpression", "hashpartitions", "jobBookmarkKeys",
    "jobBookmarkKeysSortOrder", "sampleQuery", "query", "bulkSize", "redshiftTmpDir",
    "fetchsize",
)  # fmt: skip


@dataclass(frozen=True)
class Database:
    engine: str
    """`postgresql` or `mysql`."""
    host: str
    port: int
    name: str
    user: str
    password: str
    table: str = ""
    query: str = ""
    hash_field: str = ""
    hash_expression: str = ""
    hash_partitions: int = HASH_PARTITIONS
    keys: tuple[str, ...] = ()
    """The bookmark's keys; without any the primary key."""
    descending: bool = False

    def __repr__(self) -> str:
        return f"jdbc:{self.engine}://{self.host}:{self.port}/{self.name} {self.table}"

    @classmethod
    def of(cls, kind: str, options: Mapping[str, Any]) -> Database:
        """What options name.

        Raises:
            NotSupported: the database is neither PostgreSQL nor MySQL, or an option is not known.
            ValueError: an option is missing.
        """
        refuse_others(f"connection_options of {kind}", options, _OPTIONS)
        if is_true(options.get("useConnectionProperties")) or options.get("connectionName"):
            if not options.get("connectionName"):
                raise ValueError("The connection option connectionName is missing.")
            found = cls.of_connection(str(options["connectionName"]), None)
        else:
            if not options.get("url"):
                raise ValueError("The connection option url is missing.")
            user = options.get("user", options.get("username", ""))
            found = _parsed(str(options["url"]), str(user), str(options.get("password", "")))
        return found.reading(options)

    @classmethod
    def of_connection(cls, name: str, catalog_id: str | None) -> Database:
        """The database of a connection in the catalog."""
        more = {"CatalogId": catalog_id} if catalog_id else {}
        answer = places.client("glue").get_connection(Name=name, HidePassword=False, **more)
        told = answer["Connection"].get("ConnectionProperties") or {}
        if "SECRET_ID" in told:
            raise NotSupported(f"The connection {name} has a secret; only passwords are supported.")
        if "JDBC_CONNECTION_URL" not in told:
            raise NotSupported(f"The connection {name} is not one to a database.")
        return _parsed(
            told["JDBC_CONNECTION_URL"], told.get("USERNAME", ""), told.get("PASSWORD", "")
        )

    @classmethod
    def of_table(cls, table: Table, options: Mapping[str, Any]) -> Database:
        """The database that a table of the catalog is in."""
        assert table.connection
        found = cls.of_connection(table.connection, table.catalog_id)
        location = str(table.raw["StorageDescriptor"].get("Location") or table.name)
        name, *rest = location.split(".")
        given = {**_of_parameters(table.parameters), **options}
        return replace(found, name=name if rest else found.name).reading(
            {**given, "dbtable": ".".join(rest) or name}
        )

    def reading(self, options: Mapping[str, Any]) -> Database:
        """With the table, or query, and how it is read."""
        keys = options.get("jobBookmarkKeys") or ()
        keys = [keys] if isinstance(keys, str) else list(keys)
        return replace(
            self,
            name=str(options.get("database") or self.name),
            table=str(options.get("dbtable") or ""),
            query=str(options.get("sampleQuery") or options.get("query") or ""),
            hash_field=str(options.get("hashfield") or ""),
            hash_expression=str(options.get("hashexpression") or ""),
            hash_partitions=int(options.get("hashpartitions") or HASH_PARTITIONS),
            keys=tuple(keys),
            descending=str(options.get("jobBookmarkKeysSortOrder") or "asc").lower() == "desc",
        )

    def connect(self) -> Any:
        """A DB-API connection."""
        if self.engine == "postgresql":
            import pg8000.dbapi  # noqa: PLC0415 - only the driver that is needed

            return pg8000.dbapi.connect(
                self.user, self.host, self.name or None, self.port, self.password
            )
        import pymysql  # noqa: PLC0415

        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.name or None,
            charset="utf8mb4",
        )

    def quote(self, name: str) -> str:
        """A name of a column, as the database writes it."""
        mark = '"' if self.engine == "postgresql" else "`"
        return mark + name.replace(mark, mark * 2) + mark

    def quoted_table(self) -> str:
        return ".".join(self.quote(part) for part in self.table.split("."))

    @property
    def rows_of(self) -> str:
        """What is selected from."""
        return f"({self.query}) t" if self.query else f"{self.quoted_table()} t"


def _of_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    names = ("hashfield", "hashexpression", "hashpartitions")
    return {name: parameters[name] for name in names if name in parameters}


def _parsed(url: str, user: str, password: str) -> Database:
    matched = _URL.match(url)
    if matched is None:
        raise NotSupported(f"{url.partition('?')[0]} is not a URL of PostgreSQL or MySQL.")
    engine = "postgresql" if matched["engine"] == "postgresql" else "mysql"
    port = int(matched["port"] or _PORTS[engine])
    return Database(engine, matched["host"], port, matched["name"] or "", user, password)
