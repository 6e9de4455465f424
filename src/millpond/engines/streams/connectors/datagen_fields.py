"""What makes the columns of a `datagen` table, as its options say.

Source: Apache Flink's documentation of the DataGen SQL connector, 2.x.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors import options
from millpond.engines.streams.formats.texts import BINARIES, INTEGERS, TEXTS
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import DataType

_TEXT_LENGTH_DEFAULT = 100
_COLLECTION_LENGTH_DEFAULT = 3

Generator = Callable[[np.random.Generator, int, int], Array]
"""Makes an array of `count` values from row `first` on: (randomness, first, count)."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Generators of a table's columns, and how many rows sequences allow (None: no end)."""

    generators: tuple[Generator, ...]
    rows: int | None


def read_fields(table: Table) -> Fields:
    """What makes the columns of a table.

    Raises:
        ValueError: the options of a field are wrong; the text says which.
    """
    given = dict(table.options)
    reader = _Reader(given)
    generators = tuple(reader.read(column.name, column.type) for column in table.columns)
    unknown = [
        name
        for name in given
        if name.startswith("fields.")
        and not any(name.startswith(f"fields.{column.name}.") for column in table.columns)
    ]
    if unknown:
        raise ValueError(f"Unsupported options: {', '.join(sorted(unknown))}: no such field")
    return Fields(generators, reader.rows)


class _Reader:
    """Reads the options of fields; `rows` is how many the shortest sequence has."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.rows: int | None = None

    def _option(self, field: str, name: str) -> str | None:
        return self._given.get(f"fields.{field}.{name}")

    def read(self, field: str, kind: DataType) -> Generator:
        if (self._option(field, "kind") or "random").lower() == "sequence":
            return self._sequence(field, kind)
        made = self._random(field, kind)
        rate = self._option(field, "null-rate")
        return made if rate is None else _with_nulls(made, options.decimal(rate))

    def _sequence(self, field: str, kind: DataType) -> Generator:
        if kind.name not in (*INTEGERS, *TEXTS, "FLOAT", "DOUBLE", "DECIMAL"):
            raise ValueError(f"'fields.{field}.kind': {kind.flink()} has no sequence")
        bounds = []
        for name in ("start", "end"):
            text = self._option(field, name)
            if text is None:
                raise ValueError(
                    f"Could not find required property 'fields.{field}.{name}' for sequence "
                    "generator"
                )
            bounds.append(self._number(field, name, text, options.whole))
        start, end = bounds
        if end < start:
            raise ValueError(f"'fields.{field}.end' must not be less than its start")
        self.rows = min(self.rows or end - start + 1, end - start + 1)
        through = pa.int64()

        def generate(random: np.random.Generator, first: int, count: int) -> Array:
            numbers = pa.array(np.arange(start + first, start + first + count), through)
            if kind.name == "DECIMAL":
                return pa.array(numbers.to_pylist(), kind.arrow())
            return numbers.cast(kind.arrow(), safe=False)

        return generate

    def _number(self, field: str, name: str, text: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(text)
        except ValueError as wrong:
            raise ValueError(f"'fields.{field}.{name}': {wrong}") from None

    def _bounds(
        self, field: str, least: Any, most: Any, read: Callable[[str], Any]
    ) -> tuple[Any, Any]:
        given = [self._option(field, "min"), self._option(field, "max")]
        found = [
            default if text is None else self._number(field, name, text, read)
            for name, text, default in zip(("min", "max"), given, (least, most), strict=True)
        ]
        if not least <= found[0] <= found[1] <= most:
            raise ValueError(f"'fields.{field}': min and max must be in order, and of its type")
        return found[0], found[1]

    def _length(self, field: str, default: int) -> int:
        text = self._option(field, "length")
        return default if text is None else self._number(field, "length", text, options.whole)

    def _random(self, field: str, kind: DataType) -> Generator:
        name = kind.name
        if name == "BOOLEAN":
            return lambda random, _, count: pa.array(random.random(count) < 0.5)
        if name in INTEGERS:
            low, high = self._bounds(field, *INTEGERS[name], options.whole)
            return lambda random, _, count: pa.array(
                random.integers(low, high, count, np.int64, endpoint=True)
            ).cast(kind.arrow())
        if name in ("FLOAT", "DOUBLE"):
            limit = float(np.finfo(np.float32 if name == "FLOAT" else np.float64).max)
            low, high = self._bounds(field, -limit, limit, options.decimal)
            return lambda random, _, count: _between(random.random(count), low, high).cast(
                kind.arrow()
            )
        if name == "DECIMAL":
            return self._decimal(field, kind)
        if name in TEXTS or name in BINARIES:
            return self._characters(field, kind)
        if kind.is_time or name in ("DATE", "TIME"):
            return self._moment(field, kind)
        return self._nested(field, kind)

    def _decimal(self, field: str, kind: DataType) -> Generator:
        precision, scale = kind.parameters
        limit = float(10 ** (precision - scale))
        low, high = self._bounds(field, -limit, limit, options.decimal)
        most = 10**precision - 1

        def generate(random: np.random.Generator, first: int, count: int) -> Array:
            drawn = _between(random.random(count), low, high).to_pylist()
            scaled = (max(-most, min(most, round(value * 10**scale))) for value in drawn)
            return pa.array([Decimal(each).scaleb(-scale) for each in scaled], kind.arrow())

        return generate

    def _characters(self, field: str, kind: DataType) -> Generator:
        declared = kind.parameters[0] if kind.parameters else _TEXT_LENGTH_DEFAULT
        length = self._length(field, declared)
        if kind.parameters and length > declared:
            raise ValueError(f"'fields.{field}.length' must not be more than {declared}")
        varies = options.boolean(self._option(field, "var-len") or "false")
        binary = kind.name in BINARIES

        def generate(random: np.random.Generator, first: int, count: int) -> Array:
            sizes = (
                random.integers(1, length, count, endpoint=True)
                if varies and length
                else np.full(count, length)
            )
            ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
            drawn = random.integers(0, 256 if binary else 16, int(ends[-1]), np.uint8)
            data = drawn if binary else np.frombuffer(b"0123456789abcdef", np.uint8)[drawn]
            buffers = [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(data.tobytes())]
            return pa.Array.from_buffers(kind.arrow(), count, buffers)

        return generate

    def _moment(self, field: str, kind: DataType) -> Generator:
        text = self._option(field, "max-past")
        past_ms = 0 if text is None else self._number(field, "max-past", text, options.duration_ms)

        def generate(random: np.random.Generator, first: int, count: int) -> Array:
            now_ms = time.time_ns() // 1_000_000
            ago = random.integers(0, past_ms, count, endpoint=True) if past_ms else 0
            moments = pa.array(np.full(count, now_ms) - ago).cast(pa.timestamp("ms"))
            if kind.name == "TIME":
                return moments.cast(pa.timestamp("us")).cast(pa.time64("us"))
            if kind.name == "DATE":
                return moments.cast(pa.date32(), safe=False)
            return moments.cast(pa.timestamp("us")).cast(kind.arrow())

        return generate

    def _nested(self, field: str, kind: DataType) -> Generator:
        if kind.name == "ROW":
            children = [self.read(f"{field}.{name}", inner) for name, inner in kind.fields]
            return lambda random, first, count: pa.StructArray.from_arrays(
                [generate(random, first, count) for generate in children],
                names=[name for name, _ in kind.fields],
            )
        if kind.name not in ("ARRAY", "MAP", "MULTISET"):
            raise ValueError(f"'{field}': rows of {kind.flink()} cannot be generated")
        length = self._length(field, _COLLECTION_LENGTH_DEFAULT)
        inner = [
            self._random(f"{field}.{part}", each)
            for part, (_, each) in zip(("element", "value"), kind.fields, strict=False)
        ]

        def generate(random: np.random.Generator, first: int, count: int) -> Array:
            offsets: Any = pa.array(np.arange(count + 1) * length, pa.int32())
            parts = [make(random, first * length, count * length) for make in inner]
            if kind.name == "ARRAY":
                return pa.ListArray.from_arrays(offsets, parts[0], type=kind.arrow())
            items: Array = (
                parts[1] if kind.name == "MAP" else pa.array([1] * len(parts[0]), pa.int32())
            )
            return pa.MapArray.from_arrays(offsets, parts[0], items)

        return generate


def _between(share: np.ndarray[Any, Any], low: float, high: float) -> Array:
    return pa.array(low * (1 - share) + high * share)


def _with_nulls(generate: Generator, rate: float) -> Generator:
    def nulled(random: np.random.Generator, first: int, count: int) -> Array:
        made = generate(random, first, count)
        gone = pa.array(random.random(count) < rate)
        return pc.if_else(gone, pa.scalar(None, made.type), made)

    return nulled
