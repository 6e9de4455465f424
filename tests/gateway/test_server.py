"""A real server and boto3: bodies in both directions, errors, and connections that go on."""

from typing import Any


def test_boto3_calls_three_protocols(client: Any, shelf: Any) -> None:
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    assert client("glue").get_database(Name="d")["Database"]["Name"] == "d"
    assert client("s3").put_object(Bucket="bucket", Key="k", Body=b"hello")["ETag"]
    answer = client("s3").get_object(Bucket="bucket", Key="k")
    assert answer["Body"].read() == b"hello"
    assert answer["Metadata"] == {"who": "toy"}
