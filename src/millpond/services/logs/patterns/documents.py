"""Patterns of JSON selectors: `{ ($.a.b = "x*") && ($.c > 3 || $.d IS NULL) }`.

A message that is not a JSON object never matches. A comparison with a field that is missing, null
or a structure is false, `!=` too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import is_
from typing import Any

import msgspec

from millpond.services.logs.patterns.comparisons import read_comparison
from millpond.services.logs.patterns.interface import InvalidPattern, Value
from millpond.services.logs.patterns.scanner import Scanner
from millpond.services.logs.patterns.selectors import MISSING, Selector, read_selector, scalar

_Test = Callable[[Any], bool]
_decode = msgspec.json.Decoder().decode
DEPTH_MAX = 50


@dataclass(frozen=True, slots=True)
class Documents:
    test: _Test
    selectors: tuple[Selector, ...]
    regexes: int

    def matches(self, message: bytes) -> bool:
        document = _read(message)
        return document is not None and self.test(document)

    def extracted(self, message: bytes) -> Mapping[str, str]:
        document = _read(message)
        found = {}
        for selector in self.selectors:
            value = selector.find(document)
            if value is not MISSING:
                found[selector.text] = _show(value)
        return found

    def values(self, message: bytes, references: tuple[str, ...]) -> tuple[Value, ...]:
        document = _read(message)
        return tuple(scalar(_selector(reference).find(document)) for reference in references)

    def check_reference(self, reference: str) -> None:
        _selector(reference)


@lru_cache(maxsize=1024)
def _selector(reference: str) -> Selector:
    """The selector that is the whole of a text."""
    scanner = Scanner(reference)
    selector = read_selector(scanner)
    if not scanner.at_end:
        raise InvalidPattern(f"{reference} is not a selector.")
    return selector


def _read(message: bytes) -> dict[str, Any] | None:
    if not message.lstrip().startswith(b"{"):
        return None
    try:
        document: dict[str, Any] = _decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    return document


def _show(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def read_documents(text: str) -> Documents:
    """The pattern that a text says.

    Raises:
        InvalidPattern: it cannot be read.
    """
    reader = _Reader(text)
    scanner = reader.scanner
    scanner.expect("{")
    test = reader.alternatives(0)
    scanner.expect("}")
    if not scanner.at_end:
        raise scanner.invalid()
    selectors = {selector.text: selector for selector in reader.selectors}
    return Documents(test, tuple(selectors.values()), reader.regexes)


class _Reader:
    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text)
        self.selectors: list[Selector] = []
        self.regexes = 0

    def alternatives(self, depth: int) -> _Test:
        tests = [self._conjunction(depth)]
        while self.scanner.take("||"):
            tests.append(self._conjunction(depth))
        return tests[0] if len(tests) == 1 else _one_of(tests)

    def _conjunction(self, depth: int) -> _Test:
        tests = [self._condition(depth)]
        while self.scanner.take("&&"):
            tests.append(self._condition(depth))
        return tests[0] if len(tests) == 1 else _all_of(tests)

    def _condition(self, depth: int) -> _Test:
        if depth > DEPTH_MAX:
            raise self.scanner.invalid()
        if self.scanner.take("("):
            test = self.alternatives(depth + 1)
            self.scanner.expect(")")
            return test
        selector = read_selector(self.scanner)
        self.selectors.append(selector)
        return self._test(selector)

    def _test(self, selector: Selector) -> _Test:
        scanner = self.scanner
        if scanner.take_word("IS"):
            for word, expected in (("TRUE", True), ("FALSE", False), ("NULL", None)):
                if scanner.take_word(word):
                    return _on_values(selector, partial(is_, expected))
            raise scanner.invalid()
        if scanner.take_word("NOT"):
            if not scanner.take_word("EXISTS"):
                raise scanner.invalid()
            return lambda document: selector.find(document) is MISSING
        comparison = read_comparison(scanner)
        if comparison is None:
            raise scanner.invalid()
        self.regexes += comparison.is_regex
        test_value = comparison.test_value
        return _on_values(
            selector, lambda value: not isinstance(value, dict | list) and test_value(value)
        )


def _on_values(selector: Selector, test: _Test) -> _Test:
    """Whether one of the values that a selector finds passes a test."""
    if selector.many:
        return lambda document: any(test(value) for value in selector.find_all(document))

    def first(document: Any) -> bool:
        value = selector.find(document)
        return value is not MISSING and test(value)

    return first


def _one_of(tests: list[_Test]) -> _Test:
    return lambda document: any(test(document) for test in tests)


def _all_of(tests: list[_Test]) -> _Test:
    return lambda document: all(test(document) for test in tests)
