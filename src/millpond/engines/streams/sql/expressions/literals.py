"""Literals and the constants of the language."""

import datetime
import re

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import TimeLiteral, position_of
from millpond.engines.streams.sql.intervals import read_interval
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import DECIMAL_PRECISION_MAX, NULL
from millpond.engines.streams.sql.values import INTERVAL, text_literal
from millpond.engines.streams.types import BIGINT, BOOLEAN, BYTES, DOUBLE, INT, STRING, DataType


def literal(node: exp.Literal) -> Typed:
    """A string or a number: INT or BIGINT, DECIMAL with a point, DOUBLE with an exponent."""
    if node.is_string:
        return Typed(text_literal(node.name), STRING)
    return number(node.name, node)


def number(text: str, node: exp.Expr) -> Typed:
    if "e" in text.lower():
        return Typed(f"CAST('{text}' AS DOUBLE)", DOUBLE)
    whole, _, fraction = text.partition(".")
    if "." not in text:
        value = int(text)
        if -(1 << 31) <= value < 1 << 31:
            return Typed(f"CAST({value} AS INTEGER)", INT)
        if -(1 << 63) <= value < 1 << 63:
            return Typed(f"CAST({value} AS BIGINT)", BIGINT)
    digits = len((whole.lstrip("-0") + fraction) or "0")
    scale = len(fraction)
    precision = max(digits, scale + (not whole.strip("-0")), 1)
    if precision > DECIMAL_PRECISION_MAX:
        place = position_of(node)
        raise Refused(f"Numeric literal '{text}' out of range", place.line, place.column)
    kind = DataType("DECIMAL", (precision, scale))
    return Typed(f"CAST('{text}' AS {kind.duckdb()})", kind)


def hexadecimal(node: exp.HexString) -> Typed:
    text = str(node.this)
    if len(text) % 2 or re.search(r"[^0-9a-fA-F]", text):
        place = position_of(node)
        raise Refused("Binary literal string must contain an even number of hexits",
                      place.line, place.column)  # fmt: skip
    return Typed(f"unhex('{text}')", BYTES)


def unicode_string(node: exp.UnicodeString) -> Typed:
    text = re.sub(
        r"\\(\\|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))",
        lambda match: "\\" if match[1] == "\\" else chr(int(match[2] or match[3], 16)),
        str(node.this),
    )
    return Typed(text_literal(text), STRING)


def time_literal(node: TimeLiteral) -> Typed:
    """`DATE '2020-01-31'`, `TIME '10:00:00'`, `TIMESTAMP '2020-01-31 10:00:00.5'`: as precise as it
    is written."""
    word, text = str(node.this), str(node.args["text"]).strip()
    place = position_of(node)
    wrong = Refused(f"Illegal {word} literal '{text}'", place.line, place.column)
    patterns = {
        "DATE": r"\d{4}-\d{1,2}-\d{1,2}",
        "TIME": r"\d{1,2}:\d{1,2}:\d{1,2}(\.\d{1,6})?",
        "TIMESTAMP": r"\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{1,2}:\d{1,2}(\.\d{1,6})?",
    }
    if not re.fullmatch(patterns[word], text):
        raise wrong
    main, _, fraction = text.partition(".")
    shape = {"DATE": "%Y-%m-%d", "TIME": "%H:%M:%S", "TIMESTAMP": "%Y-%m-%d %H:%M:%S"}[word]
    try:
        moment = datetime.datetime.strptime(main, shape)
    except ValueError:
        raise wrong from None
    exact = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")))
    if word == "DATE":
        return Typed(f"DATE '{exact.date().isoformat()}'", DataType("DATE"))
    if word == "TIME":
        return Typed(f"TIME '{exact.time().isoformat()}'", DataType("TIME", (len(fraction),)))
    return Typed(f"TIMESTAMP '{exact.isoformat(' ')}'", DataType("TIMESTAMP", (len(fraction),)))


def interval(node: exp.Interval) -> Typed:
    months, micros = read_interval(node)
    if months:
        return Typed(f"INTERVAL ({months}) MONTHS", INTERVAL)
    return Typed(f"INTERVAL ({micros}) MICROSECONDS", INTERVAL)


def boolean(node: exp.Boolean) -> Typed:
    return Typed("TRUE" if node.this else "FALSE", BOOLEAN)


def null() -> Typed:
    return Typed("NULL", NULL)
