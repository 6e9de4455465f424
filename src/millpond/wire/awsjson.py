"""AWS JSON 1.0 and 1.1: `X-Amz-Target` names the operation, the body is its input.

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

from millpond.kernel.body import Body
from millpond.kernel.errors import ServiceError
from millpond.wire.bodies import gathered
from millpond.wire.building import build
from millpond.wire.errors import (
    NotImplementedByMillpond,
    SerializationException,
    UnknownOperationException,
    WireError,
)
from millpond.wire.fields import Value
from millpond.wire.http import Answer, Request
from millpond.wire.shape import Operation, ServiceModel

_ARTICLES = {
    "string": "a String",
    "integer": "an Integer",
    "float": "a Double",
    "timestamp": "a Timestamp",
    "boolean": "a Boolean",
    "blob": "a Blob",
}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class JsonProtocol:
    """The protocol of one service."""

    identifies_by_body = False

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._encoder = msgspec.json.Encoder()
        self._content_type = f"application/x-amz-json-{model.json_version}"

    def identify(self, request: Request, body: bytes | None) -> Operation:
        prefix, _, name = (request.headers.get("x-amz-target") or "").rpartition(".")
        if prefix == self._model.target_prefix:
            if operation := self._model.operations.get(name):
                return operation
            if name in self._model.absent:
                raise NotImplementedByMillpond(self._model.name, name)
        raise UnknownOperationException(
            f"{self._model.name} {self._model.api_version} has no operation of this name."
        )

    def streams(self, operation: Operation) -> bool:
        return False

    def parse(
        self, operation: Operation, request: Request, body: bytes | Body
    ) -> msgspec.Struct | None:
        if operation.input is None:
            return None
        document = gathered(body) or b"{}"
        decoder = self._decoders.get(operation.name)
        if decoder is None:
            decoder = self._decoders[operation.name] = msgspec.json.Decoder(operation.input)
        try:
            decoded: msgspec.Struct = decoder.decode(document)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return read_json(operation.input, document, self._model.validation_code)
        return decoded

    def serialize(
        self, operation: Operation, output: msgspec.Struct | None, request_id: str
    ) -> Answer:
        if operation.output is None:
            body = b""
        else:
            body = b"{}" if output is None else self._encoder.encode(output)
        return Answer(200, self._headers(request_id), body)

    def serialize_error(
        self, error: ServiceError, request_id: str, *, resource: str = "", head: bool = False
    ) -> Answer:
        name = "message" if isinstance(error, WireError) else self._model.message_member
        content = {"__type": error.code, name: error.message, **error.members}
        return Answer(error.status, self._headers(request_id), self._encoder.encode(content))

    def _headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("Content-Type", self._content_type), ("x-amzn-RequestId", request_id)]


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
