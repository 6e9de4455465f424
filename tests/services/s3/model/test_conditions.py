"""Conditions, by S3's table of precedence."""

import pytest

from millpond.services.s3.errors import (
    NoSuchKey,
    NotImplementedHere,
    NotModified,
    PreconditionFailed,
)
from millpond.services.s3.model.checksums import Checksum
from millpond.services.s3.model.conditions import (
    check_copy_source,
    check_delete,
    check_read,
    check_write,
    check_write_headers,
)
from millpond.services.s3.model.stored import StoredObject

THEN = 1_700_000_000
STORED = StoredObject(
    account="1",
    etag="aa",
    modified_ms=THEN * 1000 + 700,
    size=1,
    checksum=Checksum("CRC64NVME", "x"),
)
OK, FAILED, SAME = None, PreconditionFailed, NotModified


@pytest.mark.parametrize(
    ("match", "unmodified", "none_match", "modified", "outcome"),
    [
        ('"aa"', None, None, None, OK),
        ("aa", None, None, None, OK),
        ("*", None, None, None, OK),
        ('"bb", "aa"', None, None, None, OK),
        ('"bb"', None, None, None, FAILED),
        (None, THEN, None, None, OK),
        (None, THEN - 1, None, None, FAILED),
        ('"aa"', THEN - 1, None, None, OK),
        ('"bb"', THEN, None, None, FAILED),
        (None, None, '"aa"', None, SAME),
        (None, None, 'W/"aa"', None, SAME),
        (None, None, "*", None, SAME),
        (None, None, '"bb"', None, OK),
        (None, None, None, THEN - 1, OK),
        (None, None, None, THEN, SAME),
        (None, None, None, THEN + 9, SAME),
        (None, None, '"aa"', THEN - 1, SAME),
        (None, None, '"bb"', THEN, OK),
        ('"bb"', None, '"aa"', None, FAILED),
    ],
)
def test_reading_under_conditions(
    match: str | None,
    unmodified: float | None,
    none_match: str | None,
    modified: float | None,
    outcome: type[Exception] | None,
) -> None:
    given = {
        "if_match": match,
        "if_none_match": none_match,
        "if_modified_since": modified,
        "if_unmodified_since": unmodified,
    }
    if outcome is None:
        check_read(STORED, **given)
        check_copy_source(STORED, **given)
        return
    with pytest.raises(outcome):
        check_read(STORED, **given)
    with pytest.raises(PreconditionFailed):
        check_copy_source(STORED, **given)


def test_not_modified_says_what_the_object_is() -> None:
    with pytest.raises(NotModified) as refusal:
        check_read(
            STORED,
            if_match=None,
            if_none_match="*",
            if_modified_since=None,
            if_unmodified_since=None,
        )
    assert refusal.value.members == {
        "ETag": '"aa"',
        "Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT",
    }


def test_writing_only_where_nothing_is() -> None:
    check_write(None, "k", None, "*")
    with pytest.raises(PreconditionFailed):
        check_write(STORED, "k", None, "*")


def test_writing_only_over_the_object_that_is_known() -> None:
    check_write(STORED, "k", '"aa"', None)
    with pytest.raises(PreconditionFailed):
        check_write(STORED, "k", '"bb"', None)
    with pytest.raises(NoSuchKey):
        check_write(None, "k", '"aa"', None)


@pytest.mark.parametrize(("match", "none_match"), [("*", None), (None, '"aa"'), ('"aa"', "*")])
def test_other_conditions_on_writing_are_not_implemented_by_s3_either(
    match: str | None, none_match: str | None
) -> None:
    with pytest.raises(NotImplementedHere):
        check_write_headers(match, none_match)


def test_deleting_only_the_object_that_is_known() -> None:
    check_delete(None, "k", None)
    check_delete(STORED, "k", None)
    check_delete(STORED, "k", "aa")
    check_delete(STORED, "k", "*")
    with pytest.raises(PreconditionFailed):
        check_delete(STORED, "k", "bb")
    with pytest.raises(PreconditionFailed):
        check_delete(None, "k", "*")
    with pytest.raises(NoSuchKey):
        check_delete(None, "k", "aa")
