"""Patterns of terms: `ERROR "exact phrase" -EXCLUDED ?OPTIONAL %regex%`.

An event is meant when it has every term and none that is excluded. Where all terms are optional,
one of them is enough; beside other terms, optional ones count for nothing, as in AWS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from millpond.services.logs.patterns.interface import InvalidPattern, Value
from millpond.services.logs.patterns.regexes import compile_regex
from millpond.services.logs.patterns.scanner import Scanner

_Test = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Terms:
    required: tuple[_Test, ...]
    excluded: tuple[_Test, ...]
    optional: tuple[_Test, ...]
    regexes: int
    matches: _Test

    def extracted(self, message: bytes) -> Mapping[str, str]:
        return {}

    def values(self, message: bytes, references: tuple[str, ...]) -> tuple[Value, ...]:
        return (None,) * len(references)

    def check_reference(self, reference: str) -> None:
        raise InvalidPattern(f"{reference} is no field: a pattern of terms has none.")


def read_terms(text: str) -> Terms:
    """The pattern that a text says.

    Raises:
        InvalidPattern: a term has characters for which it must stand in quotation marks.
    """
    scanner = Scanner(text)
    kinds: dict[str, list[_Test]] = {"": [], "-": [], "?": []}
    regexes = 0
    while not scanner.at_end:
        mark = next((mark for mark in "-?" if scanner.take(mark)), "")
        if scanner.position < len(text) and text[scanner.position].isspace():
            raise InvalidPattern(f"Invalid character(s) in term '{mark}'")
        if scanner.sees("%"):
            kinds[mark].append(compile_regex(scanner.take_enclosed("%", keep_escapes=True)))
            regexes += 1
        elif scanner.sees('"'):
            phrase = scanner.take_enclosed('"')
            if phrase.strip() or mark == "-":
                kinds[mark].append(_test_of(phrase))
        else:
            term = scanner.take_until('"')
            if not term.replace("_", "a").isalnum():
                raise InvalidPattern(f"Invalid character(s) in term '{mark}{term}'")
            kinds[mark].append(_test_of(term))
    required, excluded, optional = (tuple(kinds[mark]) for mark in ("", "-", "?"))
    test = _combine(required, excluded, optional)
    return Terms(required, excluded, optional, regexes, test)


def _test_of(term: str) -> _Test:
    encoded = term.encode()
    return lambda message: encoded in message


def _combine(
    required: tuple[_Test, ...], excluded: tuple[_Test, ...], optional: tuple[_Test, ...]
) -> _Test:
    if required or excluded:
        if len(required) == 1 and not excluded:
            return required[0]
        return partial(_has_all, required, excluded)
    if optional:
        return partial(_has_one, optional)
    return _any_message


def _any_message(message: bytes) -> bool:
    return True


def _has_all(required: tuple[_Test, ...], excluded: tuple[_Test, ...], message: bytes) -> bool:
    for test in required:
        if not test(message):
            return False
    return not any(test(message) for test in excluded)


def _has_one(optional: tuple[_Test, ...], message: bytes) -> bool:
    return any(test(message) for test in optional)
