"""Property selectors: `$.a.b[0]`, `$.a['b c']`, `$.list[*].name`. They find values in documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from millpond.services.logs.patterns.interface import InvalidPattern, Value
from millpond.services.logs.patterns.scanner import Scanner

_NAME_STOPS = ".[]=!<>&|(){}\"'%,"
DEPTH_MAX = 50
MISSING: Any = object()
"""What is found where there is nothing."""


class _Every:
    """The step `*`: every member, every element."""


_EVERY = _Every()
_Step = str | int | _Every


@dataclass(frozen=True, slots=True)
class Selector:
    """`text` is the selector as it was written."""

    text: str
    steps: tuple[_Step, ...]

    @property
    def many(self) -> bool:
        return _EVERY in self.steps

    def find(self, document: Any) -> Any:
        """The first value, or MISSING."""
        if self.many:
            return next(self.find_all(document), MISSING)
        for step in self.steps:
            document = _step(document, step)
            if document is MISSING:
                break
        return document

    def find_all(self, document: Any) -> Iterator[Any]:
        """Every value that is there."""
        found = [document]
        for step in self.steps:
            if isinstance(step, _Every):
                found = [member for value in found for member in _members(value)]
            else:
                stepped = (_step(value, step) for value in found)
                found = [value for value in stepped if value is not MISSING]
        return iter(found)


def _step(value: Any, step: _Step) -> Any:
    if isinstance(value, dict):
        return value.get(step, MISSING) if isinstance(step, str) else MISSING
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return MISSING


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def scalar(value: Any) -> Value:
    """A value as `Pattern.values` tells it."""
    return None if value is MISSING or isinstance(value, dict | list) else value


def read_selector(scanner: Scanner) -> Selector:
    """The selector that comes next.

    Raises:
        InvalidPattern: none does, or it has more than one wildcard.
    """
    scanner.skip_spaces()
    start = scanner.position
    text = scanner.text
    if not text.startswith("$", start):
        raise scanner.invalid()
    scanner.position += 1
    steps: list[_Step] = []
    while scanner.position < len(text) and text[scanner.position] in ".[":
        dotted = text[scanner.position] == "."
        scanner.position += dotted
        if text.startswith("[", scanner.position):
            steps.append(_bracketed(scanner))
        else:
            name = scanner.take_until(_NAME_STOPS)
            if not name:
                raise scanner.invalid()
            steps.append(_EVERY if name == "*" else name)
    if not steps or len(steps) > DEPTH_MAX:
        raise scanner.invalid()
    if sum(step is _EVERY for step in steps) > 1:
        raise InvalidPattern("Invalid filter pattern: a selector has at most one wildcard.")
    return Selector(text[start : scanner.position], tuple(steps))


def _bracketed(scanner: Scanner) -> _Step:
    scanner.position += 1
    step: _Step
    scanner.skip_spaces()
    mark = scanner.text[scanner.position : scanner.position + 1]
    if mark and mark in "'\"":
        step = scanner.take_enclosed(mark)
    else:
        word = scanner.take_until("]")
        if word == "*":
            step = _EVERY
        elif word.isascii() and word.isdecimal() and len(word) < 10:
            step = int(word)
        else:
            raise scanner.invalid()
    scanner.expect("]")
    return step
