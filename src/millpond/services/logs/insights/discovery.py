"""The fields that are found in an event: those of its JSON, with dots for what is inside.

Source: CloudWatch Logs user guide, "Supported logs and discovered fields".
"""

from collections.abc import Iterable
from typing import Any

import msgspec

FIELDS_MAX = 200
_decode = msgspec.json.Decoder().decode


def fields_of(message: str) -> dict[str, str]:
    """The first 200 fields of an event that is a JSON object, as text; none of another."""
    if not message.lstrip().startswith("{"):
        return {}
    try:
        value = _decode(message)
    except (msgspec.DecodeError, RecursionError):
        return {}
    fields: dict[str, str] = {}
    _add(fields, "", value)
    return fields


def _add(fields: dict[str, str], name: str, value: Any) -> None:
    if len(fields) >= FIELDS_MAX:
        return
    inner: Iterable[tuple[Any, Any]]
    match value:
        case dict():
            inner = value.items()
        case list():
            inner = enumerate(value)
        case None:
            return
        case _:
            fields[name] = _shown(value)
            return
    for key, one in inner:
        _add(fields, f"{name}.{key}" if name else str(key), one)


def _shown(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
