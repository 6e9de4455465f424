"""Which service a request is for, and which bucket its host names."""

from pathlib import Path

import pytest

from millpond.gateway.identify import Directory, split_host
from millpond.gateway.refusals import Trouble
from millpond.gateway.service import Service
from millpond.services.glue import shapes as glue
from millpond.services.kinesisanalytics import shapes as kinesisanalytics
from millpond.services.kinesisanalyticsv2 import shapes as kinesisanalyticsv2
from millpond.wire.http import HeaderMap, Request
from tests.gateway.toy import Shelf, make_services

HOST = HeaderMap([("host", "h")])
SCOPE = "AWS4-HMAC-SHA256 Credential=k/20150830/us-east-1/{}/aws4_request,SignedHeaders=host"


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(make_services(Shelf(tmp_path)).values())


def request(
    path: str = "/", host: str = "localhost:4566", method: str = "GET", **headers: str
) -> Request:
    items = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, path, "", HeaderMap([("host", host), *items]), host)


@pytest.mark.parametrize(
    "host,bucket,rest",
    [
        (
            "bucket.s3.localhost.localstack.cloud:4566",
            "bucket",
            "s3.localhost.localstack.cloud:4566",
        ),
        (
            "bucket.s3.eu-west-1.localhost.localstack.cloud",
            "bucket",
            "s3.eu-west-1.localhost.localstack.cloud",
        ),
        ("bucket.s3.amazonaws.com", "bucket", "s3.amazonaws.com"),
        ("bucket.s3.eu-west-1.amazonaws.com", "bucket", "s3.eu-west-1.amazonaws.com"),
        ("bucket.s3-eu-west-1.amazonaws.com", "bucket", "s3-eu-west-1.amazonaws.com"),
        (
            "bucket.s3.dualstack.us-gov-west-1.amazonaws.com",
            "bucket",
            "s3.dualstack.us-gov-west-1.amazonaws.com",
        ),
        ("bucket.s3.cn-north-1.amazonaws.com.cn", "bucket", "s3.cn-north-1.amazonaws.com.cn"),
        ("bucket.localhost", "bucket", "localhost"),
        ("bucket.localhost:4566", "bucket", "localhost:4566"),
        ("bucket.s3.localhost:4566", "bucket", "s3.localhost:4566"),
        ("bucket.s3.us-east-1.localhost:4566", "bucket", "s3.us-east-1.localhost:4566"),
        ("a.b.localhost:4566", "a.b", "localhost:4566"),
        ("a.b.s3.amazonaws.com", "a.b", "s3.amazonaws.com"),
        ("x.s3.s3.amazonaws.com", "x.s3", "s3.amazonaws.com"),
        ("BUCKET.S3.Amazonaws.COM", "bucket", "s3.amazonaws.com"),
        ("localhost:4566", "", "localhost:4566"),
        ("127.0.0.1:4566", "", "127.0.0.1:4566"),
        ("[::1]:4566", "", "[::1]:4566"),
        ("s3.localhost:4566", "", "s3.localhost:4566"),
        ("s3.us-east-1.localhost", "", "s3.us-east-1.localhost"),
        ("s3.localhost.localstack.cloud", "", "s3.localhost.localstack.cloud"),
        ("localhost.localstack.cloud:4566", "", "localhost.localstack.cloud:4566"),
        ("s3.amazonaws.com", "", "s3.amazonaws.com"),
        ("s3.eu-west-1.amazonaws.com", "", "s3.eu-west-1.amazonaws.com"),
        ("millpond.internal", "", "millpond.internal"),
        ("a/b.localhost", "", "a/b.localhost"),
        ("a%2Fb.s3.amazonaws.com", "", "a%2Fb.s3.amazonaws.com"),
        ("a@b.localhost", "", "a@b.localhost"),
        ("", "", ""),
    ],
)
def test_a_host_names_a_bucket_or_none(host: str, bucket: str, rest: str) -> None:
    assert split_host(host) == (bucket, rest)


@pytest.mark.parametrize(
    "path,expected",
    [("/", "/b"), ("/key", "/b/key"), ("//key", "/b//key"), ("/a/../b", "/b/a/../b")],
)
def test_a_buckets_own_host_becomes_a_path(directory: Directory, path: str, expected: str) -> None:
    target = directory.identify(request(path, "b.s3.localhost.localstack.cloud:4566"), "s3")
    assert target.request.path == expected
    assert target.endpoint == "http://s3.localhost.localstack.cloud:4566"


def test_only_s3_has_buckets_in_hosts(directory: Directory) -> None:
    target = directory.identify(request("/", "glue.localhost:4566", "POST"), "glue")
    assert target.request.path == "/"
    assert target.endpoint == "http://glue.localhost:4566"


@pytest.mark.parametrize(
    "asked,name",
    [
        (request(authorization=SCOPE.format("glue")), "glue"),
        (request(authorization=SCOPE.format("s3")), "s3"),
        (request(x_amz_target="AWSGlue.GetTable", method="POST"), "glue"),
        (request(content_type="application/x-www-form-urlencoded", method="POST"), "sts"),
        (request("/bucket/key"), "s3"),
        (request(authorization="Basic YTpi"), "s3"),
    ],
)
def test_a_request_without_a_claim_is_taken_for_what_it_looks_like(
    directory: Directory, asked: Request, name: str
) -> None:
    target = directory.identify(asked, None)
    assert target.service is not None
    assert target.model.name == name


@pytest.mark.parametrize(
    "target,name",
    [
        ("KinesisAnalytics_20180523.ListApplications", "kinesisanalyticsv2"),
        ("KinesisAnalytics_20150814.ListApplications", "kinesisanalytics"),
        ("AWSGlue.GetTable", "kinesisanalyticsv2"),
        ("nonsense", "kinesisanalyticsv2"),
        ("", "kinesisanalyticsv2"),
    ],
)
@pytest.mark.parametrize("claimed", ["kinesisanalytics", None])
def test_services_of_one_signing_name_are_told_apart_by_the_target(
    target: str, name: str, claimed: str | None
) -> None:
    models = (kinesisanalyticsv2.MODEL, kinesisanalytics.MODEL, glue.MODEL)
    directory = Directory(Service(model, {}, None) for model in models)
    scope = SCOPE.format("kinesisanalytics")
    asked = request(x_amz_target=target, authorization=scope, method="POST")
    assert directory.identify(asked, claimed).model.name == name


@pytest.mark.parametrize(
    "asked,protocol",
    [
        (request(x_amz_target="DynamoDB_20120810.GetItem"), "json"),
        (request(content_type="application/x-www-form-urlencoded", method="POST"), "query"),
        (request("/2015-03-31/functions"), "rest-xml"),
    ],
)
def test_a_service_that_is_not_here_is_answered_in_its_form(
    directory: Directory, asked: Request, protocol: str
) -> None:
    target = directory.identify(asked, "dynamodb")
    assert target.service is None
    assert target.model.protocol == protocol
    assert target.model.signing_name == "dynamodb"


@pytest.mark.parametrize(
    "asked",
    [
        request("/a\x00b"),
        request("/a\ufffdb"),
        request("*"),
        request(method="TRACE"),
        request(method="CONNECT"),
        request(method="PURGE"),
        Request("GET", "/", "", HeaderMap([]), ""),
        Request("GET", "/", "", HeaderMap([("host", "a"), ("host", "b")]), "a,b"),
        Request("GET", "/", "", HeaderMap([("host", "a")]), "b"),
    ],
)
def test_what_cannot_be_read_in_one_way_only_is_not_readable(
    directory: Directory, asked: Request
) -> None:
    assert directory.identify(asked, "s3").fault is Trouble.UNREADABLE
    assert directory.identify(request("/a/../b//c\\d"), "s3").fault is None


@pytest.mark.parametrize(
    "asked",
    [
        request("/" + "a" * 65536),
        request(x="y" * 65536),
        Request("GET", "/", "q" * 65536, HOST, "h"),
    ],
)
def test_a_head_that_is_too_long_is_not_taken(directory: Directory, asked: Request) -> None:
    assert directory.identify(asked, "s3").fault is Trouble.HEAD_TOO_LARGE
