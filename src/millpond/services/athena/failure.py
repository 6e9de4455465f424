"""Why a query failed, as its status tells.

Source: Athena User Guide, "Athena error catalog".
"""

import re
from typing import Literal

Category = Literal[1, 2, 3]
"""AthenaError's ErrorCategory: 1 system, 2 user, 3 other."""

INTERNAL = 200
EXHAUSTED = 0
DDL_FAILED = 1003
SYNTAX = 1006
NOT_FOUND = 1301
BUCKET_NOT_FOUND = 1306
S3_PERMISSION = 1501

_TYPES = {
    "ALREADY_EXISTS": 1100,
    "CATALOG_NOT_FOUND": NOT_FOUND,
    "COLUMN_NOT_FOUND": SYNTAX,
    "DIVISION_BY_ZERO": 1001,
    "FUNCTION_NOT_FOUND": 1303,
    "HIVE_BAD_DATA": 1001,
    "HIVE_CANNOT_OPEN_SPLIT": 1302,
    "HIVE_COLUMN_ORDER_MISMATCH": 1103,
    "HIVE_INVALID_METADATA": 1004,
    "HIVE_INVALID_VIEW_DATA": 1107,
    "HIVE_PARTITION_SCHEMA_MISMATCH": 1103,
    "HIVE_PATH_ALREADY_EXISTS": 1100,
    "INVALID_CAST_ARGUMENT": 1001,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "INVALID_TABLE_PROPERTY": 1103,
    "NOT_FOUND": 1300,
    "NOT_SUPPORTED": 1200,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1001,
    "PERMISSION_DENIED": 1500,
    "SCHEMA_NOT_FOUND": NOT_FOUND,
    "TABLE_ALREADY_EXISTS": 1100,
    "TABLE_NOT_FOUND": 1110,
}
_NAME = re.compile(r"([A-Z][A-Z_]+): ")


class QueryFailed(Exception):
    """The query ends FAILED; the text is its StateChangeReason.

    `error_type` is AthenaError's ErrorType, a number of the error catalog; None: by the error's
    name that the text begins with.
    """

    def __init__(self, message: str, category: Category = 2, error_type: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.error_type = _type_of(message) if error_type is None else error_type


def execution_error(detail: str) -> QueryFailed:
    """A DDL task that failed, in Hive's words."""
    return QueryFailed(
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        + detail,
        error_type=DDL_FAILED,
    )


def table_not_found(database: str, table: str) -> QueryFailed:
    return QueryFailed(
        f"FAILED: SemanticException [Error 10001]: Table not found {database}.{table}",
        error_type=NOT_FOUND,
    )


def database_not_found(database: str) -> QueryFailed:
    return QueryFailed(
        f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}",
        error_type=NOT_FOUND,
    )


def _type_of(message: str) -> int:
    named = _NAME.match(message)
    return _TYPES.get(named[1], SYNTAX) if named else SYNTAX
