"""Connections as values, and the rules for defining them. Pure.

Source: Glue API reference, ConnectionInput; Glue developer guide, "Adding a JDBC connection".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from millpond.services.glue.errors import InvalidInput, not_implemented
from millpond.services.glue.shapes import ConnectionInput

TYPES = ("JDBC", "NETWORK")
SECRET = "PASSWORD"  # noqa: S105 - a property's name
_JDBC = frozenset(
    {
        "JDBC_CONNECTION_URL",
        "USERNAME",
        SECRET,
        "JDBC_ENFORCE_SSL",
        "SKIP_CUSTOM_JDBC_CERT_VALIDATION",
        "JDBC_ENGINE",
        "JDBC_ENGINE_VERSION",
        "HOST",
        "PORT",
        "DATABASE",
        "INSTANCE_ID",
        "CONFIG_FILES",
    }
)
_URL = re.compile(
    r"jdbc:(?P<engine>postgresql|mysql|mariadb)://(?P<host>\[[0-9a-fA-F:]+\]|[^/:?\s]+)"
    r"(?::(?P<port>\d{1,5}))?/(?P<database>[^?;\s]*)(?:\?.*)?",
    re.DOTALL,
)
Properties = Mapping[Any, str]
"""By AWS's names of properties."""
_PORTS = {"postgresql": 5432, "mysql": 3306}


class Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connection, with its password."""

    input: ConnectionInput
    created_ms: int
    updated_ms: int
    updated_by: str
    tested_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A database and who enters it. `engine` is `postgresql` or `mysql`."""

    engine: str
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    enforces_ssl: bool = False


def check_input(given: ConnectionInput) -> None:
    """The rules for a connection.

    Raises:
        InvalidInput: it does not fit, or nothing here could use it.
    """
    not_implemented(
        ("AuthenticationConfiguration", given.authentication_configuration),
        ("SparkProperties", given.spark_properties),
        ("AthenaProperties", given.athena_properties),
        ("PythonProperties", given.python_properties),
        ("ValidateForComputeEnvironments", given.validate_for_compute_environments),
    )
    check_properties(given.connection_type, given.connection_properties)


def check_properties(kind: str, properties: Properties) -> None:
    """The rules for the properties of a connection; see `check_input`."""
    if kind not in TYPES:
        raise InvalidInput(
            f"ConnectionType {kind} is not implemented: there are {' and '.join(TYPES)}."
        )
    if kind == "JDBC":
        not_implemented(*((name, properties[name]) for name in properties if name not in _JDBC))
        read_target(properties)


def read_target(properties: Properties) -> Target:
    """The database that a JDBC connection names.

    Raises:
        InvalidInput: there is no such database, or it does not say who enters it.
    """
    url = properties.get("JDBC_CONNECTION_URL", "")
    if not url:
        raise InvalidInput("JDBC_CONNECTION_URL is required for ConnectionType JDBC.")
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidInput(
            "JDBC_CONNECTION_URL is not one of jdbc:postgresql://host:port/database and "
            "jdbc:mysql://host:port/database."
        )
    if "USERNAME" not in properties or SECRET not in properties:
        raise InvalidInput("USERNAME and PASSWORD are required for ConnectionType JDBC.")
    engine = "mysql" if found["engine"] == "mariadb" else found["engine"]
    return Target(
        engine=engine,
        host=found["host"].strip("[]"),
        port=int(found["port"] or _PORTS[engine]),
        database=found["database"],
        user=properties["USERNAME"],
        password=properties[SECRET],
        enforces_ssl=properties.get("JDBC_ENFORCE_SSL", "").lower() == "true",
    )
