"""Names of buckets and keys."""

import pytest

from millpond.services.s3.errors import (
    IllegalLocationConstraint,
    InvalidLocationConstraint,
    KeyTooLong,
)
from millpond.services.s3.model.names import choose_region, is_bucket_name, key_bytes


@pytest.mark.parametrize("name", ["abc", "a" * 63, "my.bucket-1", "0ab", "a-b.c", "1.2.3.4a"])
def test_a_bucket_may_have_the_name(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-abc",
        "abc-",
        ".abc",
        "abc.",
        "a..b",
        "192.168.5.4",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
        "ä-bucket",
        "abc\n",
        "../etc",
    ],
)
def test_no_bucket_may_have_the_name(name: str) -> None:
    assert not is_bucket_name(name)


def test_a_key_is_measured_in_utf_8() -> None:
    assert key_bytes("ä" * 512) == "ä".encode() * 512
    with pytest.raises(KeyTooLong):
        key_bytes("ä" * 512 + "a")


@pytest.mark.parametrize(
    ("constraint", "endpoint", "region"),
    [
        (None, "us-east-1", "us-east-1"),
        ("", "us-east-1", "us-east-1"),
        ("eu-west-1", "eu-west-1", "eu-west-1"),
        ("EU", "eu-west-1", "eu-west-1"),
        ("EU", "us-east-1", "eu-west-1"),
        ("ap-south-2", "us-east-1", "ap-south-2"),
    ],
)
def test_a_bucket_is_made_where_its_constraint_says(
    constraint: str | None, endpoint: str, region: str
) -> None:
    assert choose_region(constraint, endpoint) == region


@pytest.mark.parametrize("constraint", [None, "", "eu-west-2"])
def test_a_regional_endpoint_makes_buckets_in_its_region_only(constraint: str | None) -> None:
    with pytest.raises(IllegalLocationConstraint) as refusal:
        choose_region(constraint, "eu-west-1")
    assert (constraint or "unspecified") in refusal.value.message


@pytest.mark.parametrize("constraint", ["us-east-1", "atlantis-1"])
def test_only_known_regions_are_constraints(constraint: str) -> None:
    with pytest.raises(InvalidLocationConstraint):
        choose_region(constraint, "us-east-1")
