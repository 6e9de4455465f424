"""A DuckDB connection that can read its query's files and nothing else.

The order matters: what is allowed is named, outside access is shut, and the configuration is locked
last. The operating system's sandbox around the worker stands behind this (see `embedded`).

Source: duckdb.org/docs/operations_manual/securing_duckdb/overview.html.
"""

import re
from pathlib import Path

import duckdb

from millpond.engines.sql.functions import FUNCTIONS
from millpond.engines.sql.trino.macros import create_statements

_FUNCTION = re.compile(r"\bp_[a-z0-9_]+")


def open_session(
    *,
    memory_bytes: int,
    threads: int,
    temporary: Path,
    temporary_bytes: int,
    folders: tuple[Path, ...] = (),
) -> duckdb.DuckDBPyConnection:
    """A connection with Trino's functions. `folders` are all that its SQL may read and write."""
    connection = duckdb.connect(":memory:")
    for statement in (
        "SET python_enable_replacements = false",
        f"SET memory_limit = '{memory_bytes}B'",
        f"SET threads = {threads}",
        f"SET temp_directory = '{_quoted(temporary)}'",
        f"SET max_temp_directory_size = '{temporary_bytes}B'",
        f"SET home_directory = '{_quoted(temporary)}'",
        "SET TimeZone = 'UTC'",
        "SET Calendar = 'gregorian'",
        "SET default_null_order = 'NULLS_LAST'",
        "SET integer_division = false",
        "SET error_on_division_by_zero = true",
        "SET ieee_floating_point_ops = true",
        "SET preserve_insertion_order = true",
        "SET enable_progress_bar = false",
        "SET max_expression_depth = 3000",
        "SET order_by_non_integer_literal = true",
        "SET enable_profiling = 'no_output'",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET allow_community_extensions = false",
        "SET allow_unredacted_secrets = false",
        "SET allow_persistent_secrets = false",
        f"SET allowed_directories = [{', '.join(repr(_quoted(one) + '/') for one in folders)}]",
        "SET enable_external_access = false",
        *create_statements(),
        "SET lock_configuration = true",
    ):
        connection.execute(statement)
    return connection


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


class Functions:
    """Registers a session's Python functions when a statement first needs them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._missing = {function[0]: function for function in FUNCTIONS}

    def provide(self, sql: str) -> None:
        for name in set(_FUNCTION.findall(sql)) & set(self._missing):
            _, function, parameters, result = self._missing.pop(name)
            self._connection.create_function(
                name,
                function,
                [duckdb.sqltype(one) for one in parameters],
                duckdb.sqltype(result),
            )
