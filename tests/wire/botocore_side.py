"""The other side of the wire: botocore's own writer and reader, and values for its shapes."""

import base64
import hashlib
import io
import re
import string
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore import handlers
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from botocore.utils import parse_timestamp
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from millpond.wire.http import Answer, HeaderMap, Request
from tools.generate_shapes import python_pattern

DEPTH_MAX = 4
ARN = "arn:aws:iam::123456789012:role/worker"
TOKEN = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
HEADER_TEXT = st.text(
    string.ascii_letters + string.digits + "!#$%&'*+-./:;<=>?@_~, \"", min_size=1, max_size=20
).filter(lambda text: text == text.strip())
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t &<>\"'"),
    max_size=20,
)
PRINTABLE = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=20,
)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@cache
def service_model(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def write(
    operation: OperationModel, members: dict[str, Any], protocol: str = ""
) -> tuple[Request, bytes]:
    """The request that botocore sends for these members, in the service's first protocol if in no
    other."""
    chosen = protocol or operation.service_model.protocol
    serializer = create_serializer(chosen, include_validation=False)
    request = serializer.serialize_to_request(members, operation)
    request.setdefault("context", {})
    if (operation.http_checksum or {}).get("requestChecksumRequired"):
        digest = hashlib.md5(request["body"]).digest()
        request["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
    prepare_request_dict(request, "http://127.0.0.1:4566", context={})
    prepared = create_request_object(request).prepare()
    url = urlsplit(prepared.url)
    headers = [(name, _text(value)) for name, value in prepared.headers.items()]
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    path = unquote(url.path, errors="strict")
    return Request(prepared.method, path, url.query, HeaderMap(headers), url.netloc), body


def read(
    operation: OperationModel, answer: Answer, body: bytes, protocol: str = ""
) -> dict[str, Any]:
    """What botocore understands of an answer: its members, or `Error`."""
    factory = ResponseParserFactory()
    factory.set_parser_defaults(
        timestamp_parser=lambda value: parse_timestamp(value).timestamp(),
    )
    parser = factory.create_parser(protocol or operation.service_model.protocol)
    streams = operation.has_streaming_output and answer.status < 300
    response = {
        "status_code": answer.status,
        "headers": _Headers(answer.headers),
        "body": io.BytesIO(body) if streams else body,
        "context": {"operation_name": operation.name},
    }
    parsed: dict[str, Any] = parser.parse(response, operation.output_shape)
    if streams:
        payload = operation.output_shape.serialization["payload"]
        parsed[payload] = parsed[payload].read()
    if operation.name == "GetBucketLocation" and answer.status == 200:
        handlers.parse_get_bucket_location(parsed, _Http(body))
    return parsed


class _Headers(dict[str, str]):
    """Headers as botocore's HTTP library has them: any case."""

    def __init__(self, items: list[tuple[str, str]]) -> None:
        super().__init__((name.lower(), value) for name, value in items)

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


class _Http:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.raw = self


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@st.composite
def values(draw: DrawFn, shape: Shape, *, xml: bool, leave_out: frozenset[str]) -> Any:
    """A value that satisfies a shape's constraints; timestamps are epoch seconds."""
    return _Values(draw, xml, leave_out).value(shape, 0)


class _Values:
    """Draws one value, member by member."""

    def __init__(self, draw: DrawFn, xml: bool, leave_out: frozenset[str]) -> None:
        self._draw = draw
        self._xml = xml
        self._leave_out = leave_out

    def value(self, shape: Shape, depth: int) -> Any:
        match shape.type_name:
            case "structure":
                return self._structure(shape, depth)
            case "list":
                filled = shape.serialization.get("flattened") or shape.serialization.get("location")
                least = max(1 if filled else 0, _least(shape))
                size = self._draw(st.integers(least, max(least, min(2, _most(shape)))))
                return [self.value(shape.member, depth + 1) for _ in range(size)]
            case "map":
                return self._map(shape, depth)
        return self._draw(_scalars(shape, self._xml))

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        members = {}
        for name, member in shape.members.items():
            if name in self._leave_out:
                continue
            wanted = depth < DEPTH_MAX and self._draw(st.booleans())
            if wanted or name in shape.required_members:
                members[name] = self.value(member, depth + 1)
        return members

    def _map(self, shape: Shape, depth: int) -> dict[str, Any]:
        if shape.serialization.get("location") == "headers":
            return self._draw(st.dictionaries(TOKEN, HEADER_TEXT, min_size=1, max_size=2))
        least = max(1 if shape.serialization.get("flattened") else 0, _least(shape))
        keys = st.lists(_scalars(shape.key, self._xml), min_size=least, max_size=2, unique=True)
        return {key: self.value(shape.value, depth + 1) for key in self._draw(keys)}


def _scalars(shape: Shape, xml: bool) -> SearchStrategy[Any]:
    metadata = shape.metadata
    match shape.type_name:
        case "string":
            location = shape.serialization.get("location", "")
            return _strings(tuple(shape.enum), location, _least(shape), _most(shape),
                            metadata.get("pattern", ""), xml)  # fmt: skip
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            bits = 31 if shape.type_name == "integer" else 53
            least, most = metadata.get("min", -(2**bits)), metadata.get("max", 2**bits - 1)
            return st.integers(max(least, -(2**bits)), min(most, 2**bits - 1))
        case "float" | "double":
            least, most = int(metadata.get("min", -1000)), int(metadata.get("max", 1000))
            return st.integers(least, most).map(float)
        case "timestamp":
            return st.integers(0, 4_000_000_000)
        case "blob":
            return st.binary(max_size=min(_most(shape), 30))
    raise AssertionError(f"{shape.name} is a {shape.type_name}.")


@cache
def _strings(
    enum: tuple[str, ...], location: str, least: int, most: int, java: str, xml: bool
) -> SearchStrategy[str]:
    if enum:
        return st.sampled_from(enum)
    if location == "header":
        return HEADER_TEXT
    if location == "uri" and not java:
        return st.text(string.ascii_letters + "-._~ +%&=ü", min_size=max(1, least), max_size=20)
    pattern = python_pattern(java) if java else None
    if pattern:
        drawn = PRINTABLE if "U0010FFFF" in pattern else st.from_regex(pattern)
        found = drawn.filter(
            lambda text: (
                least <= len(text) <= most
                and re.search(pattern, text)
                and not (xml and re.search("[\x00-\x08\x0b-\x1f]", text))
            )
        )
        plain = [text for text in ("x" * max(least, 1), "1" * max(least, 1), ARN, ARN + "a")
                 if least <= len(text) <= most and re.search(pattern, text)]  # fmt: skip
        return st.sampled_from(plain) | found if plain else found
    text = XML_TEXT if xml else ANY_TEXT
    return text.map(lambda text: text.ljust(least, "x")[:most])


def _least(shape: Shape) -> int:
    return int(shape.metadata.get("min", 0))


def _most(shape: Shape) -> int:
    return int(shape.metadata.get("max", 2**20))
