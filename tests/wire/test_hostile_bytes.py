"""Whatever bytes come, they are read or refused: never an error of our own."""

from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.kernel.errors import ServiceError
from millpond.wire.http import HeaderMap, Request
from millpond.wire.protocols import protocol_for

MANY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["DatabaseName", "TableInput", "Name", "StorageDescriptor", "Columns", "Parameters",
             "PartitionKeys", "Retention", "SerdeInfo", "Steps", "Instances", "Configurations"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
TAGS = st.sampled_from(
    ["<Delete>", "</Delete>", "<Object>", "</Object>", "<Key>", "</Key>", "a", "&lt;", "&#0;",
     "]]>", "<Quiet/>", "<!--", "-->", "<![CDATA[", "<?xml?>", " xmlns='x'", "\x00", "\ud7ff"]
)  # fmt: skip


def answer(service: str, request: Request, body: bytes) -> None:
    protocol = protocol_for(import_module(f"millpond.services.{service}.shapes").MODEL)
    try:
        operation = protocol.identify(request, body)
        protocol.parse(operation, request, body)
    except ServiceError as error:
        assert 400 <= protocol.serialize_error(error, "request-1").status < 500
        assert error.code not in ("InternalFailure",)


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("glue", "AWSGlue.CreateTable"),
        ("athena", "AmazonAthena.StartQueryExecution"),
        ("emr", "ElasticMapReduce.RunJobFlow"),
    ],
)
def test_any_json_is_read_or_refused(service: str, target: str) -> None:
    import json

    request = Request("POST", "/", "", HeaderMap([("X-Amz-Target", target)]))

    @MANY
    @given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30))
    def check(body: bytes) -> None:
        answer(service, request, body)

    check()


@MANY
@given(st.lists(TAGS, max_size=12).map("".join), st.booleans())
def test_any_xml_is_read_or_refused(text: str, closed: bool) -> None:
    body = f"<Delete><Object>{text}</Object></Delete>" if closed else text
    headers = HeaderMap([("x-amz-trailer", "x-amz-checksum-crc32")])
    answer("s3", Request("POST", "/b", "delete", headers), body.encode())


@MANY
@given(st.binary(max_size=40) | st.text("AV=&%.+0aciton", max_size=40).map(str.encode))
def test_any_form_is_read_or_refused(body: bytes) -> None:
    answer("sts", Request("POST", "/", "", HeaderMap([])), body)


@MANY
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.text("=&%+01az-", max_size=20),
)
def test_any_place_is_an_operation_or_refused(method: str, path: str, query: str) -> None:
    protocol = protocol_for(import_module("millpond.services.s3.shapes").MODEL)
    request = Request(method, f"/{path}", query, HeaderMap([]))
    try:
        protocol.parse(protocol.identify(request, None), request, b"")
    except ServiceError as error:
        assert 400 <= error.status < 500
