"""Times as text: epoch seconds inside, ISO 8601 or the HTTP date outside."""

import re
from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(
    r"(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)"
)
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})"
    r"|\d{8}T\d{6}(?:\.\d{1,9})?Z"
)


def format_timestamp(seconds: float, form: str) -> str:
    """`seconds` since the epoch as `iso8601` (milliseconds), `rfc822` or `unixTimestamp`."""
    if form == "unixTimestamp":
        return str(int(seconds)) if seconds == int(seconds) else repr(seconds)
    if form == "rfc822":
        return _http_date(seconds)
    milliseconds = round(seconds * 1000)
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def parse_timestamp(text: str) -> float:
    """Epoch seconds of a time in any of the three forms: AWS reads each wherever one may stand.

    Raises:
        ValueError: it is none of them.
    """
    if match := _HTTP_DATE.fullmatch(text):
        day, month, year, hour, minute, second = match.groups()
        if month.title() not in _MONTHS:
            raise ValueError(f"{text!r} is not a time.")
        number = _MONTHS.index(month.title()) + 1
        moment = datetime(
            int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        return moment.timestamp()
    if _DATE_TIME.fullmatch(text):
        return datetime.fromisoformat(text).timestamp()
    if re.fullmatch(r"-?\d{1,12}(?:\.\d{1,9})?", text):
        return float(text)
    raise ValueError(f"{text!r} is not a time.")


def _http_date(seconds: float) -> str:
    moment = datetime.fromtimestamp(int(seconds // 1), UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"
