"""A client that asks before it sends (`Expect: 100-continue`) and is refused keeps in step."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError


def test_refused_uploads_leave_the_next_request_alone(server):
    s3 = server.client("s3", config=Config(max_pool_connections=1))
    s3.create_bucket(Bucket="in-step")
    for number in range(60):
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket="not-there-at-all", Key="k", Body=b"x" * 200_000)
        assert refused.value.response["Error"]["Code"] == "NoSuchBucket"
        s3.put_object(Bucket="in-step", Key="k", Body=str(number).encode())
        assert s3.get_object(Bucket="in-step", Key="k")["Body"].read() == str(number).encode()


def test_uploads_with_a_wrong_secret_are_refused_each_time(server):
    s3 = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key="wrong",
        config=Config(max_pool_connections=1, retries={"total_max_attempts": 1}),
    )
    for _ in range(60):
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket="in-step", Key="k", Body=b"x" * 100_000)
        assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
