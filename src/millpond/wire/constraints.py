"""A model's constraints, judged and worded as AWS words them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

VALUE_CHARACTERS_MAX = 2048
"""How much of a refused value the refusal repeats."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the model asks of one value. Lengths are in characters, bytes or elements."""

    min_length: int | None = None
    max_length: int | None = None
    ge: float | None = None
    le: float | None = None
    pattern: re.Pattern[str] | None = None
    pattern_text: str = ""
    """The pattern as the model spells it, which is what AWS shows."""
    enum: tuple[str, ...] = ()

    def broken_by(self, value: Any) -> Iterator[str]:
        """The constraints that `value` breaks, in AWS's words."""
        if self.enum:
            if value not in self.enum:
                yield self._enum_text
            return
        if self.min_length is not None and len(value) < self.min_length:
            yield self._min_length_text
        if self.max_length is not None and len(value) > self.max_length:
            yield self._max_length_text
        if self.ge is not None and value < self.ge:
            yield self._ge_text
        if self.le is not None and value > self.le:
            yield self._le_text
        if self.pattern is not None and not self.pattern.search(value):
            yield self._pattern_text

    def texts(self) -> list[str]:
        """All constraints, as AWS lists them for the elements of a list or map."""
        texts = []
        if self.max_length is not None:
            texts.append(self._max_length_text)
        if self.min_length is not None:
            texts.append(self._min_length_text)
        if self.le is not None:
            texts.append(self._le_text)
        if self.ge is not None:
            texts.append(self._ge_text)
        if self.pattern is not None:
            texts.append(self._pattern_text)
        if self.enum:
            texts.append(self._enum_text)
        return texts

    @property
    def _enum_text(self) -> str:
        return f"Member must satisfy enum value set: [{', '.join(self.enum)}]"

    @property
    def _min_length_text(self) -> str:
        return f"Member must have length greater than or equal to {self.min_length}"

    @property
    def _max_length_text(self) -> str:
        return f"Member must have length less than or equal to {self.max_length}"

    @property
    def _ge_text(self) -> str:
        return f"Member must have value greater than or equal to {self.ge}"

    @property
    def _le_text(self) -> str:
        return f"Member must have value less than or equal to {self.le}"

    @property
    def _pattern_text(self) -> str:
        return f"Member must satisfy regular expression pattern: {self.pattern_text}"


def member_path(parent: str, name: str) -> str:
    """`tableInput`, `tableInput.name`: AWS's spelling begins each member in lower case."""
    lowered = name[:1].lower() + name[1:]
    return f"{parent}.{lowered}" if parent else lowered


def missing(path: str) -> str:
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def broken(path: str, value: Any, constraint: str) -> str:
    return f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def summary(violations: Sequence[str]) -> str:
    """The message of one refusal for all of `violations`."""
    errors = "error" if len(violations) == 1 else "errors"
    return f"{len(violations)} validation {errors} detected: {'; '.join(violations)}"


def _shown(value: Any) -> str:
    """As AWS shows it, and no more of it than is repeated."""
    pieces, size = [], 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        if size > VALUE_CHARACTERS_MAX:
            return "".join(pieces)[:VALUE_CHARACTERS_MAX] + "..."
    return "".join(pieces)


def _pieces(value: Any) -> Iterator[str]:
    if value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, list | tuple):
        yield from _among("[", (("", item) for item in value), "]")
    elif isinstance(value, Mapping):
        yield from _among("{", ((f"{key}=", item) for key, item in value.items()), "}")
    elif isinstance(value, msgspec.Struct):
        members = (
            (f"{member_path('', member.encode_name)}=", getattr(value, member.name))
            for member in msgspec.structs.fields(value)
        )
        yield from _among(f"{type(value).__name__}(", members, ")")
    elif isinstance(value, bytes):
        yield f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    else:
        yield str(value)


def _among(begin: str, items: Iterable[tuple[str, Any]], end: str) -> Iterator[str]:
    yield begin
    for number, (name, item) in enumerate(items):
        yield f", {name}" if number else name
        yield from _pieces(item)
    yield end
