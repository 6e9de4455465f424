"""Texts of values, as Flink's JSON and CSV formats write them.

Sources: RowDataToJsonConverters, RowDataToCsvConverters and TimeFormats of Apache Flink 2.x;
decimals as Java's BigDecimal without trailing zeros (Jackson's default).
"""

import math
from base64 import b64encode
from decimal import Decimal

import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.formats import texts
from millpond.engines.streams.types import DataType


def timestamps(array: Array, kind: DataType, standard: str) -> Array:
    """`2020-12-30 12:13:14.123`: no more digits of a second than there are; `Z` where the type or
    the standard has a zone, `T` between date and time where the standard is ISO's."""
    plain = array.cast(pa.timestamp("us")).cast(pa.string())
    short = pc.utf8_rtrim(pc.utf8_rtrim(plain, "0"), ".")
    if standard != texts.SQL:
        short = pc.replace_substring(short, " ", "T", max_replacements=1)
    if kind.name == "TIMESTAMP_LTZ" or standard == texts.ISO_OFFSET:
        short = pc.binary_join_element_wise(short, "Z", "")
    return short


def times(array: Array) -> Array:
    """`12:13:14`: Flink's TIME has no parts of a second in JSON."""
    return array.cast(pa.time32("s"), safe=False).cast(pa.string())


def decimal(value: Decimal, *, plain: bool) -> str:
    """`12.5`, `1E+2` (or, `plain`, `100`): without trailing zeros."""
    stripped = value.normalize() if value else Decimal(0)
    return f"{stripped:f}" if plain else str(stripped)


def floats(array: Array) -> Array:
    """FLOAT values as doubles that have the same shortest text: 0.1 is 0.1."""
    return array.cast(pa.string()).cast(pa.float64())


def base64_texts(array: Array) -> Array:
    """BYTES as base64."""
    values = array.to_pylist()
    return pa.array([None if each is None else b64encode(each) for each in values], pa.string())


def java_double(value: float) -> str:
    """A DOUBLE as Java shows it: `1.0E10` from 10^7 on, `1.0E-4` below 10^-3."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{int(exponent) + len(digits) - 1}"
