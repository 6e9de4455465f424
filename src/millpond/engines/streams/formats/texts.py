"""Values from their texts, as Flink's JSON and CSV formats read them.

A whole column is read at once by Arrow where all its texts have the usual form; otherwise, value
by value, with a reason for each that cannot be read.

Sources: JsonToRowDataConverters, CsvToRowDataConverters and TimeFormats of Apache Flink 2.x.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.types import DataType

SQL = "SQL"
ISO = "ISO-8601"
ISO_OFFSET = "ISO-8601-WITH-OFFSET"
STANDARDS = (SQL, ISO, ISO_OFFSET)

INTEGERS = {
    "TINYINT": (-(1 << 7), (1 << 7) - 1),
    "SMALLINT": (-(1 << 15), (1 << 15) - 1),
    "INT": (-(1 << 31), (1 << 31) - 1),
    "BIGINT": (-(1 << 63), (1 << 63) - 1),
}
TEXTS = frozenset({"STRING", "CHAR", "VARCHAR"})
BINARIES = frozenset({"BYTES", "BINARY", "VARBINARY"})
_DIGITS_MAX = 1000

_DATE = r"\d{4}-\d\d-\d\d"
_SQL_TIME = r"\d\d:\d\d:\d\d(?:\.\d{1,6})?"
_ISO_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_FORMS = {
    ("TIMESTAMP", SQL): rf"^{_DATE} {_SQL_TIME}$",
    ("TIMESTAMP_LTZ", SQL): rf"^{_DATE} {_SQL_TIME}Z$",
    ("TIMESTAMP", ISO): rf"^{_DATE}T{_ISO_TIME}$",
    ("TIMESTAMP_LTZ", ISO): rf"^{_DATE}T{_ISO_TIME}Z$",
    ("TIMESTAMP", ISO_OFFSET): rf"^{_DATE}T{_ISO_TIME}(?:Z|[+-]\d\d:\d\d)$",
    ("TIMESTAMP_LTZ", ISO_OFFSET): rf"^{_DATE}T{_ISO_TIME}(?:Z|[+-]\d\d:\d\d)$",
}
_ONE_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)([ T])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{0,9}))?)?(Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_ONE_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.\d{0,9})?", re.ASCII)
_ONE_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORDS = {"NaN", "Infinity", "+Infinity", "-Infinity"}


def read_texts(texts: Array, kind: DataType, standard: str) -> tuple[Array, dict[int, str]]:
    """The values of a column of texts, and the reasons of those that cannot be read, by place."""
    try:
        fast = _read_all(texts, kind, standard)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        fast = None
    if fast is not None:
        return fast, {}
    values: list[Any] = []
    wrong: dict[int, str] = {}
    for place, text in enumerate(texts.to_pylist()):
        try:
            values.append(None if text is None else read_text(text, kind, standard))
        except ValueError as reason:
            values.append(None)
            wrong[place] = str(reason)
    return pa.array(values, kind.arrow()), wrong


def _all_match(texts: Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is not False


def _read_all(texts: Array, kind: DataType, standard: str) -> Array | None:
    name = kind.name
    if name in TEXTS:
        return texts
    if name == "BOOLEAN":
        return pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), "true")
    if name in INTEGERS:
        return texts.cast(kind.arrow()) if _all_match(texts, r"^-?\d+$") else None
    if name in ("FLOAT", "DOUBLE"):
        usual = _all_match(texts, r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$")
        return texts.cast(kind.arrow()) if usual else None
    if name == "DECIMAL":
        scale = kind.parameters[1]
        usual = _all_match(texts, rf"^-?\d{{1,38}}(?:\.\d{{1,{scale}}})?$" if scale else r"^-?\d+$")
        return texts.cast(kind.arrow()) if usual else None
    if name == "DATE":
        return texts.cast(pa.date32()) if _all_match(texts, f"^{_DATE}$") else None
    if name == "TIME":
        usual = _all_match(texts, r"^\d\d:\d\d:\d\d$")
        return texts.cast(pa.time64("us")) if usual else None
    if kind.is_time:
        return _read_timestamps(texts, kind, standard)
    return None


def _read_timestamps(texts: Array, kind: DataType, standard: str) -> Array | None:
    if not _all_match(texts, _FORMS[kind.name, standard]):
        return None
    zoned = kind.name == "TIMESTAMP_LTZ" or standard == ISO_OFFSET
    read = texts.cast(pa.timestamp("us", "UTC") if zoned else pa.timestamp("us"))
    precision = kind.parameters[0] if kind.parameters else 6
    if precision < 6:
        read = pc.floor_temporal(read, multiple=10 ** (6 - precision), unit="microsecond")
    return read.cast(kind.arrow())


def read_text(text: str, kind: DataType, standard: str) -> Any:
    """The value that a text says.

    Raises:
        ValueError: none of this type; the text says why.
    """
    name = kind.name
    if name in INTEGERS:
        return _integer(text.strip(), kind)
    if name in _READERS:
        return _READERS[name](text)
    if name == "DECIMAL":
        return decimal_of(text.strip(), kind)
    if kind.is_time:
        return _timestamp(text, kind, standard)
    raise ValueError(f"a text is no {kind.flink()}")


def _shown(text: str) -> str:
    return f"'{text[:60]}'"


def _integer(text: str, kind: DataType) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > _DIGITS_MAX:
        raise ValueError(f"{_shown(text)} is no {kind.flink()}")
    return in_range(int(text), kind)


def in_range(value: int, kind: DataType) -> int:
    """The number, if the type can hold it.

    Raises:
        ValueError: it cannot.
    """
    least, most = INTEGERS[kind.name]
    if not least <= value <= most:
        raise ValueError(f"a number is out of range of {kind.flink()}")
    return value


def decimal_of(text: str, kind: DataType) -> Decimal | None:
    """A decimal, rounded half up to the type's scale; None if it has too many digits for the type.

    Raises:
        ValueError: the text is no number.
    """
    if not _NUMBER.fullmatch(text) or len(text) > _DIGITS_MAX:
        raise ValueError(f"{_shown(text)} is no {kind.flink()}")
    precision, scale = kind.parameters
    try:
        rounded = Decimal(text).quantize(
            Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=precision)
        )
    except InvalidOperation:
        return None
    return rounded if rounded else abs(rounded)


def _float(text: str) -> float:
    text = text.strip()
    if not _NUMBER.fullmatch(text) and text not in _WORDS:
        raise ValueError(f"{_shown(text)} is no number")
    return float(text)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{_shown(text)} is not base64") from None


def _date(text: str) -> date:
    found = _ONE_DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no DATE (yyyy-MM-dd)")
    return date(*map(int, found.groups()))


def _time(text: str) -> time:
    found = _ONE_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no TIME (HH:mm:ss)")
    hour, minute, second = map(int, found.groups())
    return time(hour, minute, second)


_READERS: dict[str, Callable[[str], Any]] = {
    "FLOAT": _float,
    "DOUBLE": _float,
    "DATE": _date,
    "TIME": _time,
    "BOOLEAN": lambda text: text.strip().lower() == "true",
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(BINARIES, _bytes),
}


def _timestamp(text: str, kind: DataType, standard: str) -> datetime:
    found = _ONE_TIMESTAMP.fullmatch(text)
    if found is None or not _has_form(found, kind, standard):
        raise ValueError(f"{_shown(text)} is no {kind.flink()} (timestamp format {standard})")
    year, month, day, _, hour, minute, second, fraction, zone = found.groups()
    precision = kind.parameters[0] if kind.parameters else 6
    micros = int((fraction or "")[: min(precision, 6)].ljust(6, "0"))
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    moment = moment.replace(microsecond=micros)
    if zone is None:
        return moment
    try:
        moment = moment.replace(tzinfo=_zone(zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{_shown(text)} is out of range") from None
    return moment if kind.name == "TIMESTAMP_LTZ" else moment.replace(tzinfo=None)


def _has_form(found: re.Match[str], kind: DataType, standard: str) -> bool:
    separator, second, zone = found[4], found[7], found[9]
    if standard == SQL and (separator != " " or second is None):
        return False
    if standard != SQL and separator != "T":
        return False
    if standard == ISO_OFFSET:
        return zone is not None
    return zone == ("Z" if kind.name == "TIMESTAMP_LTZ" else None)


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 18 or minutes > 59:
        raise ValueError(f"{text} is no offset")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
