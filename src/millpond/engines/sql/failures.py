"""DuckDB's errors as Trino's: which name and text a failed query gets."""

import re

import duckdb

from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.macros import marked_error

_SHOWN = {
    "INT8": "tinyint",
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "decimal",
    "FLOAT": "real",
    "DOUBLE": "double",
}
_CAST_NAMES = {**_SHOWN, "INT32": "INT", "INT64": "BIGINT", "INT16": "SMALLINT", "INT8": "TINYINT",
               "DOUBLE": "DOUBLE", "FLOAT": "REAL"}  # fmt: skip
_WORDS = {"addition": "+", "subtraction": "-", "multiplication": "*", "division": "/"}


def statement_error(error: duckdb.Error) -> StatementError:
    """What the user is told of an error that DuckDB raised while running a query."""
    text = str(error)
    marked = marked_error(text)
    if marked is not None:
        return StatementError(*marked)
    for pattern, make in _KNOWN:
        found = re.search(pattern, text, re.DOTALL)
        if found is not None:
            return make(found)
    if isinstance(error, duckdb.OutOfMemoryException):
        return StatementError(
            "EXCEEDED_LOCAL_MEMORY_LIMIT",
            "Query exhausted resources at this scale factor: it needs more memory than a query may"
            " use here",
        )
    if isinstance(error, duckdb.InterruptException):
        return StatementError("USER_CANCELED", "Query was canceled")
    return StatementError("GENERIC_INTERNAL_ERROR", _without_place(text))


def _without_place(text: str) -> str:
    return text.split("\n\nLINE ", maxsplit=1)[0].strip()


def _overflow(found: re.Match[str]) -> StatementError:
    kind = _SHOWN.get(found[2], found[2].lower())
    left, right = found[3].split(f" {_WORDS[found[1]]} ", 1)
    if kind.startswith("decimal"):
        return StatementError("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return StatementError(
        "NUMERIC_VALUE_OUT_OF_RANGE",
        f"{kind} {found[1]} overflow: {left} {_WORDS[found[1]]} {right}",
    )


def _text_cast(found: re.Match[str]) -> StatementError:
    name = _CAST_NAMES.get(found[2], found[2])
    if name in ("DATE", "TIMESTAMP", "TIME"):
        return StatementError(
            "INVALID_CAST_ARGUMENT", f"Value cannot be cast to {name.lower()}: {found[1]}"
        )
    return StatementError("INVALID_CAST_ARGUMENT", f"Cannot cast '{found[1]}' to {name}")


_KNOWN = (
    (r"Division by zero", lambda m: StatementError("DIVISION_BY_ZERO", "Division by zero")),
    (r"Overflow in (addition|subtraction|multiplication|division) of (\w+)(?:\(\d+\))?"
     r" \((.*?)\)[!;]", _overflow),
    (r"Overflow in (?:negation|multiplication|addition|subtraction|division)",
     lambda m: StatementError("NUMERIC_VALUE_OUT_OF_RANGE", "Value is out of range")),
    (r"Could not convert string '(.*?)' to (\w+)", _text_cast),
    (r"(?:date|timestamp|time) field value out of range: \"(.*?)\"",
     lambda m: StatementError(
         "INVALID_CAST_ARGUMENT",
         f"Value cannot be cast to {'timestamp' if ':' in m[1] else 'date'}: {m[1].strip()}")),
    (r"invalid (?:date|timestamp|time) field format: \"(.*?)\"",
     lambda m: StatementError("INVALID_CAST_ARGUMENT",
                              f"Value cannot be cast to timestamp: {m[1]}")),
    (r"Type (\w+)(?:\([\d,]+\))? with value (.+?) can't be cast because the value is out of range"
     r" for the destination type (\w+)",
     lambda m: StatementError("NUMERIC_VALUE_OUT_OF_RANGE",
                              f"Out of range for {_SHOWN.get(m[3], m[3].lower())}: {m[2]}")),
    (r"Could not cast value (.+?) to DECIMAL\((\d+),\s*(\d+)\)",
     lambda m: StatementError("INVALID_CAST_ARGUMENT",
                              f"Cannot cast DECIMAL '{m[1]}' to DECIMAL({m[2]},{m[3]})")),
    (r"Casting value \"(.+?)\" to type DECIMAL\((\d+),\s*(\d+)\)",
     lambda m: StatementError("INVALID_CAST_ARGUMENT",
                              f"Cannot cast DECIMAL '{m[1]}' to DECIMAL({m[2]},{m[3]})")),
    (r"More than one row returned by a subquery",
     lambda m: StatementError("SUBQUERY_MULTIPLE_ROWS",
                              "Scalar sub-query has returned multiple rows")),
    (r"Invalid Input Error: (invalid (?:escape sequence|perl operator|character class|repeat|UTF|"
     r"nested).*|missing .*|unexpected .*|bad repetition.*|no argument for repetition.*)",
     lambda m: StatementError("INVALID_FUNCTION_ARGUMENT", m[1].strip())),
    (r"QUANTILE can only take parameters",
     lambda m: StatementError("INVALID_FUNCTION_ARGUMENT", "Percentile must be between 0 and 1")),
    (r"must be a constant expression",
     lambda m: StatementError("NOT_SUPPORTED",
                              "An argument that must be a literal here is an expression")),
    (r"list dimensions must be equal",
     lambda m: StatementError("INVALID_FUNCTION_ARGUMENT",
                              "The arguments must have the same length")),
    (r"Invalid replacement string for regexp_replace",
     lambda m: StatementError("INVALID_FUNCTION_ARGUMENT",
                              "Illegal replacement sequence: unknown group")),
    (r"Max expression depth limit",
     lambda m: StatementError("EXCEEDED_NESTING_LIMIT",
                              "The query is too complex: its expressions nest too deeply")),
    (r"Unknown TimeZone '(.*?)'",
     lambda m: StatementError("INVALID_FUNCTION_ARGUMENT", f"'{m[1]}' is not a valid time zone")),
    (r"TRY can not be used in combination with (.*)",
     lambda m: StatementError("NOT_SUPPORTED", f"TRY around {m[1].strip()} is not supported")),
)  # fmt: skip
