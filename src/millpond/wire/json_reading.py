"""JSON bodies to Structs and back.

A body is decoded and judged by msgspec straight into the Struct. Only when msgspec refuses is the
body walked again, slowly, to tell a wrong type (SerializationException) from a broken constraint
(ValidationException) and to word either as AWS does. A member that stands twice counts the last
time; null is absence; members that the model does not have are ignored.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from millpond.wire.building import build
from millpond.wire.errors import SerializationException
from millpond.wire.fields import Value

_ARTICLES = {
    "string": "a String",
    "integer": "an Integer",
    "float": "a Double",
    "timestamp": "a Timestamp",
    "boolean": "a Boolean",
    "blob": "a Blob",
}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class JsonCodec:
    """Reads and writes Structs."""

    name = "json"

    def __init__(self, validation_code: str) -> None:
        self._validation_code = validation_code
        self._decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}
        self._encoder = msgspec.json.Encoder()

    def decode(self, struct: type[msgspec.Struct], body: bytes) -> msgspec.Struct:
        """The Struct that a JSON object describes; an empty body is an empty object.

        Raises:
            SerializationException: it is not JSON, or a member has the wrong type.
            ValidationException: a member breaks a constraint.
        """
        decoder = self._decoders.get(struct)
        if decoder is None:
            decoder = self._decoders[struct] = msgspec.json.Decoder(struct)
        document = body or b"{}"
        try:
            decoded: msgspec.Struct = decoder.decode(document)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return read_json(struct, document, self._validation_code)
        return decoded

    def encode(self, content: Any) -> bytes:
        """A Struct, or plain members."""
        return self._encoder.encode(content)


def read_json(struct: type[msgspec.Struct], body: bytes, validation_code: str) -> msgspec.Struct:
    """The Struct that a JSON object describes, or the reason why there is none.

    Raises:
        SerializationException: it is not JSON, or a member has the wrong type.
        ValidationException: a member breaks a constraint (the code is `validation_code`).
    """
    try:
        return build(struct, msgspec.json.decode(body), JsonReader(), validation_code)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SerializationException("The request body is not valid JSON.") from error
    except RecursionError as error:
        raise SerializationException("The request body is nested too deeply.") from error


class JsonReader:
    """Judges decoded JSON."""

    def scalar(self, value: Value, given: Any) -> Any:
        if value.kind == "document":
            return given
        if isinstance(given, dict):
            raise SerializationException("Start of structure or map found where not expected.")
        if isinstance(given, list):
            raise SerializationException("Start of list found where not expected")
        read = self._read(value, given)
        if read is None:
            raise SerializationException(
                f"{_token(given)} can not be converted to {_ARTICLES[value.kind]}"
            )
        return read

    def structure(self, given: Any) -> Mapping[str, Any]:
        return self.map(given)

    def list(self, given: Any) -> list[Any]:
        if isinstance(given, dict):
            raise SerializationException("Start of structure or map found where not expected.")
        if not isinstance(given, list):
            raise SerializationException("Unexpected field type")
        return given

    def map(self, given: Any) -> Mapping[str, Any]:
        if isinstance(given, list):
            raise SerializationException("Start of list found where not expected")
        if not isinstance(given, dict):
            raise SerializationException("Unexpected field type")
        return given

    def _read(self, value: Value, given: Any) -> Any:
        match value.kind:
            case "string":
                return given if isinstance(given, str) else None
            case "boolean":
                return given if isinstance(given, bool) else None
            case "integer":
                return _integer(given, value.bits)
            case "blob":
                return _blob(given)
            case "timestamp":
                seconds = _float(given)
                return seconds if seconds is not None and math.isfinite(seconds) else None
            case _:
                return _float(given)


def _integer(given: Any, bits: int) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    fits = -(2 ** (bits - 1)) <= given < 2 ** (bits - 1) and given == int(given)
    return int(given) if fits else None


def _float(given: Any) -> float | None:
    if isinstance(given, str):
        return _SPECIAL_FLOATS.get(given)
    return None if isinstance(given, bool) else float(given)


def _blob(given: Any) -> bytes | None:
    try:
        return base64.b64decode(given, validate=True) if isinstance(given, str) else None
    except binascii.Error:
        return None


def _token(given: Any) -> str:
    if isinstance(given, bool):
        return "TRUE_VALUE" if given else "FALSE_VALUE"
    if isinstance(given, str):
        return "STRING_VALUE"
    return "NUMBER_VALUE" if isinstance(given, int) else "DECIMAL_VALUE"
