"""DynamoDB's numbers: up to 38 digits, from 1E-130 to 9.99…E+125, exact.

A number travels as text. `normalise` gives each its one plain text, without exponent or superfluous
zeros, so that equal numbers are equal texts. `encode` gives bytes in numeric order:

    zero       80
    positive   C0, exponent + 130, digits in pairs + 1, 00
    negative   40, the same with every bit turned
"""

import re
from decimal import Context, Decimal, Inexact

from millpond.services.dynamodb.errors import ValidationError

DIGITS_MAX = 38
EXPONENT_MIN = -130
EXPONENT_MAX = 125

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?\Z")
_EXACT = Context(prec=400)
_SUM = Context(prec=DIGITS_MAX)
_TURN = bytes(255 - byte for byte in range(256))


def normalise(text: str) -> str:
    """The one plain text of a number.

    Raises:
        ValidationError: it is no number, has too many digits, or is out of range.
    """
    if text.isdecimal() and text.isascii() and len(text) <= DIGITS_MAX and text[0] != "0":
        return text
    if not _NUMBER.match(text):
        shown = f": {text}" if text else ""
        raise ValidationError(f"The parameter cannot be converted to a numeric value{shown}")
    return to_text(Decimal(text))


def to_text(number: Decimal) -> str:
    """The plain text of `number`.

    Raises:
        ValidationError: it has too many digits, or is out of range.
    """
    if not number:
        return "0"
    adjusted = number.adjusted()
    if adjusted > EXPONENT_MAX:
        raise ValidationError(
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range"
        )
    if adjusted < EXPONENT_MIN:
        raise ValidationError(
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
            "range"
        )
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > DIGITS_MAX:
        raise ValidationError("Attempting to store more than 38 significant digits in a Number")
    return format(number.normalize(_EXACT), "f")


def add(one: str, other: str) -> str:
    """The exact sum of two numbers.

    Raises:
        ValidationError: it has too many digits, or is out of range.
    """
    return _combine(one, other, subtract=False)


def subtract(one: str, other: str) -> str:
    """The exact difference of two numbers.

    Raises:
        ValidationError: it has too many digits, or is out of range.
    """
    return _combine(one, other, subtract=True)


def _combine(one: str, other: str, *, subtract: bool) -> str:
    context = _SUM.copy()
    left, right = Decimal(one), Decimal(other)
    result = context.subtract(left, right) if subtract else context.add(left, right)
    if context.flags[Inexact]:
        raise ValidationError("Attempting to store more than 38 significant digits in a Number")
    return to_text(result)


def encode(text: str) -> bytes:
    """Bytes in the order of numbers; none begins with another's."""
    sign, digits, exponent = Decimal(text).as_tuple()
    plain = "".join(map(str, digits)).lstrip("0")
    if not plain:
        return b"\x80"
    assert isinstance(exponent, int)
    adjusted = len(plain) + exponent - 1
    plain = plain.rstrip("0")
    if len(plain) % 2:
        plain += "0"
    pairs = [int(plain[place : place + 2]) + 1 for place in range(0, len(plain), 2)]
    body = bytes([adjusted - EXPONENT_MIN, *pairs, 0])
    return b"\x40" + body.translate(_TURN) if sign else b"\xc0" + body


def size_bytes(text: str) -> int:
    """What a number counts for in an item's size: a byte for two digits, and one or two more.

    Source: DynamoDB developer guide, Item sizes and formats.
    """
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
