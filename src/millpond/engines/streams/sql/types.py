"""Flink's types as text, and what they have to do with one another.

`read_type` reads a type from tokens of the dialect; `common_type` is the type that values of
several types share (in CASE, UNION, COALESCE …); `assignable` says which columns an INSERT fills
without a CAST. The sizes that Flink takes where none is written: CHAR(1), VARCHAR(1),
DECIMAL(10, 0), TIME(0), TIMESTAMP(6).

Source: Apache Flink 2.x, Table API & SQL, Data Types; LogicalTypeMerging, LogicalTypeCasts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.types import DOUBLE, STRING, DataType

TIME_PRECISION_MAX = 6
DECIMAL_PRECISION_MAX = 38
LENGTH_MAX = 2_147_483_647

INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
APPROXIMATE = ("FLOAT", "DOUBLE")
NUMBERS = (*INTEGERS, "DECIMAL", *APPROXIMATE)
STRINGS = ("CHAR", "VARCHAR", "STRING")
BINARIES = ("BINARY", "VARBINARY", "BYTES")
TIMES = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ")
NULL = DataType("NULL")

_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}
_PLAIN = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INT",
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE",
    "STRING": "STRING",
    "BYTES": "BYTES",
    "DATE": "DATE",
}
_LENGTHS = ("CHAR", "VARCHAR", "BINARY", "VARBINARY")
_NEED_FLINK = ("INTERVAL", "RAW", "VARIANT", "STRUCTURED", "DESCRIPTOR")


class _Reader:
    """Reads one type from `tokens`, from `index` on."""

    def __init__(self, tokens: Sequence[Any], index: int):
        self.tokens = tokens
        self.index = index

    def word(self) -> str:
        if self.index >= len(self.tokens):
            return ""
        return " ".join(str(self.tokens[self.index].text).upper().split())

    def refuse(self, text: str, *, needs_flink: bool = False) -> Refused:
        if not self.tokens:
            return Refused(text, needs_flink=needs_flink)
        token = self.tokens[min(self.index, len(self.tokens) - 1)]
        return Refused(text, token.line, token.col, needs_flink=needs_flink)

    def take(self, *words: str) -> bool:
        texts = [str(token.text).upper() for token in self.tokens[self.index :][: len(words)]]
        if texts != list(words):
            return False
        self.index += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            found = self.word() or "the end"
            raise self.refuse(f'SQL parse failed. Encountered "{found}", expected "{word}"')

    def numbers(self) -> tuple[int, ...]:
        """What stands in brackets, if brackets stand here."""
        if not self.take("("):
            return ()
        found = []
        while True:
            if not self.word().isdigit():
                raise self.refuse(f'SQL parse failed. Encountered "{self.word()}", expected a size')
            found.append(int(self.word()))
            self.index += 1
            if not self.take(","):
                break
        self.expect(")")
        return tuple(found)

    def type(self) -> DataType:
        found = self.plain()
        while True:
            nullable = not self.take("NOT", "NULL")
            self.take("NULL")
            found = replace(found, nullable=nullable)
            if self.take("ARRAY"):
                found = DataType("ARRAY", fields=(("", found),))
            elif self.take("MULTISET"):
                found = DataType("MULTISET", fields=(("", found),))
            else:
                return found

    def plain(self) -> DataType:
        word = self.word()
        quoted = self.index < len(self.tokens) and self.tokens[self.index].token_type.name in (
            "IDENTIFIER",
            "STRING",
        )
        if not word or quoted:
            raise self.refuse(f'SQL parse failed. Encountered "{word}", expected a type')
        start = self.index
        self.index += 1
        if word in _PLAIN:
            return DataType(_PLAIN[word])
        if word in _LENGTHS:
            return self.sized(word, start)
        if word in ("DECIMAL", "DEC", "NUMERIC"):
            return self.decimal(start)
        if word in ("TIME", "TIMESTAMP", "TIMESTAMP_LTZ"):
            return self.time(word, start)
        if word in ("ARRAY", "MULTISET"):
            self.expect("<")
            element = self.type()
            self.expect(">")
            return DataType(word, fields=(("", element),))
        if word == "MAP":
            self.expect("<")
            key = self.type()
            self.expect(",")
            value = self.type()
            self.expect(">")
            return DataType("MAP", fields=(("", key), ("", value)))
        if word == "ROW":
            return self.row()
        self.index = start
        if word in _NEED_FLINK:
            raise self.refuse(f"The type {word} is not supported", needs_flink=True)
        raise self.refuse(f"Unknown type '{self.tokens[start].text}'")

    def sized(self, name: str, start: int) -> DataType:
        sizes = self.numbers() or (1,)
        if len(sizes) != 1 or not 1 <= sizes[0] <= LENGTH_MAX:
            self.index = start
            raise self.refuse(f"{name} has one length from 1 to {LENGTH_MAX}")
        if sizes[0] == LENGTH_MAX and name in ("VARCHAR", "VARBINARY"):
            return DataType("STRING" if name == "VARCHAR" else "BYTES")
        return DataType(name, sizes)

    def decimal(self, start: int) -> DataType:
        sizes = self.numbers()
        precision = sizes[0] if sizes else 10
        scale = sizes[1] if len(sizes) > 1 else 0
        if len(sizes) > 2 or not 1 <= precision <= DECIMAL_PRECISION_MAX or scale > precision:
            self.index = start
            raise self.refuse(
                f"DECIMAL has a precision from 1 to {DECIMAL_PRECISION_MAX} and a scale from 0 to"
                " its precision"
            )
        return DataType("DECIMAL", (precision, scale))

    def time(self, name: str, start: int) -> DataType:
        sizes = self.numbers()
        if self.take("WITH", "LOCAL", "TIME", "ZONE"):
            name = f"{name}_LTZ"
        elif self.take("WITH", "TIME", "ZONE"):
            name = f"{name} WITH TIME ZONE"
        else:
            self.take("WITHOUT", "TIME", "ZONE")
        precision = sizes[0] if sizes else 0 if name == "TIME" else 6
        if name in ("TIME_LTZ", "TIME WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"):
            self.index = start
            raise self.refuse(
                f"The type {name.replace('_LTZ', ' WITH LOCAL TIME ZONE')} is unknown"
            )
        if len(sizes) > 1 or precision > 9:
            self.index = start
            raise self.refuse(f"{name} has one precision from 0 to 9")
        if precision > TIME_PRECISION_MAX:
            self.index = start
            raise self.refuse(
                f"{name}({precision}) is not supported: times are kept in microseconds,"
                f" {name}({TIME_PRECISION_MAX}) at most",
                needs_flink=True,
            )
        return DataType(name, (precision,))

    def row(self) -> DataType:
        close = ")" if self.take("(") else ">"
        if close == ">":
            self.expect("<")
        fields: list[tuple[str, DataType]] = []
        while not self.take(close):
            if fields:
                self.expect(",")
            if self.index >= len(self.tokens):
                raise self.refuse("SQL parse failed. A ROW type does not end")
            name = str(self.tokens[self.index].text)
            if name in [known for known, _ in fields]:
                raise self.refuse(f"A ROW has the field '{name}' twice")
            self.index += 1
            fields.append((name, self.type()))
            if self.index < len(self.tokens) and (
                self.tokens[self.index].token_type.name == "STRING"
            ):
                self.index += 1
        return DataType("ROW", fields=tuple(fields))


def read_type(tokens: Sequence[Any], index: int = 0) -> tuple[DataType, int]:
    """The type that begins at a token, and the index of the token after it. Tokens tell their
    places in the program.

    Raises:
        Refused: it is no type, or one that this engine has not.
    """
    reader = _Reader(tokens, index)
    found = reader.type()
    return found, reader.index


def bare(kind: DataType) -> DataType:
    """The type without NOT NULL, in its parts too."""
    fields = tuple((name, bare(part)) for name, part in kind.fields)
    return DataType(kind.name, kind.parameters, fields)


def same(one: DataType, other: DataType) -> bool:
    """Whether two types are one but for NOT NULL."""
    return bare(one) == bare(other)


def decimal_of(kind: DataType) -> tuple[int, int]:
    """Precision and scale of an exact number's type."""
    if kind.name == "DECIMAL":
        return kind.parameters[0], kind.parameters[1]
    return _DIGITS[kind.name], 0


def decimal_type(precision: int, scale: int) -> DataType:
    """A DECIMAL that fits, with fewer digits behind the point where it would be too long."""
    if precision > DECIMAL_PRECISION_MAX:
        whole = precision - scale
        scale = max(DECIMAL_PRECISION_MAX - whole, min(scale, 6))
        precision = DECIMAL_PRECISION_MAX
    return DataType("DECIMAL", (precision, scale))


def common_type(kinds: Sequence[DataType]) -> DataType | None:
    """The type that values of all these types have in common; None if they have none."""
    found = NULL
    for kind in kinds:
        merged = _merge(found, bare(kind))
        if merged is None:
            return None
        found = merged
    return found


def _merge(one: DataType, other: DataType) -> DataType | None:
    if one == other or other.name == "NULL":
        return one
    if one.name == "NULL":
        return other
    if one.name in NUMBERS and other.name in NUMBERS:
        return _merge_numbers(one, other)
    if one.name in STRINGS and other.name in STRINGS:
        return _merge_lengths(one, other, "VARCHAR", STRING)
    if one.name in BINARIES and other.name in BINARIES:
        return _merge_lengths(one, other, "VARBINARY", DataType("BYTES"))
    if one.name in TIMES and other.name in TIMES:
        return _merge_times(one, other)
    if one.name == other.name and len(one.fields) == len(other.fields) > 0:
        fields = []
        for (name, left), (_, right) in zip(one.fields, other.fields, strict=True):
            merged = _merge(left, right)
            if merged is None:
                return None
            fields.append((name, merged))
        return DataType(one.name, fields=tuple(fields))
    return None


def _merge_numbers(one: DataType, other: DataType) -> DataType:
    names = {one.name, other.name}
    if "DOUBLE" in names or ("FLOAT" in names and "DECIMAL" in names):
        return DOUBLE
    if "FLOAT" in names:
        return DataType("FLOAT")
    if "DECIMAL" in names:
        (left, left_scale), (right, right_scale) = decimal_of(one), decimal_of(other)
        scale = max(left_scale, right_scale)
        return decimal_type(max(left - left_scale, right - right_scale) + scale, scale)
    return max(one, other, key=lambda kind: INTEGERS.index(kind.name))


def _merge_lengths(one: DataType, other: DataType, varying: str, unbounded: DataType) -> DataType:
    if unbounded in (one, other):
        return unbounded
    return DataType(varying, (max(one.parameters[0], other.parameters[0]),))


def _merge_times(one: DataType, other: DataType) -> DataType | None:
    names = {one.name, other.name}
    precision = max(one.parameters + other.parameters, default=0)
    if "TIME" in names:
        return DataType("TIME", (precision,)) if len(names) == 1 else None
    if "TIMESTAMP_LTZ" in names:
        return DataType("TIMESTAMP_LTZ", (precision,))
    return DataType("TIMESTAMP", (precision,))


_IMPLICIT: dict[str, tuple[str, ...]] = {
    "STRING": STRINGS,
    "VARCHAR": STRINGS,
    "CHAR": STRINGS,
    "BYTES": BINARIES,
    "VARBINARY": BINARIES,
    "BINARY": BINARIES,
    "BOOLEAN": ("BOOLEAN",),
    "TINYINT": INTEGERS[:1],
    "SMALLINT": INTEGERS[:2],
    "INT": INTEGERS[:3],
    "BIGINT": INTEGERS,
    "DECIMAL": NUMBERS,
    "FLOAT": (*INTEGERS, "DECIMAL", "FLOAT"),
    "DOUBLE": NUMBERS,
    "DATE": ("DATE", "TIMESTAMP"),
    "TIME": ("TIME", "TIMESTAMP"),
    "TIMESTAMP": ("TIMESTAMP", "TIMESTAMP_LTZ"),
    "TIMESTAMP_LTZ": ("TIMESTAMP", "TIMESTAMP_LTZ"),
}


def assignable(source: DataType, target: DataType) -> bool:
    """Whether a value fills a column without a CAST of the query's own."""
    if source.name == "NULL":
        return True
    if target.fields:
        return (
            source.name == target.name
            and len(source.fields) == len(target.fields)
            and all(
                assignable(left, right)
                for (_, left), (_, right) in zip(source.fields, target.fields, strict=True)
            )
        )
    return source.name in _IMPLICIT.get(target.name, ())
