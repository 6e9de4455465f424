"""What a record must be to be delivered as JSON or as a string. Nothing of it is changed.

Source: Kinesis Data Streams Developer Guide, "How Amazon S3 delivery works".
"""

import json
from typing import NamedTuple, NoReturn

import msgspec

from millpond.services.kinesis.channels.channel import RecordFormat

_scan_json = msgspec.json.Decoder(msgspec.Raw).decode
"""Reads JSON to its end without making anything of it."""


class Fault(NamedTuple):
    """Why a record cannot be delivered."""

    code: str
    message: str


DAMAGED = Fault("DamagedRecord", "The record's stored bytes are damaged.")


def fault_of(record_format: RecordFormat, data: bytes) -> Fault | None:
    """What is wrong with a record of that format, or None."""
    if record_format == "BYTE_ARRAY":
        return None
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return Fault(f"Invalid{_NAMES[record_format]}", f"The record is not UTF-8: {error}")
    return _fault_of_json(data) if record_format == "JSON" else None


_NAMES = {"JSON": "Json", "STRING": "String"}


def _fault_of_json(data: bytes) -> Fault | None:
    try:
        _scan_json(data)
    except (msgspec.DecodeError, RecursionError) as error:
        return None if _is_odd_json(data) else Fault("InvalidJson", _why(error))
    return None


def _is_odd_json(data: bytes) -> bool:
    """JSON that the fast reader does not take: escaped surrogates that stand alone."""
    try:
        json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The record is nested too deeply."
    return f"The record is not JSON: {error}"
