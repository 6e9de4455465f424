"""Trino's types: their names, what coerces to what, and the DuckDB type that holds their values.

A value of each type is held in DuckDB as `duck` says; what is not obvious:

* `timestamp(p) with time zone` is STRUCT(t TIMESTAMP, z VARCHAR): the instant in UTC and its zone,
  because DuckDB's own type forgets the zone;
* `interval day to second` is BIGINT milliseconds and `interval year to month` INTEGER months, which
  is how Trino counts them;
* `json` is VARCHAR, its text without needless white space;
* `char(n)` is VARCHAR without its trailing spaces;
* rows are STRUCTs whose fields have the names of `field_names`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from millpond.engines.sql.trino.errors import Position, StatementError

VARCHAR_UNBOUNDED = 2147483647


@dataclass(frozen=True, slots=True)
class Type:
    """One of Trino's types.

    `precision` is a decimal's or a timestamp's; of `varchar(n)` and `char(n)` it is the length.
    `fields` names a row's fields, None where one has no name.
    """

    name: str
    precision: int = 0
    scale: int = 0
    arguments: tuple["Type", ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        match self.name:
            case "decimal":
                return f"decimal({self.precision},{self.scale})"
            case "varchar":
                return (
                    "varchar"
                    if self.precision == VARCHAR_UNBOUNDED
                    else f"varchar({self.precision})"
                )
            case "char" | "time" | "timestamp":
                return f"{self.name}({self.precision})"
            case "timestamp with time zone":
                return f"timestamp({self.precision}) with time zone"
            case "row":
                inner = ", ".join(
                    str(kind) if name is None else f"{name} {kind}"
                    for name, kind in zip(self.fields, self.arguments, strict=True)
                )
                return f"row({inner})"
            case _ if self.arguments:
                return f"{self.name}({', '.join(map(str, self.arguments))})"
        return self.name

    @property
    def element(self) -> "Type":
        """An array's element type."""
        return self.arguments[0]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of a row's fields in DuckDB: lower case, unique, `field0` without one."""
        taken: list[str] = []
        for index, field in enumerate(self.fields):
            name = f"field{index}" if field is None else field.lower()
            taken.append(name if name not in taken else f"{name}_{index}")
        return tuple(taken)

    @property
    def duck(self) -> str:
        """The DuckDB type that holds its values."""
        match self.name:
            case "decimal":
                return f"DECIMAL({self.precision},{self.scale})"
            case "array":
                return f"{self.element.duck}[]"
            case "map":
                return f"MAP({self.arguments[0].duck}, {self.arguments[1].duck})"
            case "row":
                inner = ", ".join(
                    f"{quote_name(name)} {kind.duck}"
                    for name, kind in zip(self.field_names, self.arguments, strict=True)
                )
                return f"STRUCT({inner})"
        return _DUCK[self.name]


_DUCK = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "STRUCT(t TIMESTAMP, z VARCHAR)",
    "interval day to second": "BIGINT",
    "interval year to month": "INTEGER",
    "json": "VARCHAR",
    "uuid": "UUID",
    "unknown": "INTEGER",
}

BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar", VARCHAR_UNBOUNDED)
VARBINARY = Type("varbinary")
DATE = Type("date")
TIME = Type("time", 3)
TIMESTAMP = Type("timestamp", 3)
TIMESTAMP_TZ = Type("timestamp with time zone", 3)
DAY_TO_SECOND = Type("interval day to second")
YEAR_TO_MONTH = Type("interval year to month")
JSON = Type("json")
UUID = Type("uuid")
UNKNOWN = Type("unknown")

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "decimal", "real", "double")
TEXTS = ("varchar", "char")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}


def varchar(length: int) -> Type:
    return Type("varchar", min(length, VARCHAR_UNBOUNDED))


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", min(38, precision), scale)


def array(element: Type) -> Type:
    return Type("array", arguments=(element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", arguments=(key, value))


def row(fields: Sequence[tuple[str | None, Type]]) -> Type:
    return Type("row", arguments=tuple(t for _, t in fields), fields=tuple(n for n, _ in fields))


def quote_name(name: str) -> str:
    """An identifier as DuckDB takes it."""
    return '"' + name.replace('"', '""') + '"'


AGGREGATE_START, AGGREGATE_END = "\x0e", "\x0f"
"""Marks around the aggregate calls in a compiled template; no literal carries them."""


def quote_text(text: str) -> str:
    """A string literal as DuckDB takes it."""
    quoted = "'" + text.replace("'", "''") + "'"
    if "\0" in text or AGGREGATE_START in text or AGGREGATE_END in text:
        for mark in ("\0", AGGREGATE_START, AGGREGATE_END):
            quoted = quoted.replace(mark, f"' || chr({ord(mark)}) || '")
        return f"({quoted})"
    return quoted


def as_decimal(kind: Type) -> Type:
    """The decimal that holds every value of an integer type; a decimal is itself."""
    return kind if kind.name == "decimal" else decimal(_DIGITS[kind.name], 0)


def common_type(left: Type, right: Type) -> Type | None:
    """The type that both coerce to, or None.

    Source: io.trino.type.TypeCoercion.getCommonSuperType.
    """
    if left == right:
        return left
    if left.name == "unknown" or right.name == "unknown":
        return right if left.name == "unknown" else left
    if left.name == right.name:
        return _common_of_same_name(left, right)
    for lower, upper in ((left, right), (right, left)):
        found = _common_upward(lower, upper)
        if found is not None:
            return found
    return None


def _common_of_same_name(left: Type, right: Type) -> Type | None:
    match left.name:
        case "decimal":
            scale = max(left.scale, right.scale)
            whole = max(left.precision - left.scale, right.precision - right.scale)
            return decimal(whole + scale, scale)
        case "varchar" | "char" | "timestamp" | "timestamp with time zone" | "time":
            return Type(left.name, max(left.precision, right.precision))
        case "array" | "map" | "row":
            if len(left.arguments) != len(right.arguments):
                return None
            inner = [
                common_type(one, other)
                for one, other in zip(left.arguments, right.arguments, strict=True)
            ]
            fields = tuple(
                one if one == other else None
                for one, other in zip(left.fields, right.fields, strict=True)
            )
            if any(kind is None for kind in inner):
                return None
            return Type(left.name, arguments=tuple(k for k in inner if k), fields=fields)
    return left


def _common_upward(lower: Type, upper: Type) -> Type | None:
    """The common type where `lower` stands before `upper` in Trino's order of coercions."""
    if lower.name in INTEGERS:
        if upper.name in INTEGERS:
            return upper if INTEGERS.index(upper.name) > INTEGERS.index(lower.name) else lower
        if upper.name == "decimal":
            return _common_of_same_name(as_decimal(lower), upper)
        if upper.name in ("real", "double"):
            return upper
    if lower.name == "decimal" and upper.name in ("real", "double"):
        return upper
    if (lower.name, upper.name) in (("real", "double"), ("date", "timestamp")):
        return upper
    if lower.name == "date" and upper.name == "timestamp with time zone":
        return upper
    if lower.name == "timestamp" and upper.name == "timestamp with time zone":
        return Type(upper.name, max(lower.precision, upper.precision))
    if lower.name == "varchar" and upper.name == "char":
        return (
            Type("char", max(lower.precision, upper.precision))
            if lower.precision <= 65536
            else VARCHAR
        )
    return None


def can_coerce(source: Type, target: Type) -> bool:
    """Whether a value of `source` stands where `target` is asked for, without a CAST."""
    if source.name == "varchar" and target.name == "char":
        return False
    if source.name == "char" and target.name == "varchar":
        return True
    found = common_type(source, target)
    if found is None:
        return False
    if target.name in ("row", "array", "map"):
        return source.name == "unknown" or (
            source.name == target.name and all(map(can_coerce, source.arguments, target.arguments))
        )
    return found == target


_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[A-Za-z_][\w$]*|\d+|[(),])')
_SIMPLE = {
    "boolean": BOOLEAN, "tinyint": TINYINT, "smallint": SMALLINT, "integer": INTEGER,
    "int": INTEGER, "bigint": BIGINT, "real": REAL, "double": DOUBLE, "varbinary": VARBINARY,
    "date": DATE, "json": JSON, "uuid": UUID, "unknown": UNKNOWN, "string": VARCHAR,
}  # fmt: skip


def parse_type(text: str) -> Type:
    """The type that a text such as `array(row(a bigint, b varchar(3)))` names.

    Raises:
        StatementError: it names none that is supported.
    """
    tokens = [match.group(1) for match in _TOKEN.finditer(text)]
    if "".join(tokens).replace(" ", "") != re.sub(r"\s", "", text):
        raise unknown_type(text)
    parser = _TypeParser(tokens, text)
    kind = parser.parse()
    if parser.position != len(tokens):
        raise unknown_type(text)
    return kind


def unknown_type(text: str, position: Position | None = None) -> StatementError:
    return StatementError("TYPE_NOT_FOUND", f"Unknown type: {text}", position)


class _TypeParser:
    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens = tokens
        self.position = 0
        self.text = text

    def parse(self) -> Type:
        name = self._next().lower()
        if name in _SIMPLE:
            if name == "double" and self._peek() == "precision":
                self._next()
            return _SIMPLE[name]
        match name:
            case "decimal" | "dec" | "numeric":
                return decimal_type([*self._numbers()], self.text)
            case "varchar":
                return varchar((*self._numbers(), VARCHAR_UNBOUNDED)[0])
            case "char":
                return Type("char", (*self._numbers(), 1)[0])
            case "time" | "timestamp":
                precision = (*self._numbers(), 3)[0]
                return timed_type(name, precision, self._zone(), self.text)
            case "interval":
                words = " ".join((self._next(), self._next(), self._next())).lower()
                if f"interval {words}" in _DUCK:
                    return Type(f"interval {words}")
            case "array":
                return array(*self._types(1))
            case "map":
                return map_of(*self._types(2))
            case "row":
                return row(self._fields())
        raise unknown_type(self.text)

    def _peek(self) -> str:
        return self.tokens[self.position].lower() if self.position < len(self.tokens) else ""

    def _next(self) -> str:
        if self.position >= len(self.tokens):
            raise unknown_type(self.text)
        self.position += 1
        return self.tokens[self.position - 1]

    def _numbers(self) -> list[int]:
        found: list[int] = []
        if self._peek() == "(":
            while self._next() != ")":
                text = self._next()
                if not text.isdigit():
                    raise unknown_type(self.text)
                found.append(int(text))
                if self._peek() not in (",", ")"):
                    raise unknown_type(self.text)
        return found

    def _zone(self) -> bool:
        if self._peek() in ("with", "without"):
            words = [self._next().lower() for _ in range(3)]
            if words[1:] != ["time", "zone"]:
                raise unknown_type(self.text)
            return words[0] == "with"
        return False

    def _types(self, count: int) -> list[Type]:
        self._expect("(")
        found = [self.parse()]
        while self._peek() == ",":
            self._next()
            found.append(self.parse())
        self._expect(")")
        if len(found) != count:
            raise unknown_type(self.text)
        return found

    def _fields(self) -> list[tuple[str | None, Type]]:
        self._expect("(")
        found: list[tuple[str | None, Type]] = []
        while True:
            named = self.position + 1 < len(self.tokens) and self.tokens[self.position + 1] not in (
                ",", ")", "(", "precision", "with", "without",
            )  # fmt: skip
            name = self._next() if named or self._peek().startswith('"') else None
            if name is not None and name.startswith('"'):
                name = name[1:-1].replace('""', '"')
            found.append((name, self.parse()))
            if self._peek() != ",":
                break
            self._next()
        self._expect(")")
        return found

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise unknown_type(self.text)


def decimal_type(numbers: Sequence[int], text: str, position: Position | None = None) -> Type:
    """`decimal(p, s)` with Trino's defaults (38, 0) and bounds."""
    precision, scale = ((*numbers, 0) if numbers else (38, 0))[:2]
    if not 1 <= precision <= 38:
        raise StatementError(
            "TYPE_NOT_FOUND",
            f"Unknown type: {text}: DECIMAL precision must be in range [1, 38]: {precision}",
            position,
        )
    if scale > precision:
        raise StatementError(
            "TYPE_NOT_FOUND",
            f"Unknown type: {text}: DECIMAL scale must be in range [0, precision ({precision})]:"
            f" {scale}",
            position,
        )
    return decimal(precision, scale)


def timed_type(
    name: str, precision: int, with_zone: bool, text: str, position: Position | None = None
) -> Type:
    """`time(p)`, `timestamp(p)` or `timestamp(p) with time zone`; to the microsecond at most."""
    if precision > 6 or (name == "time" and with_zone):
        raise StatementError(
            "NOT_SUPPORTED", f"Type {text} is not supported: times go to microseconds", position
        )
    return Type("timestamp with time zone" if with_zone else name, precision)
