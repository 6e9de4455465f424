"""Functions of Trino that DuckDB's SQL cannot say, as Python functions of a worker's session.

Each is `p_name`; macros and templates of `trino` call them. They see no file and no network. An
argument that is refused raises with the marks of `trino.macros`, so that it reads as Trino's error.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import re
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

INVALID = "INVALID_FUNCTION_ARGUMENT"


class Refused(ValueError):
    """An argument that Trino would refuse; the text carries its error name."""

    def __init__(self, message: str, name: str = INVALID) -> None:
        super().__init__(f"\x01{name}\x02{message}\x03")


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def to_base(value: int, radix: int) -> str:
    digits, rest = "", abs(value)
    while rest:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return ("-" if value < 0 else "") + (digits or "0")


def from_base(text: str, radix: int) -> int:
    try:
        value = int(text, radix)
    except ValueError as error:
        raise Refused(f"Not a valid base-{radix} number: {text}") from error
    if not -(1 << 63) <= value < 1 << 63:
        raise Refused(f"Not a valid base-{radix} number: {text}")
    return value


def left_shift(value: int, places: int) -> int:
    return _signed(value << places, 64)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64:
        raise Refused(f"Bits specified in bit_count must be between 2 and 64, got {bits}")
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise Refused(f"Number must be representable with the bits specified. {value} can not be"
                      f" represented with {bits} bits")  # fmt: skip
    return (value & ((1 << bits) - 1)).bit_count()


def luhn_check(text: str) -> bool:
    if not re.fullmatch(r"\d+", text):
        raise Refused(f"Input string must not contain non-digit characters: {text}")
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def normalize(text: str, form: str) -> str:
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise Refused("Normalization form must be one of [NFD, NFC, NFKD, NFKC]")
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def interleave(text: str, inserted: str) -> str:
    """What replacing the empty text does: the insertion before, between and after characters."""
    return inserted + "".join(letter + inserted for letter in text)


_SOUNDS = {**dict.fromkeys("BFPV", "1"), **dict.fromkeys("CGJKQSXZ", "2"),
           **dict.fromkeys("DT", "3"), "L": "4", **dict.fromkeys("MN", "5"), "R": "6"}  # fmt: skip


def soundex(text: str) -> str:
    letters = [letter for letter in text.upper() if "A" <= letter <= "Z"]
    if not letters:
        return ""
    code, last = letters[0], _SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            code += sound
        if letter not in "HW":
            last = sound
    return code[:4].ljust(4, "0")


def from_utf8(data: bytes, replacement: str) -> str:
    if len(replacement) > 1:
        raise Refused("Replacement character string must empty or a single character")
    return data.decode("utf-8", errors="replace").replace("\ufffd", replacement)


def to_base32(data: bytes) -> str:
    return base64.b32encode(data).decode()


def from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text)
    except (binascii.Error, ValueError) as error:
        raise Refused(f"Invalid input '{text}'") from error


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


def keyed_digest(data: bytes, key: bytes, name: str) -> bytes:
    return hmac.digest(key, data, name)


def sub_bytes(data: bytes, start: int, length: int) -> bytes:
    if start == 0 or length <= 0 or -start > len(data):
        return b""
    first = start - 1 if start > 0 else len(data) + start
    return data[first : first + length]


def reverse_bytes(data: bytes) -> bytes:
    return data[::-1]


def to_big_endian(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def from_big_endian(data: bytes) -> int:
    if len(data) not in (4, 8):
        raise Refused("expected 8-byte input, but got instead: " + data.hex())
    return int.from_bytes(data, "big", signed=True)


def url_decode(text: str) -> str:
    return urllib.parse.unquote(text)


def url_decode_form(text: str) -> str:
    return urllib.parse.unquote_plus(text)


def url_encode(text: str) -> str:
    return urllib.parse.quote_plus(text, safe="*").replace("~", "%7E")


def url_parameter(query: str, name: str) -> str | None:
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key == name:
            return urllib.parse.unquote_plus(value)
    return None


_NUMBER_MARK = "\ue000"


def parse_json(text: str) -> str:
    """JSON as Trino keeps it: no white space, an object's members in the order of their names."""
    try:
        value = json.loads(text, parse_float=_mark_number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"Cannot convert value to JSON: '{text}'") from error
    sorted_text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return re.sub(f'"{_NUMBER_MARK}([^"]*)"', r"\1", sorted_text)


def _mark_number(text: str) -> str:
    """A fractional number in disguise, so that it is written as Java writes it."""
    return _NUMBER_MARK + java_double(float(text))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def java_double(value: float) -> str:
    """A double as Java's Double.toString writes it."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        mantissa, _, exponent = f"{value:.17e}".partition("e")
        digits = repr(value).replace(".", "").replace("-", "").strip("0")
        sign = "-" if value < 0 else ""
        mantissa = f"{sign}{digits[0]}.{digits[1:] or '0'}"
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{int(exponent)}"


def lower_keys(text: str, shape_text: str) -> str:
    """A JSON object with the names of fields in lower case, wherever the shape has fields; the
    keys of maps stay as they are."""
    return json.dumps(_lowered(json.loads(text), json.loads(shape_text)), ensure_ascii=False)


def _lowered(value: Any, shape: Any) -> Any:
    if isinstance(shape, list) and isinstance(value, list):
        return [_lowered(item, shape[0]) for item in value]
    if not isinstance(shape, dict) or not isinstance(value, dict):
        return value
    if "*" in shape:
        return {key: _lowered(item, shape["*"]) for key, item in value.items()}
    made: dict[str, Any] = {}
    for key, item in value.items():
        name = key.lower()
        if name not in made or made[name] is None:
            made[name] = _lowered(item, shape.get(name))
    return made


_ISO = re.compile(
    r"(?P<year>[+-]?\d{4,6})(?:-(?:W(?P<week>\d{2})(?:-(?P<weekday>\d))?|(?P<month>\d{1,2})"
    r"(?:-(?P<day>\d{1,2}))?|(?P<dayofyear>\d{3})))?"
    r"(?:T(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?)?)?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?"
)


def from_iso8601(text: str) -> dict[str, Any]:
    found = _ISO.fullmatch(text)
    if found is None:
        raise Refused(f'Invalid format: "{text}"')
    try:
        local = _iso_date(found) + timedelta(
            hours=int(found["hour"] or 0),
            minutes=int(found["minute"] or 0),
            seconds=int(found["second"] or 0),
            milliseconds=int((found["fraction"] or "0").ljust(3, "0")[:3]),
        )
    except ValueError as error:
        raise Refused(f'Cannot parse "{text}": {error}') from error
    zone = found["zone"] or "Z"
    if zone == "Z" or not int(zone[1:3] + (zone[-2:] if len(zone) > 3 else "00")):
        return {"t": local, "z": "UTC"}
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > 3 else 0
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return {"t": local - offset, "z": f"{zone[0]}{hours:02}:{minutes:02}"}


def _iso_date(found: re.Match[str]) -> datetime:
    year = int(found["year"])
    if found["week"]:
        day = date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
        return datetime(day.year, day.month, day.day)
    if found["dayofyear"]:
        return datetime(year, 1, 1) + timedelta(days=int(found["dayofyear"]) - 1)
    return datetime(year, int(found["month"] or 1), int(found["day"] or 1))


_LENGTHS = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def human_seconds(value: float) -> str:
    rest = round(abs(value))
    parts = []
    for name, size in _LENGTHS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' * (count != 1)}")
    return ", ".join(parts) or "0 seconds"


_DURATION_MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}


def parse_duration(text: str) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if found is None or found[2] not in _DURATION_MS:
        raise Refused(f"duration is not a valid data duration string: {text}")
    return round(float(found[1]) * _DURATION_MS[found[2]])


def ip_version(text: str) -> int:
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return 0


def in_subnet(text: str, subnet: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return False


_ZONED = "STRUCT(t TIMESTAMP, z VARCHAR)"
FUNCTIONS: tuple[tuple[str, Callable[..., Any], tuple[str, ...], str], ...] = (
    ("p_to_base", to_base, ("BIGINT", "BIGINT"), "VARCHAR"),
    ("p_from_base", from_base, ("VARCHAR", "BIGINT"), "BIGINT"),
    ("p_left_shift", left_shift, ("BIGINT", "BIGINT"), "BIGINT"),
    ("p_bit_count", bit_count, ("BIGINT", "BIGINT"), "BIGINT"),
    ("p_luhn_check", luhn_check, ("VARCHAR",), "BOOLEAN"),
    ("p_normalize", normalize, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    ("p_interleave", interleave, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    ("p_soundex", soundex, ("VARCHAR",), "VARCHAR"),
    ("p_from_utf8", from_utf8, ("BLOB", "VARCHAR"), "VARCHAR"),
    ("p_to_base32", to_base32, ("BLOB",), "VARCHAR"),
    ("p_from_base32", from_base32, ("VARCHAR",), "BLOB"),
    ("p_sha512", sha512, ("BLOB",), "BLOB"),
    ("p_crc32", crc32, ("BLOB",), "BIGINT"),
    ("p_hmac", keyed_digest, ("BLOB", "BLOB", "VARCHAR"), "BLOB"),
    ("p_subbytes", sub_bytes, ("BLOB", "BIGINT", "BIGINT"), "BLOB"),
    ("p_reverse_bytes", reverse_bytes, ("BLOB",), "BLOB"),
    ("p_to_big_endian", to_big_endian, ("BIGINT", "BIGINT"), "BLOB"),
    ("p_from_big_endian", from_big_endian, ("BLOB",), "BIGINT"),
    ("p_url_decode", url_decode, ("VARCHAR",), "VARCHAR"),
    ("p_url_decode_form", url_decode_form, ("VARCHAR",), "VARCHAR"),
    ("p_url_encode", url_encode, ("VARCHAR",), "VARCHAR"),
    ("p_url_parameter", url_parameter, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    ("p_json_parse", parse_json, ("VARCHAR",), "VARCHAR"),
    ("p_lower_keys", lower_keys, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    ("p_from_iso8601", from_iso8601, ("VARCHAR",), _ZONED),
    ("p_human_seconds", human_seconds, ("DOUBLE",), "VARCHAR"),
    ("p_parse_duration", parse_duration, ("VARCHAR",), "BIGINT"),
    ("p_ip_version", ip_version, ("VARCHAR",), "BIGINT"),
    ("p_in_subnet", in_subnet, ("VARCHAR", "VARCHAR"), "BOOLEAN"),
)
"""Name, function, parameter types and result type in DuckDB."""
