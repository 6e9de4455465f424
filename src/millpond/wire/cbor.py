"""CBOR as AWS's protocols use it: plain items, and times under tag 1.

A body is read by cbor2 into plain values under bounds that hostile bytes cannot pass: 64 levels,
text or byte keys, no tag but the one for times (others could make dates, fractions, expressions or
references). Then it is judged by msgspec straight into the Struct; only when msgspec refuses is it
walked again, to word the refusal as AWS does.

Times are epoch seconds inside. Outside they are counted in the protocol's own unit: seconds in
Smithy RPC v2, milliseconds in the CBOR of Java's SDK for Kinesis.

Sources: RFC 8949; Smithy RPC v2 CBOR; SdkCborGenerator and AwsCborProtocolFactory of the AWS SDK
for Java 2.x.
"""

import io
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import cbor2
import msgspec

from millpond.wire.building import build
from millpond.wire.errors import SerializationException
from millpond.wire.fields import Kind, Value, structure_of
from millpond.wire.json_reading import JsonReader

DEPTH_MAX = 64
_EPOCH_TAG = 1
_TAGS_OF_THE_LIBRARY = (
    0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100,
    256, 258, 260, 261, 1004, 43000, 43001, 55799,
)  # fmt: skip
_ANY_STRUCT_KINDS: tuple[Kind, ...] = ("list", "map")

Convert = Callable[[Any], Any]


class CborCodec:
    """Reads and writes Structs; `units_per_second` is how the protocol counts times."""

    name = "cbor"

    def __init__(self, units_per_second: int, validation_code: str) -> None:
        self._units = units_per_second
        self._validation_code = validation_code
        self._tags = {
            **dict.fromkeys(_TAGS_OF_THE_LIBRARY, _refuse),
            _EPOCH_TAG: self._seconds,
        }
        self._taggers: dict[type[msgspec.Struct], Convert | None] = {}

    def decode(self, struct: type[msgspec.Struct], body: bytes) -> msgspec.Struct:
        """The Struct that a CBOR map describes.

        Raises:
            SerializationException: it is not CBOR, or a member has the wrong type.
            ValidationException: a member breaks a constraint.
        """
        given = self._read(body)
        if not contains(struct, "document"):
            try:
                return msgspec.convert(given, struct, builtin_types=(bytes,))
            except msgspec.ValidationError:
                pass
        try:
            return build(struct, _without_undefined(given), CborReader(), self._validation_code)
        except RecursionError as error:
            raise SerializationException("The request body is nested too deeply.") from error

    def encode(self, content: Any) -> bytes:
        """A Struct, or plain members."""
        plain = msgspec.to_builtins(content, builtin_types=(bytes,))
        if isinstance(content, msgspec.Struct):
            tag = self._tagger(type(content))
            if tag is not None:
                plain = tag(plain)
        return cbor2.dumps(plain)

    def _read(self, body: bytes) -> Any:
        source = io.BytesIO(body)
        try:
            given = cbor2.load(
                source,
                tag_hook=_refuse,
                semantic_decoders=self._tags,
                max_depth=DEPTH_MAX,
                strict_hashable_types=True,
            )
        except (cbor2.CBORError, ValueError, RecursionError, OverflowError) as error:
            raise SerializationException("The request body is not valid CBOR.") from error
        if source.tell() != len(body):
            raise SerializationException("The request body is not valid CBOR.")
        return given

    def _seconds(self, given: Any, immutable: bool) -> float:
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise ValueError("A time is a number.")
        if not math.isfinite(given):
            raise ValueError("A time is finite.")
        return given / self._units

    def _tagged(self, seconds: float) -> cbor2.CBORTag:
        units = seconds * self._units
        whole = round(units)
        return cbor2.CBORTag(
            _EPOCH_TAG, whole if self._units > 1 or whole == units else float(units)
        )

    def _tagger(self, struct: type[msgspec.Struct]) -> Convert | None:
        """Puts the times in a structure's plain members under their tag; None: it has none."""
        if struct in self._taggers:
            return self._taggers[struct]
        if not contains(struct, "timestamp"):
            self._taggers[struct] = None
            return None
        taggers: list[tuple[str, Convert]] = []

        def tag(members: dict[str, Any]) -> dict[str, Any]:
            for name, tag_member in taggers:
                member = members.get(name)
                if member is not None:
                    members[name] = tag_member(member)
            return members

        self._taggers[struct] = tag
        for field in structure_of(struct).fields:
            tagger = self._value_tagger(field.value)
            if tagger is not None:
                taggers.append((field.name, tagger))
        return tag

    def _value_tagger(self, value: Value) -> Convert | None:
        if value.kind == "timestamp":
            return self._tagged
        if value.kind == "structure":
            return self._tagger(value.structure.struct)
        if value.kind in _ANY_STRUCT_KINDS:
            tag = self._value_tagger(value.item)
            if tag is not None and value.kind == "list":
                return lambda items: [tag(item) for item in items]
            if tag is not None:
                return lambda items: {key: tag(item) for key, item in items.items()}
        return None


class CborReader(JsonReader):
    """Judges decoded CBOR: blobs are byte strings, numbers may be any finite or special ones."""

    def scalar(self, value: Value, given: Any) -> Any:
        if value.kind == "document":
            return _document(given)
        if value.kind == "blob":
            if not isinstance(given, bytes):
                raise SerializationException("A blob must be a byte string.")
            return given
        if isinstance(given, bytes | cbor2.CBORSimpleValue):
            raise SerializationException(f"Unexpected value where a {value.kind} stands.")
        if value.kind == "integer" and isinstance(given, float) and not math.isfinite(given):
            raise SerializationException("A number that is not finite is no Integer.")
        return super().scalar(value, given)


@cache
def contains(struct: type[msgspec.Struct], kind: Kind) -> bool:
    """Whether a member of this kind stands anywhere in `struct`."""
    seen: set[type[msgspec.Struct]] = set()

    def within(value: Value) -> bool:
        if value.kind == "structure":
            return of(value.structure.struct)
        return value.kind == kind or (value.element is not None and within(value.element))

    def of(inner: type[msgspec.Struct]) -> bool:
        if inner in seen:
            return False
        seen.add(inner)
        return any(within(field.value) for field in structure_of(inner).fields)

    return of(struct)


def _refuse(given: Any, immutable: bool) -> Any:
    raise ValueError("No tag but the one for times is taken.")


def _document(given: Any) -> Any:
    if isinstance(given, dict) and all(isinstance(key, str) for key in given):
        return {key: _document(item) for key, item in given.items()}
    if isinstance(given, list):
        return [_document(item) for item in given]
    if given is None or isinstance(given, str | bool | int | float):
        return given
    raise SerializationException("A document holds what JSON holds.")


def _without_undefined(given: Any) -> Any:
    """CBOR's undefined is null to Smithy."""
    if isinstance(given, Mapping):
        return {key: _without_undefined(item) for key, item in given.items()}
    if isinstance(given, list | tuple):
        return [_without_undefined(item) for item in given]
    return None if given is cbor2.undefined else given
