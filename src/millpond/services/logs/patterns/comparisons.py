"""Comparisons of a field with what a pattern says: `= "text*"`, `!= %regex%`, `> 3`."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from millpond.services.logs.patterns.interface import InvalidPattern, Value
from millpond.services.logs.patterns.regexes import compile_regex
from millpond.services.logs.patterns.scanner import Scanner

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_BARE_STOPS = '(),&|{}[]"%='


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tests values. `number` is set where the pattern compares with a number."""

    equal: bool
    text: Callable[[str], bool]
    number: float | None = None
    compare: Callable[[float, float], bool] = operator.eq
    quoted: bool = False
    is_regex: bool = False

    def test_value(self, value: Value) -> bool:
        """Whether a value of a JSON document passes."""
        if isinstance(value, str):
            return self.test_text(value)
        if value is None:
            return False
        if isinstance(value, bool):
            return self._equality(str(value).lower())
        if self.number is not None:
            return self.compare(value, self.number)
        return not self.equal if self.quoted else self._equality(str(value))

    def test_text(self, text: str) -> bool:
        """Whether the text of a field passes: as a number, if it is one and the pattern's is."""
        if self.number is not None:
            number = read_number(text)
            if number is not None:
                return self.compare(number, self.number)
        return self._equality(text)

    def _equality(self, text: str) -> bool:
        if self.compare not in (operator.eq, operator.ne):
            return False
        return self.text(text) is self.equal


def read_comparison(scanner: Scanner) -> Comparison | None:
    """The operator and the value that come next; None where no operator does.

    Raises:
        InvalidPattern: there is no value, or it is not a number where one is needed.
    """
    sign = next((sign for sign in _OPERATORS if scanner.take(sign)), None)
    if sign is None:
        return None
    compare = _OPERATORS[sign]
    equal = sign != "!="
    if scanner.sees("%"):
        _need_equality(sign)
        search = compile_regex(scanner.take_enclosed("%", keep_escapes=True))
        return Comparison(equal, lambda text: search(text.encode()), compare=compare, is_regex=True)
    if scanner.sees('"'):
        _need_equality(sign)
        text = _glob(scanner.take_enclosed('"'))
        return Comparison(equal, text, compare=compare, quoted=True)
    scanner.skip_spaces()
    bare = scanner.take_until(_BARE_STOPS)
    if not bare:
        raise scanner.invalid()
    number = read_number(bare)
    if number is None:
        _need_equality(sign)
    return Comparison(equal, _glob(bare), number, compare)


def _need_equality(sign: str) -> None:
    if sign not in ("=", "!="):
        raise InvalidPattern("Invalid filter pattern: only numbers can be compared by " + sign)


def read_number(text: str) -> float | None:
    """The number that a text is; None where it is none."""
    if not text or text[-1] not in "0123456789.":
        return None
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _glob(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text is `pattern`, in which `*` stands for any text."""
    first, *others = pattern.split("*")
    if not others:
        return lambda text: text == pattern
    *middle, last = others
    middle = [part for part in middle if part]

    def matches(text: str) -> bool:
        if not text.startswith(first):
            return False
        position = len(first)
        for part in middle:
            found = text.find(part, position)
            if found < 0:
                return False
            position = found + len(part)
        return text.endswith(last) and len(text) - len(last) >= position

    return matches
