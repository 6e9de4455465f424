"""Moments written as a Java date format says, as far as options of connectors need them."""

import re
from datetime import UTC, datetime

_FIELDS = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "dd": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    "SSS": r"(?P<millis>\d{3})",
    "XXX": r"(?P<zone>Z|[+-]\d\d:\d\d)",
    "XX": r"(?P<zone>Z|[+-]\d{4})",
    "X": r"(?P<zone>Z|[+-]\d\d)",
    "Z": r"(?P<zone>[+-]\d{4})",
}
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|.")


def moment_ms(text: str, pattern: str) -> int:
    """Epoch milliseconds of a moment; without a zone it is UTC's. A plain number is epoch seconds.

    Raises:
        ValueError: the text is not of the pattern, or that asks for what is not known.
    """
    if re.fullmatch(r"\d+(\.\d*)?([eE]\d+)?", text):
        return int(float(text) * 1000)
    found = re.fullmatch(_expression(pattern), text)
    if found is None:
        raise ValueError(f"'{text}' is not of the date format {pattern}")
    parts = found.groupdict()
    zone = (parts.get("zone") or "Z").replace("Z", "+0000").replace(":", "").ljust(5, "0")
    moment = datetime(
        int(parts.get("year") or 1970),
        int(parts.get("month") or 1),
        int(parts.get("day") or 1),
        int(parts.get("hour") or 0),
        int(parts.get("minute") or 0),
        int(parts.get("second") or 0),
        int(parts.get("millis") or 0) * 1000,
        tzinfo=UTC,
    )
    offset_s = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60 * (-1 if zone[0] == "-" else 1)
    return round(moment.timestamp() * 1000) - offset_s * 1000


def _expression(pattern: str) -> str:
    built = ""
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text.startswith("'"):
            built += re.escape(token[1] or "'")
        elif token[2]:
            if text not in _FIELDS:
                raise ValueError(f"'{text}' in a date format is not known here: {pattern}")
            built += _FIELDS[text]
        else:
            built += re.escape(text)
    return built
