"""Values of table options, as Flink writes them: durations, sizes, numbers, yes and no."""

import re

_NUMBER = re.compile(r"\s*(\d+)\s*([A-Za-zµ]*)\s*\Z")
_MILLISECONDS = {
    name: factor
    for names, factor in (
        (("", "ms", "milli", "millis", "millisecond", "milliseconds"), 1.0),
        (("d", "day", "days"), 86_400_000.0),
        (("h", "hour", "hours"), 3_600_000.0),
        (("m", "min", "minute", "minutes"), 60_000.0),
        (("s", "sec", "secs", "second", "seconds"), 1_000.0),
        (("µs", "us", "micro", "micros", "microsecond", "microseconds"), 1e-3),
        (("ns", "nano", "nanos", "nanosecond", "nanoseconds"), 1e-6),
    )
    for name in names
}
_BYTES = {
    name: 1 << shift
    for names, shift in (
        (("", "b", "bytes"), 0),
        (("k", "kb", "kibibytes"), 10),
        (("m", "mb", "mebibytes"), 20),
        (("g", "gb", "gibibytes"), 30),
        (("t", "tb", "tebibytes"), 40),
    )
    for name in names
}


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as `10 s`, `200ms` or `1 min`; without a unit they are it.

    Raises:
        ValueError: it is none.
    """
    number, unit = _quantity(text)
    if unit not in _MILLISECONDS:
        raise ValueError(f"Time interval unit label '{unit}' does not match any of the known units")
    return int(number * _MILLISECONDS[unit])


def size_bytes(text: str) -> int:
    """Bytes of a size such as `128MB`; a kilobyte is 1024.

    Raises:
        ValueError: it is none.
    """
    number, unit = _quantity(text)
    if unit not in _BYTES:
        raise ValueError(f"Memory size unit '{unit}' does not match any of the recognized units")
    return number * _BYTES[unit]


def whole(text: str) -> int:
    """A whole number.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"\s*[+-]?\d{1,19}\s*", text):
        raise ValueError(f"Could not parse '{text[:40]}' as a whole number")
    return int(text)


def decimal(text: str) -> float:
    """A number.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"Could not parse '{text[:40]}' as a number") from None


def boolean(text: str) -> bool:
    """Whether it says `true`.

    Raises:
        ValueError: it says neither `true` nor `false`.
    """
    said = text.strip().lower()
    if said not in ("true", "false"):
        raise ValueError(f"Expected 'true' or 'false', found '{text[:40]}'")
    return said == "true"


def _quantity(text: str) -> tuple[int, str]:
    found = _NUMBER.match(text)
    if found is None:
        raise ValueError(f"Could not parse '{text[:40]}': expected a number and a unit")
    return int(found[1]), found[2].lower()
