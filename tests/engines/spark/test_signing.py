"""Requests are signed as botocore signs them."""

import datetime
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.spark.runtime.signing import quote_path, sign

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)
KEYS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=30
)


def signed_by_botocore(method, url, headers, body, service, token):
    credentials = Credentials("AKIAEXAMPLE", "secret/key", token)
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    if service != "s3":
        request.headers["x-amz-content-sha256"] = kind(credentials, service, "eu-west-1").payload(
            request
        )
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW):
        kind(credentials, service, "eu-west-1").add_auth(request)
    return request.headers


@given(KEYS.filter(lambda key: not key.startswith("/")), st.none() | st.just("a token"))
def test_an_object_s_request(key, token):
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret/key",
        "AWS_REGION": "eu-west-1",
        **({"AWS_SESSION_TOKEN": token} if token else {}),
    }
    url = "http://127.0.0.1:4566" + quote_path(f"/bucket/{key}")
    ours = sign("GET", url, {}, b"", service="s3", environment=environment, now=NOW.timestamp())
    theirs = signed_by_botocore("GET", url, {}, b"", "s3", token)
    assert ours["authorization"] == theirs["Authorization"]


@given(st.binary(max_size=200))
def test_a_catalog_request(body):
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret/key",
        "AWS_REGION": "eu-west-1",
    }
    headers = {"content-type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetTable"}
    url = "http://127.0.0.1:4566/"
    ours = sign(
        "POST", url, headers, body, service="glue", environment=environment, now=NOW.timestamp()
    )
    theirs = signed_by_botocore("POST", url, headers, body, "glue", None)
    assert ours["authorization"] == theirs["Authorization"]
